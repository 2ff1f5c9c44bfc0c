"""How one replicate of one arm is trained: when filters are targeted, which, and what is done to them."""
