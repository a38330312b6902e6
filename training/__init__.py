"""Trains the built-in demonstration model from scratch: `python -m training.train`."""
