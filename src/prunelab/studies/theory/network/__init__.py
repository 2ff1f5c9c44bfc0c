"""The two-layer network: its data, training, and what is measured of it."""
