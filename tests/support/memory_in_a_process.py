"""What loads and unloads leave in a process that has done nothing else: the heap of a test run keeps what it likes."""

import gc
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from support.loading import CPU, load
from support.tiny_model import STANDARD, local_stack, tiny_spec

TESTS = Path(__file__).parent.parent
LONGEST_S = 600.0
"""Loads by the hundred take long on a busy machine; a test that asks for them is given as much by its mark."""


def measured(what: str, folder: Path) -> dict[str, int]:
    """The figures of one of the functions below, from a process of its own. Bytes."""
    command = [sys.executable, "-m", "support.memory_in_a_process", what, str(folder)]
    # One arena: how much of several a heap keeps for later depends on which threads happened to run beside each other.
    env = {**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LONGEST_S)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def _rss() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def loader_cycles(folder: Path) -> dict[str, int]:
    """The least that is held before and after 200 loads by the loader."""
    from agent_lab.providers.local.loading.loader import TransformersLoader

    loader = TransformersLoader()
    ready = loader.prepare(tiny_spec(folder), STANDARD, CPU)

    def cycles(count: int) -> int:
        seen = []
        for number in range(count):
            loader.load(tiny_spec(folder), ready, {"cpu": 0}).close()
            if number >= count - 10:
                seen.append(_rss())
        return min(seen)  # a heap breathes by about what one load takes; what is left behind is in its lowest state too

    return {"before": cycles(40), "after": cycles(200)}


def manager_cycles(folder: Path) -> dict[str, int]:
    """Early and late in 120 loads and unloads by the manager, engines and all: medians, for a heap breathes."""
    manager = local_stack(tiny_spec(folder, "a")).manager

    def cycles(count: int) -> int:
        seen = []
        for _ in range(count):
            manager.load_model("a", "standard")
            manager.cleanup_all()
            seen.append(_rss())
        return int(statistics.median(seen))

    cycles(20)
    gc.freeze()  # the libraries stay; to look through them for garbage takes far longer than a load
    return {"before": cycles(40), "after": (cycles(20), cycles(40))[1]}


def one_load(folder: Path) -> dict[str, int]:
    """What a load takes, and what it was told to take."""
    load(folder).close()  # what is imported and kept by libraries comes with the first one
    before = _rss()
    ready = load(folder)
    return {"grown": _rss() - before, "told": ready.plan.footprint.weights_bytes}


FIGURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    one.__name__: one for one in (loader_cycles, manager_cycles, one_load)
}

if __name__ == "__main__":
    figures = FIGURES[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)  # the figures are told; nothing is to be waited for
