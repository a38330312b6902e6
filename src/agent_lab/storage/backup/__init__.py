"""Backups: everything that the product keeps, in one file, and back."""
