"""Analysis: pure functions from what the rounds recorded to tidy tables. No PyTorch where none is needed."""
