"""The stores that the suites run over."""

from support.stores import build, clock, store

__all__ = ["build", "clock", "store"]
