"""Thousands of calls through the front door while its providers misbehave: `make soak-gateway`."""
