"""Models named after a fault, so that registry rows alone drive the front door: each fault in each protocol."""

import asyncio

import pytest

from agent_lab.contracts.errors import ProviderError, ValidationError
from agent_lab.providers.hosted.provider import HostedProvider
from support.hosted import Kind, hosted_call, pieces_of, vendor
from support.vendor_faults import FAULTS

pytest_plugins = ("support.hosted_fixtures",)


async def outcome_of(kind: Kind, provider: HostedProvider, model: str, *, streamed: bool, most_s: float = 30.0) -> str:
    """What comes of a call. `most_s`: short for those alone that are silent, for everything here is slow at times."""
    call = hosted_call(kind, streamed=streamed, model_id=model, timeout_s=most_s, header_s=most_s / 2)
    try:
        return (await asyncio.wait_for(pieces_of(provider, call), 60))[-1].text  # type: ignore[union-attr]
    except (ProviderError, ValidationError) as error:
        return error.slug


RECOVERING = sorted(name for name, plan in FAULTS.items() if len(plan) > 1)


@pytest.mark.parametrize("model", RECOVERING)
async def test_a_model_that_recovers_fails_first_and_answers_then(kind: Kind, streamed: bool, model: str) -> None:
    if not streamed and model.startswith("cut"):
        pytest.skip("it is cut at a byte that an answer in one piece has not")
    now_s = [0.0]
    async with vendor(kind, clock=lambda: now_s[0]) as (_, provider):
        assert await outcome_of(kind, provider, model, streamed=streamed) in {"rate-limited", "busy", "broken-off"}
        if model == "down-for-1s":
            assert await outcome_of(kind, provider, model, streamed=streamed) == "busy"
            now_s[0] = 1.0
        assert await outcome_of(kind, provider, model, streamed=streamed) == "one two three"


STEADY = {
    "well": "one two three",
    "429": "rate-limited",
    "500": "broken-off",
    "503": "busy",
    "401": "unusable",
    "reset": "broken-off",
    "silent": "silent",
    "slow-first-token": "silent",
    "cut": "broken-off",
    "cut-by-reset": "broken-off",
    "stall": "silent",
    "malformed": "broken-off",
    "no-end": "one two three",
    "no-end-hangs": "one two three",
    "too-long": "too-large",
    "filter": "content-refused",
    "in-band": "busy",
    "gzip-bomb": "unusable",
    "page": "unusable",
    "wrong-type": "one two three",
}
# What these do to a stream has no counterpart in an answer that comes in one piece.
STREAMED_ONLY = {"cut", "cut-by-reset", "stall", "no-end", "no-end-hangs"}


@pytest.mark.parametrize("model", sorted(STEADY))
async def test_a_model_named_after_a_fault_leads_to_the_error_that_says_what_to_do(
    kind: Kind, streamed: bool, model: str
) -> None:
    if not streamed and model in STREAMED_ONLY:
        pytest.skip("only a stream can do this")
    expected = "broken-off" if kind == "responses" and model.startswith("no-end") else STEADY[model]
    if (kind, model) == ("responses", "no-end-hangs"):
        expected = "silent"
    most_s = 1.0 if expected == "silent" else 30.0
    async with vendor(kind) as (_, provider):
        assert await outcome_of(kind, provider, model, streamed=streamed, most_s=most_s) == expected


def test_each_fault_has_its_test() -> None:
    assert set(STEADY) | set(RECOVERING) == set(FAULTS)
