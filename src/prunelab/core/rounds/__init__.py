"""The study: the three kinds of round, their replicates side by side, and how an outcome is stored."""
