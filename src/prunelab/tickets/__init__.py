"""A pruned network to use anywhere: one file, and what is needed to rebuild, shrink, run and hand on the network in it.

`read` is where to start; a Ticket (ticket.py) gives the network. Needs neither a repository nor DVC.
file.py is the format, description.py what is written about a network, checks.py and seal.py what a file is held to;
whole.py and compact.py are the networks, which batches.py asks; onnx_file.py hands one on; samples.py and predict.py
answer for a user's own pictures; speed.py measures.
"""

from prunelab.tickets.file import read
from prunelab.tickets.ticket import Ticket

__all__ = ["Ticket", "read"]
