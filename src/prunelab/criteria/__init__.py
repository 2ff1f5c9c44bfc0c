"""Pruning criteria by name: `prune.criterion: magnitude` is the file magnitude.py here.

A criterion is one function `score(subject) -> {parameter name: scores of the weight's shape}`; the lowest scores
are pruned. Which and how many is not its business (core/pruning/select.py).
"""
