"""The stores that the suites run over."""

from support.postgres import postgres_database, postgres_server
from support.stores import build, clock, place, store

__all__ = ["build", "clock", "place", "postgres_database", "postgres_server", "store"]
