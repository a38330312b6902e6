"""Starts processes that are to be killed: forked from one server that has imported already what takes its time."""

import multiprocessing
from multiprocessing.context import ForkServerContext

PRELOADED = ["agent_lab.wiring", "agent_lab.runs.tally", "agent_lab.storage.runs", "httpx", "pytest"]


def forking() -> ForkServerContext:
    """The one context for all tests: its server is started once, with what whoever came first had asked for."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context
