"""Scores of filters, found by name: score(ranked) -> by layer [F]; low ones matter least. Ranked within a layer."""
