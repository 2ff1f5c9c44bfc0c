"""The stages of the study sdd; fetch, corrupt, dense and prune, which other studies share, stand one folder up."""
