"""The study stability: filters pruned while the network trains, and what each event costs and brings.

Bartoldson et al., The Generalization-Stability Tradeoff in Neural Network Pruning.
"""
