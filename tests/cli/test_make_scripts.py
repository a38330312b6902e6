"""The scripts behind make: what they guard, and what they say where something is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str, *args: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh" if name.endswith(".sh") else sys.executable, str(ROOT / "scripts" / name), *args]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_a_file_over_400_lines_fails_the_check_and_one_over_300_is_listed(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "long.py").write_text("x = 1\n" * 301)
    listed = script("check_lengths.py", str(tmp_path))
    assert listed.returncode == 0
    assert "long.py: 301 lines" in listed.stdout
    (tmp_path / "src" / "longer.py").write_text("x = 1\n" * 401)
    failed = script("check_lengths.py", str(tmp_path))
    assert failed.returncode == 1
    assert "longer.py: 401 lines, over 400" in failed.stdout


def test_the_locks_answer_pyproject() -> None:
    done = script("check_lock.py")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_stale_lock_and_an_address_in_it_are_told(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace('"click>=8.5,<9"', '"click>=9"'))
    lock = tmp_path / "requirements" / "run.lock"
    lock.write_text("--index-url https://example.org\n" + lock.read_text())
    done = script("check_lock.py", str(tmp_path))
    assert done.returncode == 1
    assert "click>=9" in done.stdout
    assert "names an address" in done.stdout


def test_the_lock_of_the_web_app_has_the_packages_of_every_platform() -> None:
    done = script("complete_npm_lock.py", "--check")
    assert (done.returncode, done.stdout) == (0, "")


def test_optional_packages_that_npm_left_out_of_its_lock_are_entered(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    parent = {"version": "1.0.0", "dev": True, "optionalDependencies": {"fast-mac": "~1.0.0", "fast-linux": "1.0.0"}}
    there = {"version": "1.0.0"}
    packages = {"": {}, "node_modules/fast": parent, "node_modules/fast/node_modules/fast-linux": there}
    lock.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    assert script("complete_npm_lock.py", "--check", str(lock)).returncode == 1
    assert script("complete_npm_lock.py", str(lock)).returncode == 0
    entered = {"version": "1.0.0", "dev": True, "optional": True}
    assert json.loads(lock.read_text())["packages"] == {**packages, "node_modules/fast-mac": entered}
    assert script("complete_npm_lock.py", "--check", str(lock)).returncode == 0


def test_a_machine_without_node_is_told_what_to_install(bare_path: Path) -> None:
    shutil.copy(ROOT / "scripts" / "web.sh", bare_path / "scripts")
    (bare_path / "web").mkdir()
    command = ["/bin/sh", str(bare_path / "scripts" / "web.sh"), "check"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": str(bare_path / "bin")}, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("The web app is built with Node 20.9 or newer")
    assert "not found" not in done.stderr


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A copy of the repository's installer, with a PATH that has no Python on it."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname", "cat", "tail", "sleep"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "install.sh", tmp_path / "scripts")
    return tmp_path


def install(root: Path, what: str = "run") -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(root / "scripts" / "install.sh"), what]
    environ = {"PATH": str(root / "bin"), "HOME": os.environ["HOME"]}
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def fake(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_no_usable_python_is_told_with_what_to_install(bare_path: Path) -> None:
    fake(bare_path / "bin" / "python3", "exit 1")  # an old one: the version check fails
    done = install(bare_path)
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (bare_path / ".venv").exists()


def test_a_python_without_venv_is_told_with_what_to_install(bare_path: Path) -> None:
    body = f'case "$*" in *ensurepip*) exit 1 ;; *) exec {sys.executable} "$@" ;; esac'
    fake(bare_path / "bin" / "python3.12", body)
    done = install(bare_path)
    assert done.returncode == 2
    assert "venv" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_the_installer_takes_run_or_dev_only(bare_path: Path) -> None:
    assert "takes run or dev" in install(bare_path, "everything").stderr


def test_make_without_a_target_lists_the_targets() -> None:
    done = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True)
    for target in ("demo", "up", "test", "check", "bench", "train-demo-model", "lock", "clean"):
        assert f"make {target} " in done.stdout


@pytest.mark.parametrize(
    ("alone", "rest", "told"), [(1, 0, "tests/alone"), (0, 1, "tests"), (1, 1, "tests/alone tests")]
)
def test_a_part_of_the_tests_that_fails_keeps_no_other_from_running_and_is_told(
    tmp_path: Path, alone: int, rest: int, told: str
) -> None:
    body = f'case "$*" in *--ignore=tests/alone*) exit {rest} ;; *) exit {alone} ;; esac'
    done, asked = script_of_tests(tmp_path, body, JOBS="3")
    assert done.returncode == 1
    assert done.stderr == f"Failed, and told above: {told}\n"
    first, second = asked
    assert first == "-m pytest tests/alone"
    assert "--numprocesses 3" in second


def script_of_tests(folder: Path, body: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What `scripts/tests.sh` says where Python does that, and what Python was asked for."""
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "tests.sh", folder / "scripts")
    (folder / ".venv" / "bin").mkdir(parents=True)
    fake(folder / ".venv" / "bin" / "python", f'echo "$@" >>asked\n{body}')
    done = subprocess.run(
        ["/bin/sh", "scripts/tests.sh"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environ},
        check=False,
    )
    return done, (folder / "asked").read_text().splitlines()


@pytest.mark.parametrize(
    ("rest", "failed", "again", "covered", "passes"),
    [
        (1, 1, 0, 0, True),
        (1, 5, 0, 0, True),
        (1, 6, 0, 0, False),  # too many to be the machine's fault
        (1, 0, 0, 0, False),  # it is too little of the code that is tested
        (1, 1, 1, 0, False),
        (1, 1, 0, 2, False),
        (2, 1, 0, 0, False),  # broken off: others were not run at all
    ],
)
def test_what_fails_beside_others_alone_is_named_and_fails_nothing(
    tmp_path: Path, rest: int, failed: int, again: int, covered: int, passes: bool
) -> None:
    names = " ".join(f"tests/a.py::test_{number}" for number in range(failed))
    body = f"""case "$*" in
    *--collect-only*) for name in {names}; do echo "$name"; done ;;
    *--last-failed*) exit {again} ;;
    *coverage\\ report*) exit {covered} ;;
    *--ignore=tests/alone*) exit {rest} ;;
    esac"""
    done, _ = script_of_tests(tmp_path, body, AGAIN="1")
    assert (done.returncode == 0) is passes
    assert (done.stderr == "Failed, and told above: tests\n") is not passes
    if passes:
        assert f"passed alone; look at them: {names}\n" in done.stdout
