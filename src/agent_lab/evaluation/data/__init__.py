"""Datasets: read from files, chosen from, kept apart for tuning and for testing."""
