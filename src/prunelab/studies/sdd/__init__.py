"""Sparse double descent: accuracy, memorisation, distances and the loss around solutions, round by round."""
