"""The study theory: why pruning at initialisation first helps, then destroys, in a network small enough to see."""
