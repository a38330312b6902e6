"""Names the process that holds a run, so that another one on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import psutil


def new_owner() -> str:
    """The name of this process as a holder of runs; unique, also among the names that it gave itself before."""
    me = psutil.Process()
    return f"{_machine()}/{me.pid}/{me.create_time():.2f}/{uuid.uuid4().hex[:12]}"


def has_died(owner: str) -> bool:
    """True where the holder was a process of this machine that is there no more; False where that cannot be told."""
    machine, _, rest = owner.partition("/")
    if machine != _machine():
        return False
    try:
        number, began, _ = rest.split("/")
        process = psutil.Process(int(number))
        # A process that was killed keeps its number until its parent has heard of it.
        return f"{process.create_time():.2f}" != began or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, ValueError):
        return False


def _machine() -> str:
    """This start of this machine, and whose process numbers these are: a container has numbers of its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot[:13]}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return f"unknown-{uuid.getnode():x}-{int(psutil.boot_time())}"
