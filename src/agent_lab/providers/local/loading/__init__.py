"""Weights on their way into memory: counted from their files, read byte by byte, placed on devices."""
