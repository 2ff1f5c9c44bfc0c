"""Data sets by name: `dataset: digits` is the file digits.py here, and nothing else needs to know it.

A data set's file states NUM_TRAIN (images it trains on; None if that depends on the user's files), LOOK_ALIKE (class
-> the class it is mistaken for, for `asymmetric` noise; {} if it has none) and `load(data_root) -> Images`; and, if it
cannot be downloaded, `check_root(data_root)`, which looks whether its files are there before anything runs. CLASSES are
its classes' names. VERIFIED are the files below data_root (folders end in /) that are read only if their checksums are
the published ones: these, and no others, stand in .dvcignore.
"""
