"""The training loss around a network's parameters: its value, its Hessian and that matrix's spectrum.

Evaluation mode everywhere: batch norm uses stored statistics.
"""
