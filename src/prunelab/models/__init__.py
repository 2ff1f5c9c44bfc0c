"""Networks by name: `model.name: lenet` is the file lenet.py here.

A network's file offers `build(sample_shape, num_classes, width) -> nn.Module` and
`unpruned(network) -> set of module names` whose weights are never pruned (a last layer, say). Everything else
follows from the module types (core/networks.py).
"""
