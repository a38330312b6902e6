"""Turns a request into a result, whoever serves it."""
