"""Numbers of tiny studies as they were when someone last looked: what changes them must be meant.

`studies.py` makes numbers by calls of the library, `pipeline.py` tables through the stages; `__main__.py` stores both.
"""
