"""What the roles of a flow read in common is read once by a local model."""

import json
from collections.abc import Mapping
from contextlib import aclosing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.ports import ModelAnswer
from agent_lab.flows.templates import parse, render
from support.tiny_model import LocalStack, tiny_call, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)
SAID = {
    "user_input": "How do we keep a queue of jobs over a restart?",
    "creator_output": "Write each job to a table.",
    "challenger_output": "Who deletes them?",
}


def prompts(language: str) -> Mapping[str, str]:
    """What each role of the challenge flow is asked."""
    flow = json.loads(files("agent_lab.flows").joinpath("library", "challenge.json").read_text(encoding="utf-8"))
    asked: dict[str, str] = {}
    for node in flow["nodes"]:
        assert "system" not in node or node["id"] == "creator", "it would stand before what is common"
        asked[node["id"]] = render(parse(node["prompt"][language]), SAID)
    return asked


async def cached_tokens(stack: LocalStack, folder: Path, prompt: str) -> int:
    spec = tiny_spec(folder, prompt_format="chat")
    call = tiny_call(folder, prompt, model=spec, max_tokens=2)
    async with aclosing(stack.provider.stream(call)) as stream:
        pieces: list[Any] = [piece async for piece in stream]
    assert isinstance(pieces[-1], ModelAnswer)
    return pieces[-1].cached_tokens


@pytest.mark.parametrize("language", ["en", "es"])
async def test_question_and_draft_are_read_once_for_challenger_and_refiner(
    tiny_stack: LocalStack, tiny_folder: Path, language: str
) -> None:
    asked = prompts(language)
    common = asked["challenger"].partition(SAID["creator_output"])[0] + SAID["creator_output"]
    assert asked["refiner"].startswith(common)
    assert await cached_tokens(tiny_stack, tiny_folder, asked["challenger"]) < len(common)
    # A token a byte, and one for the role before them.
    assert await cached_tokens(tiny_stack, tiny_folder, asked["refiner"]) >= len(common.encode())
