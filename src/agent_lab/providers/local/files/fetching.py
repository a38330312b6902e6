"""Downloads large files so that nothing is fetched twice: resumed where they broke off, one fetch at a time."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.files.pace import Pace

GB = 1_000_000_000
SPARE_BYTES = 100_000_000
"""Left free on the disk after a download."""
TOLD_EVERY_S = 0.2
LOOK_EVERY_S = 0.5
"""How often one who waits for another's fetch looks how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a repository. The cache keeps its content under the name `blob`."""

    name: str
    size_bytes: int
    blob: str = "-"
    sha256: str | None = None
    """Only large files have one; the small ones are left to the hub's library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be in the cache."""

    model_key: str
    repository: str
    asked: str
    """The branch or tag that the commit was found under."""
    commit: str
    files: tuple[RemoteFile, ...]
    folder: Path
    """The cache of all repositories."""

    @property
    def place(self) -> Path:
        """The repository's own folder."""
        return self.folder / f"models--{self.repository.replace('/', '--')}"

    @property
    def blobs(self) -> Path:
        return self.place / "blobs"

    @property
    def total_bytes(self) -> int:
        return sum(one.size_bytes for one in self.files)

    def done_bytes(self) -> int:
        """What of it is on the disk, the halves of files included."""
        return sum(min(max(_size(self.blob(one)), _size(self.part(one))), one.size_bytes) for one in self.files)

    def blob(self, file: RemoteFile) -> Path:
        return self.blobs / file.blob

    def part(self, file: RemoteFile) -> Path:
        return self.blobs / f"{file.blob}.part"


def download(
    hub: Any, errand: Errand, on_progress: Callable[[LoadProgress], None], complete: Callable[[], Path]
) -> tuple[Path, int]:
    """Fetch the large files that are not there, then have the hub's library `complete` the folder.

    Returns the folder and the bytes that were missing. A file that breaks off stays as it is, and the next call goes on
    from there, also after a kill. Raises UnusableError where the disk is too small, and what the hub's client raises.
    """
    meter = _Meter(errand, on_progress)
    with _alone(hub, errand, meter):
        missing_bytes = errand.total_bytes - errand.done_bytes()
        _refuse_full(errand, missing_bytes)
        for file in errand.files:
            if file.sha256 is not None and not errand.blob(file).exists():
                _fetch(hub, errand, file, meter)
        folder = complete()
        _name_commit(errand)
        meter.tell(force=True)
    return folder, missing_bytes


@contextmanager
def _alone(hub: Any, errand: Errand, meter: _Meter) -> Iterator[None]:
    """One fetch of a repository at a time, in all processes; whoever waits tells how far the other one is."""
    from filelock import Timeout

    errand.blobs.mkdir(parents=True, exist_ok=True)
    path = errand.folder / ".locks" / f"{errand.place.name}.agent-lab.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        held = hub.utils.WeakFileLock(path, timeout=LOOK_EVERY_S)
        try:
            held.__enter__()
        except Timeout:
            meter.tell(force=True)
            continue
        break
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def _refuse_full(errand: Errand, missing_bytes: int) -> None:
    free_bytes = shutil.disk_usage(errand.folder).free
    if missing_bytes and free_bytes < missing_bytes + SPARE_BYTES:
        short_gb = (missing_bytes + SPARE_BYTES - free_bytes) / GB
        raise UnusableError(
            said(
                "disk_too_small",
                "The disk has no room for the model {model!r}: {missing:.2f} GB are still to be "
                "fetched and {free:.2f} GB are free in {folder}; free {short:.2f} GB there, or set "
                "MODEL_CACHE_DIR to a larger disk.",
                model=errand.model_key,
                missing=missing_bytes / GB,
                free=free_bytes / GB,
                folder=str(errand.folder),
                short=short_gb,
            )
        )


def _fetch(hub: Any, errand: Errand, file: RemoteFile, meter: _Meter) -> None:
    part = errand.part(file)
    begun = min(_size(part), file.size_bytes)
    url = hub.hf_hub_url(errand.repository, file.name, revision=errand.commit)
    with part.open("ab") as opened:
        opened.truncate(begun)
        hub.file_download.http_get(
            url,
            opened,
            resume_size=begun,
            headers=hub.utils.build_hf_headers(),
            expected_size=file.size_bytes,
            tqdm_class=meter.bar,
        )
    with part.open("rb") as written:
        found = hashlib.file_digest(written, "sha256").hexdigest()
    if found != file.sha256:
        part.unlink()
        raise UnusableError(
            said(
                "file_came_damaged",
                "The file {file} of the model {model!r} came damaged from the Hugging Face hub; it "
                "was thrown away: fetch it again.",
                file=file.name,
                model=errand.model_key,
            )
        )
    os.replace(part, errand.blob(file))


def _name_commit(errand: Errand) -> None:
    """Write down, where the cache has it, which commit the branch or tag is: others find it offline by that."""
    if errand.asked == errand.commit:
        return
    path = errand.place / "refs" / errand.asked
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(errand.commit, "ascii")
    os.replace(beside, path)


class _Meter:
    """Tells how far an errand is, now and then, from what is really on the disk."""

    def __init__(self, errand: Errand, on_progress: Callable[[LoadProgress], None]) -> None:
        self._errand = errand
        self._on_progress = on_progress
        self._began_s = time.monotonic()
        self._told_s = -TOLD_EVERY_S
        self._pace = Pace(self._began_s, errand.done_bytes())
        self._lock = threading.Lock()

    def tell(self, *, force: bool = False) -> None:
        """Tell, unless it was told a moment ago."""
        now_s = time.monotonic()
        with self._lock:
            if not force and now_s - self._told_s < TOLD_EVERY_S:
                return
            self._told_s = now_s
        done = self._errand.done_bytes()
        self._pace.note(now_s, done)
        self._on_progress(
            LoadProgress(
                model_key=self._errand.model_key,
                stage="fetching",
                done_bytes=done,
                total_bytes=self._errand.total_bytes,
                elapsed_s=now_s - self._began_s,
                seconds_left=self._pace.seconds_left(self._errand.total_bytes),
            )
        )

    def bar(self, **_: Any) -> _Bar:
        """What the hub's library takes for a progress bar."""
        return _Bar(self)


class _Bar:
    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is to be closed."""

    def update(self, _: float = 1) -> None:
        """Some bytes came."""
        self._meter.tell()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
