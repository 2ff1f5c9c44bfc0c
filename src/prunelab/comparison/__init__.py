"""Several runs at once: read from DVC (runs.py, provenance.py) and compared, a file for each study (sdd.py, theory.py).

Of sdd, grid.py lays them out, curves.py, differences.py and across.py measure; figure.py, interactive.py, tabulate.py
and report.py show.
"""
