"""Remembers which version of a hub's repository each model is loaded from, so that it never changes by itself."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.registry import ModelSpec

FILE_NAME = "models.lock.json"
COMMIT = re.compile(r"[0-9a-f]{40}")
_ABOUT = "Which commit of its repository each model is loaded from; `agent-lab models pull KEY --update` moves it."


@dataclass(frozen=True, slots=True)
class Pins:
    """The file of pinned commits; it may not exist yet."""

    path: Path

    def commit(self, model: ModelSpec) -> str | None:
        """The commit that the model is held at: its row's own, or what was written down at the first fetch.

        Raises EnvironmentFaultError for a file that cannot be read.
        """
        if model.revision and COMMIT.fullmatch(model.revision):
            return model.revision
        return self._read().get(_name(model))

    def hold(self, model: ModelSpec, commit: str) -> None:
        """Hold the model at a commit from now on. Raises EnvironmentFaultError for a file that cannot be written."""
        if self.commit(model) == commit or not COMMIT.fullmatch(commit):
            return
        from filelock import FileLock

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self.path.with_name(f".{self.path.name}.lock")):
                self._write({**self._read(), _name(model): commit})
        except OSError as error:
            raise EnvironmentFaultError(f"The file {self.path} cannot be written ({error.strerror}).") from error

    def _read(self) -> dict[str, str]:
        try:
            commits = json.loads(self.path.read_bytes())["commits"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unusable() from error
        if not isinstance(commits, dict) or not all(map(_is_commit, commits.values())):
            raise self._unusable()
        return commits

    def _write(self, commits: dict[str, str]) -> None:
        document = {"about": _ABOUT, "commits": dict(sorted(commits.items()))}
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        beside.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        os.replace(beside, self.path)

    def _unusable(self) -> EnvironmentFaultError:
        return EnvironmentFaultError(
            f"The file {self.path} is not what AI Agent Lab wrote; mend it, or take it away and models are held at "
            "the versions that are on this machine."
        )


def _is_commit(value: Any) -> bool:
    return isinstance(value, str) and COMMIT.fullmatch(value) is not None


def _name(model: ModelSpec) -> str:
    return f"{model.model_id}@{model.revision or 'main'}"
