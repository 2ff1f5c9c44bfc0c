"""The stages of the study lens; fetch, corrupt, dense and prune, which other studies share, stand one folder up."""
