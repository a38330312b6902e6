"""Flows: the library, what may stand in a flow document, and how one becomes a graph that runs."""
