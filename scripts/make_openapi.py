"""Writes web/openapi.json anew: the OpenAPI document of the whole application, without its examples."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from agent_lab.api.openapi import document  # noqa: E402 - the path is made above
from agent_lab.settings import read_settings  # noqa: E402
from agent_lab.wiring import build_app, open_lab  # noqa: E402

PATH = ROOT / "web" / "openapi.json"


def openapi() -> str:
    """The whole file."""
    return json.dumps(_without_examples(asyncio.run(_document())), indent=1, sort_keys=True) + "\n"


async def _document() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        reading = read_settings({"AGENT_LAB_HOME": home, "AGENT_LAB_PLUGINS": "false"}, dotenv=Path(home) / "no.env")
        async with open_lab(reading) as lab:
            return document(build_app(lab, token="of-no-server-at-all", surface="all"))


def _without_examples(part: Any) -> Any:
    """Types need none, and a better example is no change of the interface."""
    if isinstance(part, list):
        return [_without_examples(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_examples(one) for key, one in part.items() if key not in {"example", "examples"}}


if __name__ == "__main__":
    PATH.write_text(openapi(), "utf-8")
