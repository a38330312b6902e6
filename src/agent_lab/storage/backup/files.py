"""Which files of the configuration and data folders go into a backup, and where they come back to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.registries.rows import ACCESS_KEYS
from agent_lab.storage.atomic import write_atomically
from agent_lab.storage.backup.manifest import OUTPUTS, PINS, Part, Tell, savable
from agent_lab.storage.backup.reading import Reader, damaged
from agent_lab.storage.backup.writing import CHUNK_BYTES, Writer
from agent_lab.storage.outputs import OutputFolder
from agent_lab.storage.utf8 import well_formed

_ID = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_OUTPUT = re.compile(rf"(?P<flow>{_ID})_flows/(?P<run>{_ID})\.json")
EVERY_ROWS = 100


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the user's own models, strategies and flows are, and where the product keeps the rest."""

    config: Path
    data: Path

    def place_of(self, name: str) -> Path:
        """Where the part of that name belongs."""
        return self.data / PINS if name == PINS else self.config / name.removeprefix("config/")

    def files(self) -> Iterator[tuple[str, Path]]:
        """The name of each file in a backup, and where it is. Never the token, access keys, `.env`, or anything else.

        With the keys a restore would admit again what was revoked since.
        """
        rows = [path for path in self.config.glob("*.toml") if path.name != ACCESS_KEYS]
        found = [*rows, *(self.config / "flows").glob("*.json")]
        for path in sorted(path for path in found if path.is_file()):
            yield f"config/{path.relative_to(self.config).as_posix()}", path
        if (self.data / PINS).is_file():
            yield PINS, self.data / PINS


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Raises EnvironmentFaultError in place of what the disk says."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentFaultError(f"{doing} ({reason}); make room and check access, then try again.") from error


def save_files(writer: Writer, folders: Folders) -> None:
    """Put the files into the backup. Raises ValidationError for one whose name no backup can hold."""
    for name, path in folders.files():
        if not savable(name):
            raise ValidationError(f"The file {path} cannot be saved under its name; rename it.")
        with path.open("rb") as file, writer.part(name) as part:
            while piece := file.read(CHUNK_BYTES):
                part.write(piece)


def save_outputs(writer: Writer, folders: Folders, tell: Tell) -> None:
    """Put the files of results into the backup, a line each."""
    root = OutputFolder(folders.data).folder
    paths = [path for path in root.glob("*_flows/*.json") if _OUTPUT.fullmatch(path.relative_to(root).as_posix())]
    with writer.part(OUTPUTS, ("path", "text")) as part:
        for path in sorted(paths):
            part.row([path.relative_to(root).as_posix(), path.read_bytes().decode("utf-8", "replace")])
            if part.rows % EVERY_ROWS == 0:
                tell(OUTPUTS, part.rows, len(paths))
    tell(OUTPUTS, len(paths), len(paths))


def differing(backup: Reader, folders: Folders) -> list[Path]:
    """Files that are there already and that a restore would change."""
    found = []
    for part in _files(backup):
        path = folders.place_of(part.name)
        if path.exists() and path.read_bytes() != backup.data(part):
            found.append(path)
    return found


def check_outputs(backup: Reader) -> None:
    """Raises DamagedError for a result that has no place in the folder of results."""
    for _ in _outputs(backup):
        pass


def restore_files(backup: Reader, folders: Folders, tell: Tell) -> None:
    """Write every file of the backup to its place. Raises OSError."""
    for part in _files(backup):
        _write(folders.place_of(part.name), backup.data(part))
    results = OutputFolder(folders.data)
    for number, (flow, run, text) in enumerate(_outputs(backup)):
        if number % EVERY_ROWS == 0:
            tell(OUTPUTS, number, sum(part.rows for part in backup.manifest.parts if part.name == OUTPUTS))
        _write(results.path(flow, run), text.encode(), 0o644)


def _files(backup: Reader) -> list[Part]:
    return [part for part in backup.manifest.parts if not part.table and part.name != OUTPUTS]


def _outputs(backup: Reader) -> Iterator[tuple[str, str, str]]:
    """Flow, run and text of each result."""
    for row in chain.from_iterable(backup.rows(part) for part in backup.manifest.parts if part.name == OUTPUTS):
        name, text = row if len(row) == 2 else (None, None)
        found = _OUTPUT.fullmatch(name) if isinstance(name, str) else None
        if found is None or not isinstance(text, str):
            raise damaged(backup.path, f"a row of {OUTPUTS} is none")
        yield found["flow"], found["run"], well_formed(text)


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, data, mode)
