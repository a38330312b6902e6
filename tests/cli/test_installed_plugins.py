"""The plug-in of the documentation, installed as it stands there, and plug-ins that are broken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Home

pytestmark = pytest.mark.slow  # packages are built and installed

TEXT = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text("utf-8")


def documented(language: str) -> str:
    """The one block of that language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(block)


def install(source: Path, target: Path, files: dict[str, str]) -> None:
    source.mkdir()
    for name, content in files.items():
        (source / name).write_text(content, "utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command = [*pip, "--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def with_folder(home: Home, folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{folder}:{home.environ.get('PYTHONPATH', '')}"}


def test_the_documented_plug_in_is_thirty_lines_and_runs_as_it_stands(home: Home, tmp_path: Path) -> None:
    code = documented("python")
    assert len(code.splitlines()) == 30
    folder = tmp_path / "installed"
    install(tmp_path / "source", folder, {"pyproject.toml": documented("toml"), "agent_lab_shorten.py": code})
    (home.path / "flows").mkdir()
    (home.path / "flows" / "brief.json").write_text(documented("json"), "utf-8")
    environ = with_folder(home, folder)

    question = "Why is the sky blue?"
    done = home.run("run", "brief", question, "--model", "echo", "--json", environ=environ)
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["answer"] == "Why is the"

    told = json.loads(home.run("doctor", "--json", environ=environ).stdout)["findings"]
    assert {"what": "plug-ins", "state": "ok", "says": "node kind 'shorten' (agent-lab-shorten 1.0)"} in told

    without = home.run("run", "brief", question, "--model", "echo", environ={**environ, "AGENT_LAB_PLUGINS": "0"})
    assert without.returncode == 2
    assert "There is no node kind 'shorten'" in " ".join(without.stderr.split())


BROKEN = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "broken"
version = "2.0"

[project.entry-points."agent_lab.node_kinds"]
missing = "not_there_at_all:KIND"
quits = "broken:QUITS"

[project.entry-points."agent_lab.providers"]
gone = "broken:no_such_name"
"""
MODEL = '[[model]]\nkey = "far"\nprovider = "gone"\n'


def test_the_lab_starts_without_a_broken_plug_in_and_the_doctor_names_it(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "installed"
    install(tmp_path / "source", folder, {"pyproject.toml": BROKEN, "broken.py": "def QUITS(): raise SystemExit(7)\n"})
    (home.path / "far.toml").write_text(MODEL)
    environ = with_folder(home, folder)

    done = home.run("ask", "Hello?", "--model", "echo", environ=environ)
    assert (done.returncode, done.stdout.strip()) == (0, "Hello?"), done.stderr

    findings = json.loads(home.run("doctor", "--json", environ=environ).stdout)["findings"]
    told = [one["says"] for one in findings if one["what"] == "plug-in"]
    assert told == [
        "The provider 'gone' (broken 2.0) is left out: AttributeError: module 'broken' has no attribute "
        "'no_such_name'.",
        "The node kind 'missing' (broken 2.0) is left out: ModuleNotFoundError: No module named 'not_there_at_all'.",
        "The node kind 'quits' (broken 2.0) is left out: SystemExit: 7.",
    ]

    asked = home.run("ask", "Hello?", "--model", "far", environ=environ)
    assert asked.returncode != 0
    assert "'far' is served by 'gone'" in " ".join(asked.stderr.split())
