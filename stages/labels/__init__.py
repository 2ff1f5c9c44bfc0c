"""The stages of the study labels; fetch, corrupt and early, which other studies share, stand one folder up."""
