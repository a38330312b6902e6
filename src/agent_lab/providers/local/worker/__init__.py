"""Runs a local model in a process of its own, so that a crash of it takes nothing else down."""
