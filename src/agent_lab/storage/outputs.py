"""Leaves the result of each run as one JSON file, at `<root>/outputs/<flow>_flows/<execution_id>.json`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.contracts.sentences import said
from agent_lab.storage.atomic import write_atomically
from agent_lab.storage.utf8 import json_text

# One path component: no separators, no leading dot, nothing that a file system reads in its own way.
_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


class OutputFolder:
    """The folder of results."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "outputs"

    def check(self) -> None:
        """Raises EnvironmentFaultError where results could not be saved."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".writable."):
                pass
        except OSError as error:
            raise self._fault(error) from error

    def path(self, flow_id: str, execution_id: str) -> Path:
        """Where that run's result is or will be. Raises ValidationError for an id that is not a file name."""
        for what, name in (("flow", flow_id), ("execution", execution_id)):
            if not _COMPONENT.fullmatch(name):
                raise ValidationError(
                    f"{name[:80]!r} is no {what} id; ids have letters, digits, '.', '_' and '-', 128 of them at most."
                )
        return self.folder / f"{flow_id}_flows" / f"{execution_id}.json"

    def write(self, flow_id: str, execution_id: str, document: Mapping[str, Any]) -> Path:
        """Write the result whole and return its path; an older one of that id is replaced.

        Blocks for the time of two fsyncs: call it in a thread. Raises ValidationError (ids), EnvironmentFaultError
        (disk).
        """
        path = self.path(flow_id, execution_id)
        data = json_text(dict(document), indent=2) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data.encode(), 0o644)
        except OSError as error:
            raise self._fault(error) from error
        return path

    def _fault(self, error: OSError) -> EnvironmentFaultError:
        return EnvironmentFaultError(
            said(
                "results_unsaved",
                "Results cannot be saved in {folder} ({reason}); make room there and make it "
                "writable, or set AGENT_LAB_HOME to a folder that is.",
                folder=str(self.folder),
                reason=str(error.strerror or error),
            )
        )
