"""The dense network trained on parts of the training set: which, how, and what is kept of it (Lens D, E, K.2)."""
