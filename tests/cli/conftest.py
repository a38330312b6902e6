"""A home folder of its own for each test, with scripted models in it, and the real command to run there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

AGENT_LAB = [sys.executable, "-m", "agent_lab"]
MODELS = """
[[model]]
key = "echo"
name = "Echo"
family = "scripted"
provider = "scripted"
model_id = "scripted:echo"
context_window = 10000000
default_strategy = "long"
cost_profile = { input_usd_per_mtok = 0, output_usd_per_mtok = 0 }

[[model]]
key = "unpriced"
name = "Role"
family = "scripted"
provider = "scripted"
model_id = "scripted:role"
context_window = 10000000

[[model]]
key = "nay"
name = "Nay"
family = "scripted"
provider = "scripted"
model_id = "scripted:decline"
context_window = 1000

[[strategy]]
name = "long"
description = "Room for answers that take seconds."
limits = { max_tokens = 1000000, timeout_s = 600 }
"""


@dataclass(frozen=True, slots=True)
class Home:
    """A home folder and the command in it."""

    path: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(
        self, *args: str, stdin: bytes | None = None, environ: dict[str, str] | None = None, timeout_s: float = 100
    ) -> subprocess.CompletedProcess[str]:
        """Run `agent-lab` to its end, with output captured through pipes."""
        done = subprocess.run(
            [*AGENT_LAB, *args],
            input=stdin if stdin is not None else b"",
            capture_output=True,
            cwd=self.path,
            env={**self.environ, **(environ or {})},
            timeout=timeout_s,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args: str, stdin: bytes = b"") -> subprocess.Popen[bytes]:
        """Start `agent-lab` and hand it its standard input."""
        source = self.path / "stdin"
        source.write_bytes(stdin)
        with source.open("rb") as opened:
            return subprocess.Popen(
                [*AGENT_LAB, *args],
                stdin=opened,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.path,
                env=self.environ,
            )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "models.toml").write_text(MODELS)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    return Home(tmp_path, {**kept, "HOME": str(tmp_path), "AGENT_LAB_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"})


@pytest.fixture
def said(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process, which is quicker: its exit code and what it wrote."""
    from agent_lab.cli.main import run_command

    monkeypatch.chdir(home.path)
    for name in list(os.environ):
        if name.startswith("AGENT_LAB_") or name in {"PORT", "DEFAULT_MODEL", "DATABASE_URL", "NO_COLOR", "TERM"}:
            monkeypatch.delenv(name)
    for name in ("AGENT_LAB_HOME", "HOME", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, home.environ[name])

    def run(*args: str) -> Said:
        code = run_command(list(args))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left."""

    code: int
    out: str
    err: str
