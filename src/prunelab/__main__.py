"""`python -m prunelab`: the same as `prunelab`."""

from prunelab.commands import main

main()
