"""Training: schedule, masked optimiser, loop, evaluation, and where a round starts. No experiment is known here."""
