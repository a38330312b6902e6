"""Runs every benchmark of the first thread and prints its figures."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # the scripted bench is shared with the tests

from benchmarks import command, demo_model


def main() -> None:
    """Print each benchmark's table."""
    for part in (command, demo_model):
        sys.stdout.write(f"{part.__doc__}\n")
        for line in part.lines():
            sys.stdout.write(f"  {line}\n")
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
