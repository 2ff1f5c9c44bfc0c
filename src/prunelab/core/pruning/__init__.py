"""Pruning: scores (criteria/), exact selection (select.py) and masks (mask.py)."""
