"""Answers of local models: alike streamed and whole, repeatable, stoppable within a step, cut where told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import TooLargeError, UnusableError, ValidationError
from agent_lab.contracts.generation import Context, GenerationRequest, Message, TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import Loading, StrategySpec
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.providers.local.batching.decoding import Unfolding
from agent_lab.providers.local.provider import asked
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import load_strategies
from support.tiny_model import STANDARD, LocalStack, local_stack, tiny_call, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)
SENTENCE = "Ünïcode \N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER} 漢字 e\N{COMBINING ACUTE ACCENT}"


async def answer(stack: LocalStack, call: ModelCall) -> ModelAnswer:
    async with aclosing(stack.provider.stream(call)) as stream:
        pieces = [piece async for piece in stream]
    assert isinstance(pieces[-1], ModelAnswer)
    return pieces[-1]


def steps_of(stack: LocalStack, pause_s: float = 0.02) -> list[int]:
    """Counts the steps of the model, which take so long at the least: however late a test comes to look, an answer of
    hundreds is far from its end."""
    steps: list[int] = []

    def step(*_: object) -> None:
        steps.append(1)
        time.sleep(pause_s)

    stack.manager.load_model("tiny", "standard").model.register_forward_hook(step)
    return steps


async def test_an_answer_is_what_generate_alone_would_write(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    import torch

    got = await answer(tiny_stack, tiny_call(tiny_folder, "2+2?", temperature=0, max_tokens=40))
    loaded = tiny_stack.manager.load_model("tiny", "standard")
    ids = loaded.tokenizer.encode("<|user|>2+2?<|end|><|creator|>", add_special_tokens=False)
    plain = loaded.model.generate(torch.tensor([ids]), max_new_tokens=40, do_sample=False, eos_token_id=1)
    assert got.text == loaded.tokenizer.decode(plain[0][len(ids) :], skip_special_tokens=True)
    assert got.prompt_tokens == len(ids)
    assert got.completion_tokens == plain.shape[1] - len(ids)


async def test_the_same_seed_gives_the_same_text_also_beside_others(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    calls = [tiny_call(tiny_folder, seed=seed) for seed in (7, 8, 7, 9, 7)]
    texts = [got.text for got in await asyncio.gather(*(answer(tiny_stack, call) for call in calls))]
    assert texts[0] == texts[2] == texts[4]
    assert len({texts[0], texts[1], texts[3]}) == 3


async def test_a_model_that_is_loaded_meanwhile_does_not_change_an_answer(tiny_folder: Path) -> None:
    specs = [tiny_spec(tiny_folder, key) for key in ("tiny", "b", "c", "d")]
    stack = local_stack(*specs)
    half = StrategySpec(name="half", description="x", loading=Loading(precision="bfloat16"))
    call = tiny_call(tiny_folder, seed=7, max_tokens=150)
    alone = await answer(stack, call)
    beside = await asyncio.gather(answer(stack, call), *(stack.host.load(spec, half) for spec in specs[1:]))
    assert beside[0].text == alone.text
    await stack.provider.close()


async def test_without_a_seed_answers_differ(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    texts = {(await answer(tiny_stack, tiny_call(tiny_folder))).text for _ in range(3)}
    assert len(texts) > 1


async def test_leaving_stops_the_writing_within_a_step(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    steps = steps_of(tiny_stack)
    async with aclosing(tiny_stack.provider.stream(tiny_call(tiny_folder, max_tokens=450, seed=3))) as stream:
        await anext(stream)
    at_leaving = len(steps)
    await asyncio.sleep(0.3)
    assert len(steps) - at_leaving <= 2
    assert at_leaving < 300
    assert tiny_stack.manager.resident()[0].in_use == 0


async def test_a_stop_string_ends_the_work_and_not_only_the_text(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    whole = await answer(tiny_stack, tiny_call(tiny_folder, seed=3, max_tokens=100))
    cut = await answer(tiny_stack, tiny_call(tiny_folder, seed=3, max_tokens=100, stop=(whole.text[5:7],)))
    assert whole.completion_tokens > 40
    assert cut.completion_tokens < 30


async def test_a_call_that_is_left_gives_back_the_model_while_others_go_on(
    tiny_stack: LocalStack, tiny_folder: Path
) -> None:
    async def used_by(count: int) -> None:
        for _ in range(4000):
            if tiny_stack.manager.resident()[0].in_use == count:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"never used by {count}")

    steps_of(tiny_stack, pause_s=0.005)
    async with aclosing(tiny_stack.provider.stream(tiny_call(tiny_folder, max_tokens=450, seed=3))) as first:
        await anext(first)
        leaving = asyncio.create_task(answer(tiny_stack, tiny_call(tiny_folder, max_tokens=450)))
        await used_by(2)
        leaving.cancel()
        await used_by(1)
        assert isinstance([piece async for piece in first][-1], ModelAnswer)


async def test_closing_ends_running_and_waiting_answers_with_a_sentence(tiny_folder: Path) -> None:
    stack = local_stack(tiny_spec(tiny_folder))
    steps = steps_of(stack)
    calls = [asyncio.create_task(answer(stack, tiny_call(tiny_folder, max_tokens=450, seed=s))) for s in (3, 4)]
    while not steps:  # noqa: ASYNC110  (a model tells nobody of its steps)
        await asyncio.sleep(0.01)
    await stack.provider.close()
    for call in calls:
        with pytest.raises(UnusableError, match="being shut down"):
            await call
    with pytest.raises(UnusableError, match="being shut down"):
        await answer(stack, tiny_call(tiny_folder))


async def test_the_answer_is_bounded_by_what_the_model_reads(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    long = tiny_call(tiny_folder, "x" * 500, max_tokens=100)
    got = await answer(tiny_stack, long)
    assert got.prompt_tokens + got.completion_tokens <= 512
    with pytest.raises(TooLargeError, match=r"has 603 tokens and 'tiny' reads 512"):
        await answer(tiny_stack, tiny_call(tiny_folder, "x" * 600))


async def test_what_an_answer_took_is_kept_under_the_old_names(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    first = await answer(tiny_stack, tiny_call(tiny_folder, max_tokens=4))
    assert not first.cache_hit
    assert first.load_s > 0
    second = await answer(tiny_stack, tiny_call(tiny_folder, max_tokens=4))
    assert second.cache_hit
    assert second.load_s == 0
    metrics = tiny_stack.executor.latest_metrics
    assert metrics is not None
    assert metrics["cache_hit"] is True
    assert metrics["tokens_generated"] == second.completion_tokens
    assert metrics["total_time_sec"] >= metrics["inference_time_sec"] > 0
    assert set(metrics) == {
        "cache_hit",
        "load_time_sec",
        "inference_time_sec",
        "total_time_sec",
        "tokens_generated",
        "gpu_memory_used_gb",
        "model_name",
        "strategy",
    }


async def test_the_first_token_is_counted_from_the_question_though_the_model_had_to_wait_for_room(
    tiny_folder: Path,
) -> None:
    specs = [tiny_spec(tiny_folder, key) for key in ("tiny", "b")]
    probe = local_stack(*specs)
    await probe.host.load(specs[0], STANDARD)
    room_gb = probe.manager.used_gb() * 1.5
    await probe.provider.close()
    stack = local_stack(*specs, max_usage_gb=room_gb)
    held = await stack.host.lease(specs[1], STANDARD)
    asked = asyncio.create_task(answer(stack, tiny_call(tiny_folder, max_tokens=4)))
    while not any(one.stage == "waiting" and one.total_bytes for one in stack.host.loading()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    held.release()
    got = await asked
    assert got.queue_s > 0.2
    assert got.first_token_s is not None
    assert got.first_token_s > got.queue_s + got.load_s
    await stack.provider.close()


async def test_a_strategy_that_stood_in_is_told_with_the_answer(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    optimized = load_strategies(Path("no such folder")).get_strategy("optimized")
    got = await answer(tiny_stack, replace(tiny_call(tiny_folder, max_tokens=2), strategy=optimized))
    assert got.strategy == "standard"
    assert "stood in for it" in got.notes[0]


async def test_a_strategy_for_one_answer_at_a_time_is_no_model_of_another_kind(
    tiny_stack: LocalStack, tiny_folder: Path
) -> None:
    alone = StrategySpec(name="alone", description="one at a time", loading=Loading(parallel=1))
    call = replace(tiny_call(tiny_folder, "A word more", max_tokens=4), strategy=alone)
    first, again = await answer(tiny_stack, call), await answer(tiny_stack, call)
    assert (first.notes, again.notes) == ((), ())
    assert again.cached_tokens > 0


async def test_an_answer_fits_its_schema(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    schema["additionalProperties"] = False
    got = await answer(tiny_stack, tiny_call(tiny_folder, max_tokens=200, response_schema=schema))
    assert json.loads(got.text)["sure"] in {True, False}
    assert got.finish_reason == "stop"


async def test_a_client_that_asks_for_json_of_any_shape_has_json(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    call = tiny_call(
        tiny_folder, max_tokens=400, seed=2, extra={"response_format": {"type": "json_object"}, "user": "x"}
    )
    got = await answer(tiny_stack, call)
    assert got.text.lstrip().startswith("{")
    if got.finish_reason == "stop":
        assert isinstance(json.loads(got.text), dict)
    assert got.notes == ("'tiny' does not take user; it was left out.",)


@pytest.mark.parametrize(
    "asked_for", [{"response_schema": {"type": "object"}}, {"extra": {"response_format": {"type": "json_object"}}}]
)
async def test_a_model_that_ignores_schemas_answers_freely_and_a_note_says_so(
    tiny_folder: Path, asked_for: dict[str, Any]
) -> None:
    spec = tiny_spec(tiny_folder, "free", ignores=frozenset({"response_schema"}))
    stack = local_stack(spec)
    got = await answer(stack, tiny_call(tiny_folder, model=spec, max_tokens=8, seed=1, **asked_for))
    plain = await answer(stack, tiny_call(tiny_folder, model=spec, max_tokens=8, seed=1))
    assert got.text == plain.text
    assert (got.notes, plain.notes) == (("'free' does not take response_schema; it was left out.",), ())
    await stack.provider.close()


async def test_a_schema_that_cannot_be_held_is_refused(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    schema = {"type": "array", "uniqueItems": True}
    with pytest.raises(ValidationError, match="uniqueItems"):
        await answer(tiny_stack, tiny_call(tiny_folder, response_schema=schema))
    assert tiny_stack.manager.resident()[0].in_use == 0


@pytest.fixture
async def shy_stack(tiny_folder: Path) -> AsyncIterator[LocalStack]:
    spec = tiny_spec(tiny_folder, "demo", demonstration=True)
    stack = local_stack(spec, refusal=lambda question: None if "+" in question else "I only add numbers.")
    yield stack
    await stack.provider.close()


async def test_the_built_in_model_declines_what_it_was_not_made_for(shy_stack: LocalStack, tiny_folder: Path) -> None:
    spec = tiny_spec(tiny_folder, "demo", demonstration=True)
    got = await answer(shy_stack, tiny_call(tiny_folder, "Write a poem", model=spec))
    assert got.finish_reason == "declined"
    assert got.text.startswith("I only add numbers. ")
    for said in ("OPENAI_API_KEY", "--model qwen3-4b", "models.toml", "agent-lab models list"):
        assert said in got.text
    assert shy_stack.manager.resident() == []
    assert (await answer(shy_stack, tiny_call(tiny_folder, "2+2?", model=spec, seed=1))).finish_reason != "declined"


async def test_no_other_model_is_held_to_that_domain(tiny_folder: Path) -> None:
    stack = local_stack(tiny_spec(tiny_folder), refusal=lambda question: "never")
    assert (await answer(stack, tiny_call(tiny_folder, "Write a poem", seed=1))).finish_reason != "declined"
    await stack.provider.close()


def test_the_question_is_the_users_first_turn() -> None:
    turns = (Message(role="creator", content="5"), Message(role="user", content="2+2?"))
    assert asked(GenerationRequest(prompt="Criticise 5", context=Context(turns=turns))) == "2+2?"
    assert asked(GenerationRequest(prompt="2+3?")) == "2+3?"


async def test_the_whole_thread_runs_through_the_gateway(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    spec = tiny_spec(tiny_folder, demonstration=True, cost_profile={"input_usd_per_mtok": 0, "output_usd_per_mtok": 0})
    gateway = ProviderGateway(
        models=ModelRegistry([spec]),
        strategies=load_strategies(Path("no such folder")),
        providers={"local": tiny_stack.provider},
        defaults=GatewayDefaults(),
    )
    result = await gateway.generate(GenerationRequest(prompt="2+2?", seed=5, max_tokens=8))
    assert (result.source, result.model_key, result.strategy) == ("local", "tiny", "standard")
    assert result.usage.cost_usd == 0
    assert result.timings.first_token_s is not None
    assert result.timings.total_s >= result.timings.inference_s > 0


# --- text from tokens ---------------------------------------------------------------------------------------------
def bytes_decode(ids: Any) -> str:
    return bytes(ids).decode("utf-8", "replace")


def test_no_half_character_is_ever_shown() -> None:
    unfolding = Unfolding(bytes_decode)
    shown = [unfolding.add(byte) for byte in SENTENCE.encode()]
    assert "".join(shown) == SENTENCE
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in shown)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_the_pieces_add_up_to_the_whole(data: bytes) -> None:
    unfolding = Unfolding(bytes_decode)
    shown = "".join([*(unfolding.add(byte) for byte in data), unfolding.flush()])
    assert shown == unfolding.text == bytes_decode(data)


@given(st.text(alphabet="abc", max_size=40), st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=3))
@settings(max_examples=300)
def test_nothing_of_a_stop_string_is_shown_and_the_first_one_ends_it(text: str, stops: list[str]) -> None:
    unfolding = Unfolding(bytes_decode, stops)
    shown = ""
    for byte in text.encode():
        if not unfolding.finished:
            shown += unfolding.add(byte)
    shown += unfolding.flush()
    seen = [text[:end] for end in range(len(text) + 1) if any(stop in text[:end] for stop in stops)]
    expected = text if not seen else seen[0][: min(seen[0].index(stop) for stop in stops if stop in seen[0])]
    assert shown == unfolding.text == expected
    assert unfolding.finished is bool(seen)


async def test_the_model_writes_any_characters_and_they_arrive_whole(tiny_stack: LocalStack, tiny_folder: Path) -> None:
    async with aclosing(tiny_stack.provider.stream(tiny_call(tiny_folder, max_tokens=200, seed=11))) as stream:
        *deltas, last = [piece async for piece in stream]
    assert isinstance(last, ModelAnswer)
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == last.text
    last.text.encode("utf-8")


def test_importing_the_local_provider_imports_no_heavy_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, agent_lab.providers.local.provider, agent_lab.providers.local.manager, agent_lab.gateway.gateway;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'huggingface_hub', 'jinja2')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_strategy_may_choose_the_precision(tiny_folder: Path) -> None:
    import torch

    stack = local_stack(tiny_spec(tiny_folder))
    loaded = stack.manager.load_model("tiny", "standard", precision="bfloat16")
    assert next(loaded.model.parameters()).dtype is torch.bfloat16
    assert Loading(precision="bfloat16") != StrategySpec(name="x", description="x").loading
