"""Prints the figures of runs: `python -m benchmarks.runs [--quick] [--part overhead|overlap|crowd]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests"))  # the scripted bench of the tests

from benchmarks.runs import crowd, overhead, overlap

PARTS: dict[str, Any] = {"overhead": overhead, "overlap": overlap, "crowd": crowd}


def main() -> None:
    """Print each part's lines."""
    asked = argparse.ArgumentParser(prog="benchmarks.runs")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--part", choices=PARTS, action="append")
    args = asked.parse_args()
    for name in args.part or PARTS:
        sys.stdout.write(f"{PARTS[name].__doc__}\n")
        for line in PARTS[name].lines(quick=args.quick):
            sys.stdout.write(f"  {line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
