"""A grid of experiments computed: planned (plan.py), queued or sent to the workers of a cluster (tasks.py), verified.

DVC computes and pushes; Dask decides where. board.py is what one sees meanwhile. A study's replicates may be computed
apart (replicates.py) and put together (merging.py).
"""
