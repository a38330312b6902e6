"""Keeps runs, their events and their outputs on disk, and a twin of the run store in memory."""
