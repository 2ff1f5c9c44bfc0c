"""Data sets by name: `dataset: digits` is the file digits.py here, and nothing else needs to know it.

A data set's file states NUM_TRAIN (images it trains on), NUM_CLASSES, LOOK_ALIKE (class -> the class it is
mistaken for, for `asymmetric` noise; {} if it has none) and `load(data_root) -> Images`.
"""
