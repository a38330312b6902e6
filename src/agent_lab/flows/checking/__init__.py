"""The checks of a flow document, by topic; `flows/checks.py` is their door."""
