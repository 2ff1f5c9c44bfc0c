"""How flat the loss is where an arm ends, in parameters and from example to example (Stability 3.4, E)."""

# Of epsilon, along unit eigenvectors; the paper's step is 0.01, which is as large as arms differ by.
STEP, FARTHEST = 0.005, 0.40
HIGHER = 0.1  # nats, by which the loss must exceed that at w (Stability E)
