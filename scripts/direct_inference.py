"""Asks one model once: the same as `agent-lab ask`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

try:
    from agent_lab.cli.main import main
except ModuleNotFoundError as missing:
    sys.stderr.write(f"{missing.name} is not installed; run `make demo` once, then use .venv/bin/python.\n")
    sys.exit(2)

if __name__ == "__main__":
    main(["ask", *sys.argv[1:]])
