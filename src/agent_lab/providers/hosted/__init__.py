"""Calls models at an address: each vendor's protocol is a dialect, and one provider speaks them all."""
