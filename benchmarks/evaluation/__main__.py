"""Prints what the evaluation's figures are worth: `python -m benchmarks.evaluation [--quick] [--part simulation]`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests"))  # the cells of the tests

PARTS = ("simulation", "report", "harness")


def main() -> None:
    """Print each part's lines."""
    asked = argparse.ArgumentParser(prog="benchmarks.evaluation")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--part", choices=PARTS, action="append")
    args = asked.parse_args()
    for name in args.part or PARTS:
        part = import_module(f"benchmarks.evaluation.{name}")
        sys.stdout.write(f"{part.__doc__}\n")
        for line in part.lines(quick=args.quick):
            sys.stdout.write(f"  {line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
