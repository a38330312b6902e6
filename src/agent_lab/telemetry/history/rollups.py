"""Keeps each minute as a line of `metrics/YYYY-MM-DD.jsonl`, for a month, and reads them again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pydantic
from pydantic import TypeAdapter

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.telemetry.history.slots import Slot
from agent_lab.telemetry.history.tiers import KEPT_DAYS

MAX_LINE_BYTES = 1_000_000
MAX_FILE_BYTES = 200_000_000
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl", re.ASCII)
_SLOT = TypeAdapter(Slot)


class Rollups:
    """The folder of them. Every method blocks for as long as the disk takes: call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "metrics"

    def write(self, minute: Slot) -> None:
        """Append one line. Raises EnvironmentFaultError where it cannot be written.

        It goes to the system in one piece, so several processes may write to a file. A process that is killed, or a
        disk that is full, can leave half a line behind: the next one begins on a line of its own.
        """
        path = self.folder / f"{_day(minute.at)}.jsonl"
        line = _SLOT.dump_json(minute, exclude_defaults=True) + b"\n"
        try:
            is_new = not path.exists()
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(path, "ab+", buffering=0) as file:
                file.write(line if _ends_whole(file) else b"\n" + line)
        except OSError as error:
            raise EnvironmentFaultError(
                f"What is measured cannot be kept in {self.folder} ({error.strerror or error}); make room there and "
                "make it writable, or set AGENT_LAB_HOME to a folder that is."
            ) from error
        if is_new:
            self._forget_old(minute.at)

    def read(self, now: float) -> Iterator[Slot]:
        """The minutes of the last month, oldest first; what is torn or not ours is passed over."""
        days = (_day(now - day * 86_400) for day in range(KEPT_DAYS, -1, -1))
        for day in days:
            with suppress(OSError):
                yield from sorted(_minutes(self.folder / f"{day}.jsonl", day), key=lambda minute: minute.at)

    def _forget_old(self, now: float) -> None:
        """Take away the files of days that no range shows any more."""
        oldest = f"{datetime.fromtimestamp(now, UTC).date() - timedelta(days=KEPT_DAYS)}.jsonl"
        with suppress(OSError):
            for path in self.folder.iterdir():
                if _NAME.fullmatch(path.name) and path.name < oldest:
                    path.unlink(missing_ok=True)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _ends_whole(file: BinaryIO) -> bool:
    size = file.seek(0, 2)
    if not size:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _minutes(path: Path, day: str) -> Iterator[Slot]:
    if path.stat().st_size > MAX_FILE_BYTES:  # none of ours
        return
    with open(path, "rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            minute = _minute(line)
            if minute is not None and _day(minute.at) == day:
                yield minute


def _minute(line: bytes) -> Slot | None:
    try:
        return _SLOT.validate_json(line)
    except (pydantic.ValidationError, ValueError):
        return None
