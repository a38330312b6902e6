"""What holds for all tests."""

import gc

import pytest

UNCOUNTED = {"browser", "e2e", "faults"}
"""Folders whose tests drive what the others cover already. Counting lines doubles what a test computes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") or item.path.parent.name in UNCOUNTED:
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Some hundred thousand objects are loaded by now, and stay: without this every collection walks over them anew."""
    gc.collect()
    gc.freeze()
