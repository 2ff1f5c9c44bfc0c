"""The loss around solutions: the path from a sparse to a re-dense one, lines, planes (SDD 3.3 and 5), the Hessian.

Everything is measured in evaluation mode: batch norm uses stored statistics. On a path they are interpolated like
the parameters; along random directions they stay.
"""

# Tables that a replicate of a round leaves.
PATH, LINES, PLANES, SPECTRUM, LAYERS = "path.csv", "lines.csv", "planes.csv", "spectrum.csv", "layers.csv"
