"""What holds for all tests."""

import gc

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is: none fails for that.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

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
