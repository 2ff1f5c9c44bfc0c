"""Several runs at once: read from DVC (runs.py), laid out as a grid (grid.py), measured, tested, drawn, reported.

curves.py, differences.py and claims.py measure; figure.py, interactive.py, tabulate.py and report.py show.
"""
