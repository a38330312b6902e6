"""AI Agent Lab: language models that deliberate, and a paired test that says whether it was worth it."""

__version__ = "0.1.0"
