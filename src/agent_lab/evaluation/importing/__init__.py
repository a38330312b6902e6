"""Answers that were made elsewhere: read from files, brought to their items, scored like all others."""
