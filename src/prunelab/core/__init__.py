"""What every training stage uses, as one folder and so one dependency in dvc.yaml.

Variants (a data set, a model, a criterion) are files beside this folder and imported by name: adding one changes
nothing here, and so runs nothing again. DVC rewrites dvc.lock after every stage, at a cost that grows with its
length: with each of these files listed by itself, that took 2 s a stage.
"""
