"""Fails where a lock no longer answers what pyproject.toml asks for. Needs no network."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = {"run": ("hub", "local", "hosted", "postgres"), "dev": ("hub", "local", "hosted", "postgres", "test", "check")}
INPUTS = ("build.in", "torch-needs.in")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")


def pins(text: str) -> dict[str, set[str]]:
    """The versions that a lock has of each package; a universal lock may have several."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


def asked(root: Path, lock: str) -> Iterator[Requirement]:
    """What the lock must answer: the package's own needs, those of its extras, and those of the build."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in EXTRAS[lock]:
        lines += project["optional-dependencies"][extra]
    for name in INPUTS:
        lines += [line for line in (root / "requirements" / name).read_text().splitlines() if line[:1] not in ("", "#")]
    apart = (root / "requirements" / "torch-apart.in").read_text().split()
    return (need for need in map(Requirement, lines) if need.name not in {*apart, "agent-lab"})


def stale(root: Path, lock: str) -> list[str]:
    """A sentence for each need that the lock does not answer."""
    text = (root / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    have = pins(text)
    said = []
    for need in asked(root, lock):
        versions = have.get(canonicalize_name(need.name), set())
        if not any(need.specifier.contains(version) for version in versions):
            said.append(f"requirements/{lock}.lock has {', '.join(sorted(versions)) or 'no'} {need.name}, not {need}")
    if "://" in text:
        said.append(f"requirements/{lock}.lock names an address; it must name none")
    return said


def main(root: Path) -> int:
    """1 where a lock is stale."""
    said = [sentence for lock in EXTRAS for sentence in stale(root, lock)]
    for sentence in said:
        sys.stdout.write(f"{sentence}: run `make lock`\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent))
