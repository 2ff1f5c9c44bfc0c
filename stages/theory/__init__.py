"""The stages of the study theory."""
