"""A vendor's key is nowhere but on its way to the vendor: not in answers, errors, logs, figures, runs or files."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.settings import read_settings
from agent_lab.wiring import build_app, open_lab
from api.doors import TOKEN, serve
from support.hosted import CANARY
from support.vendor_faults import JSON, Behaviour
from support.vendor_server import vendor_server

ROWS = """
[[provider]]
key = "vendor"
kind = "openai_compatible"
base_url = "{url}/v1"
key_env = "VENDOR_API_KEY"
"""
ROW = '[[model]]\nkey = "{name}"\nprovider = "vendor"\n'
SPITEFUL = {"error": {"message": f"The key {CANARY} of 'Bearer {CANARY}' is no good", "type": CANARY, "code": CANARY}}
PLANS = {
    status.split()[0]: [Behaviour(status=status, headers=JSON, body=SPITEFUL)]
    for status in ("400 No", "401 No", "403 No", "404 No", "429 Slow", "500 Oops", "503 No", "302 Away")
}
# It says when to ask again, soon: a model that only says that it is busy is waited for longer and longer.
PLANS["429"] = [Behaviour(status="429 Slow", headers={**JSON, "retry-after": "0.1"}, body=SPITEFUL)]
PLANS["in-band"] = [Behaviour(insert=str(SPITEFUL).replace("'", '"'))]
PLANS["fine"] = [Behaviour(text="one two")]


async def said_of(client: httpx.AsyncClient, name: str) -> str:
    """What every door answers about these words of the vendor."""
    said: list[str] = []
    chat: dict[str, Any] = {"model": name, "messages": [{"role": "user", "content": "What?"}]}
    message = {**chat, "max_tokens": 50}
    flow = {"prompt": "What?", "flow_type": "challenge", "model": name}
    for path, body in (
        ("/v1/chat/completions", chat),
        ("/v1/chat/completions", chat | {"stream": True}),
        ("/v1/messages", message),
        ("/v1/responses", {"model": name, "input": "What?"}),
        ("/inference", {"prompt": "What?", "model": name}),
        ("/orchestrate", flow),
    ):
        response = await client.post(path, json=body)
        said.append(f"{response.status_code} {dict(response.headers)} {response.text}")
    return "\n".join(said)


async def everything_said(url: str) -> str:
    """What is said of all of them, side by side: most of the time a door waits to ask again."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        said = await asyncio.gather(*(said_of(client, name) for name in PLANS))
        told = [await client.get(path) for path in ("/health", "/models", "/metrics", "/openapi.json", "/api/runs")]
    return "\n".join([*said, *(response.text for response in told)])


def kept_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_key_that_a_vendor_repeats_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_API_KEY", CANARY)
    async with vendor_server(plans=PLANS) as vendor:
        rows = ROWS.format(url=vendor.url) + "".join(ROW.format(name=name) for name in PLANS)
        (tmp_path / "rows.toml").write_text(rows)
        reading = read_settings({"AGENT_LAB_HOME": str(tmp_path), "LOG_LEVEL": "DEBUG"}, dotenv=tmp_path / "no.env")
        async with open_lab(reading) as lab, serve(build_app(lab, token=TOKEN)) as url:
            said = await everything_said(url)
        assert any(CANARY in request.headers["authorization"] for request in vendor.received)
    assert "one two" in said
    assert CANARY not in said
    kept = kept_in(tmp_path)
    assert {"agent-lab.log", "agent-lab.db"} <= {path.name for path in kept}
    assert [path for path, content in kept.items() if CANARY.encode() in content] == []
