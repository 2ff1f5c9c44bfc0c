"""The stages of the study stability."""
