"""Several runs at once: read from DVC, laid out as a grid, tested against each other, computed on many machines.

runs.py reads them, grid.py groups replicates and finds what differs, curves.py, differences.py and claims.py measure,
figure.py draws, plan.py and sweep.py compute. commands/ holds the `prunelab` commands that use them.
"""
