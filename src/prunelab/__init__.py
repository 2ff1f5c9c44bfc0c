"""prunelab: when does pruning a neural network help it generalise, and when does it make overfitting worse?

Definitions follow *Sparse Double Descent* (He et al.; SDD in docstrings) and *Pruning's Effect on Generalization
Through the Lens of Training and Regularization* (Jin et al.; Lens). Imports go down only: `config` and the stages
know the library, the training loop knows no experiment, figures know only tables.
"""
