"""Labels: which labels of a training set are probably wrong."""
