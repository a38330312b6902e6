"""The built-in demonstration model: its weights, its domain, and held-out problems to measure it on."""
