"""The databases that are broken here."""

from support.postgres import postgres_database, postgres_server
from support.stores import place

__all__ = ["place", "postgres_database", "postgres_server"]
