"""Seconds of a build from nothing."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time

from playwright.async_api import Browser

from benchmarks.web.figures import Figure
from support.web import WEB

MOST_S = 180


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """Without what builds before left; the packages are installed."""
    return await asyncio.to_thread(_build)


def _build() -> list[Figure]:
    shutil.rmtree(WEB / ".next", ignore_errors=True)
    began = time.perf_counter()
    command = ["env", "NEXT_TELEMETRY_DISABLED=1", "node_modules/.bin/next", "build"]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The web app could not be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return [Figure(what="a clean build", value=time.perf_counter() - began, unit="s", at_most=MOST_S)]
