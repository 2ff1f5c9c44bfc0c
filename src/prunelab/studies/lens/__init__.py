"""Lens: which examples pruning changes, and why that helps (Jin et al., Pruning's Effect on Generalization Through the
Lens of Training and Regularization)."""
