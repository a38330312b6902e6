"""Prints the figures of the web app: `python -m benchmarks.web [--quick] [--part weight|...]`; 1 where one fails."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests"))  # the browser's visits of the tests

from playwright.async_api import async_playwright

from agent_lab.api.site import SITE
from support.web import launch

PARTS = ("weight", "shift", "lanes", "builder", "many", "lighthouse", "build")


async def measure(parts: list[str], *, quick: bool) -> bool:
    """Print each part's figures as they come; False where one is past its bound."""
    holds = True
    for name in parts:
        part = importlib.import_module(f"benchmarks.web.{name}")
        sys.stdout.write(f"{part.__doc__}\n")
        async with async_playwright() as playwright:
            browser = await launch(playwright)
            for figure in await part.figures(browser, quick=quick):
                holds = holds and figure.holds
                sys.stdout.write(f"  {figure.line()}\n")
            await browser.close()
        sys.stdout.flush()
    return holds


def main() -> None:
    """What the command line asks for."""
    asked = argparse.ArgumentParser(prog="benchmarks.web")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--part", choices=PARTS, action="append")
    args = asked.parse_args()
    if not (SITE / "index.html").is_file():
        raise SystemExit("The web app is not built; run `make web` first.")
    sys.stdout.write(f"load of the machine at the start: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores\n")
    sys.exit(0 if asyncio.run(measure(args.part or list(PARTS), quick=args.quick)) else 1)


if __name__ == "__main__":
    main()
