"""Fails over files of more than 400 lines and lists those over 300: long files are where code goes bad."""

from __future__ import annotations

import sys
from pathlib import Path

LIST_OVER = 300
FAIL_OVER = 400
FOLDERS = ("src", "tests", "scripts", "training", "benchmarks")


def long_files(root: Path) -> list[tuple[int, Path]]:
    """Lines and path of each Python file over the lower bound, longest first."""
    counted = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > LIST_OVER:
                counted.append((lines, path.relative_to(root)))
    return sorted(counted, reverse=True)


def main(root: Path) -> int:
    """1 where a file is over the upper bound."""
    found = long_files(root)
    for lines, path in found:
        verdict = f"over {FAIL_OVER}: split it" if lines > FAIL_OVER else f"over {LIST_OVER}: look at it in review"
        sys.stdout.write(f"{path}: {lines} lines, {verdict}\n")
    return 1 if any(lines > FAIL_OVER for lines, _ in found) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent))
