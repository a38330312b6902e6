"""Enters into web/package-lock.json the packages of other platforms that npm left out; run it after `npm install`.

Some registries answer for this machine's platform alone; npm from 11.10 on refuses such a lock ("Missing: ... from lock
file"). `--check` changes nothing and fails where one is missing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "web" / "package-lock.json"


def missing(packages: dict[str, Any]) -> dict[str, Any]:
    """An entry for each optional dependency that has none, at the version that its parent pins."""
    found = {}
    for place, package in packages.items():
        for name, version in package.get("optionalDependencies", {}).items():
            if not any(f"{folder}node_modules/{name}" in packages for folder in _folders(place)):
                entry = {"version": version.lstrip("^~"), "dev": package.get("dev", False), "optional": True}
                found[f"node_modules/{name}"] = entry
    return found


def _folders(place: str) -> list[str]:
    """Where a package at that place looks for others: in its own folder, then upwards."""
    folders = [f"{place}/" if place else ""]
    while place:
        place = place.rpartition("node_modules/")[0]
        folders.append(place)
        place = place.removesuffix("/")
    return folders


def main(path: Path, *, check: bool) -> int:
    """1 where something is missing and may not be written."""
    lock = json.loads(path.read_text("utf-8"))
    found = missing(lock["packages"])
    if check or not found:
        sys.stdout.writelines(f"{path}: {place} is missing; run scripts/complete_npm_lock.py\n" for place in found)
        return 1 if found else 0
    root = lock["packages"].pop("")
    lock["packages"] = {"": root, **dict(sorted({**lock["packages"], **found}.items()))}
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    paths = [Path(one) for one in sys.argv[1:] if one != "--check"]
    sys.exit(main(paths[0] if paths else LOCK, check="--check" in sys.argv))
