"""A server of the user's own, connected by rows alone: through the whole lab, and its key stays where it belongs."""

from decimal import Decimal
from pathlib import Path

import pytest

from agent_lab.contracts.errors import BusyError, UnusableError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.settings import read_settings
from agent_lab.wiring import open_lab
from support.hosted import CANARY, Kind
from support.vendor_server import VendorServer, vendor_server

ROWS = """
[[provider]]
key = "mine"
kind = "{kind}"
base_url = "{url}"
key_env = "MY_SERVER_KEY"

[[model]]
key = "big"
name = "Big"
family = "b"
provider = "mine"
model_id = "org/Big:1"
context_window = 8000
ignores = ["seed"]

[model.cost_profile]
input_usd_per_mtok = 1
output_usd_per_mtok = 2
cached_input_usd_per_mtok = 0.5
cache_write_usd_per_mtok = 1.25
"""


def connect(home: Path, server: VendorServer, kind: Kind) -> None:
    url = f"{server.url}/v1" if kind == "openai" else server.url
    (home / "mine.toml").write_text(ROWS.format(kind=kind, url=url))


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_a_server_of_the_users_own_answers_through_the_lab(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SERVER_KEY", CANARY)
    reading = read_settings({"AGENT_LAB_HOME": str(tmp_path), "LOG_LEVEL": "DEBUG"}, tmp_path / "none")
    async with vendor_server(text="one two three") as server:
        connect(tmp_path, server, kind)
        async with open_lab(reading) as lab:
            result = await lab.generator.generate(GenerationRequest(prompt="What?", model_key="big", seed=3))
            server.counts = False
            uncounted = await lab.generator.generate(GenerationRequest(prompt="What?", model_key="big"))
            server.status, server.body = "429 Busy", {"error": {"message": f"slow down {CANARY}"}}
            with pytest.raises(BusyError):
                await lab.generator.generate(GenerationRequest(prompt="What?", model_key="big"))
    assert (result.text, result.source, result.model_resolved) == ("one two three", "mine", "org/Big:1")
    # 40 tokens read, of which 30 were cached and 4, by Anthropic alone, written to the cache; 3 tokens of answer.
    assert result.usage.cost_usd == Decimal("0.000032" if kind == "anthropic" else "0.000031")
    assert result.notes == ("'big' does not take seed; it was left out.",)
    assert uncounted.usage.cost_usd is None
    assert {request.body["model"] for request in server.received} == {"org/Big:1"}
    written = contents(tmp_path)
    assert written
    assert CANARY.encode() not in written


async def test_without_the_key_the_model_says_which_variable_it_needs(tmp_path: Path) -> None:
    reading = read_settings({"AGENT_LAB_HOME": str(tmp_path)}, tmp_path / "none")
    connect(tmp_path, VendorServer(port=1), "openai")
    async with open_lab(reading) as lab:
        with pytest.raises(UnusableError, match=r"'big' needs MY_SERVER_KEY; put it into \.env"):
            lab.gateway.resolve_model(GenerationRequest(prompt="?", model_key="big"))
        with pytest.raises(UnusableError, match="'gpt-5' needs OPENAI_API_KEY"):
            lab.gateway.resolve_model(GenerationRequest(prompt="?", model_key="gpt-5"))
