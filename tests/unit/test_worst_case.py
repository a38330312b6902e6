"""What a run may cost at the most is said before it starts, and no run costs more."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import RunLimits, RunOptions, RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.worst_case import WorstCase, worst_case
from support.flows import KINDS, LIBRARY, library_document
from support.runs import bench

QUESTION = "why " * 40


def verbose(call: ModelCall) -> str:
    """As many words of three letters as the answer may have: four characters a token, as estimates suppose."""
    return "abc " * call.max_tokens


class Dollars:
    """A dollar a token, of models that read so many tokens."""

    def __init__(self, window: int = 10**9) -> None:
        self.window = window
        self.asked = 0

    def worst_case_usd(self, request: GenerationRequest) -> Decimal | None:
        self.asked += 1
        if request.model_key == "unpriced":
            return None
        tokens = -(-len(request.prompt) // 4)
        if tokens > self.window:
            raise ValidationError("too long")
        return Decimal(tokens + (request.max_tokens or 100))

    def answer_tokens(self, request: GenerationRequest) -> int:
        return request.max_tokens or 100


def estimate(
    document: dict[str, Any], prices: Dollars | None = None, prompt: str = "x" * 400, **options: Any
) -> WorstCase:
    request = RunRequest(flow=document["id"], prompt=prompt, options=RunOptions(**options))
    return worst_case(FlowConfig.model_validate(document), request, KINDS, lambda _: None, prices or Dollars())


def chain(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Nodes `a`, `b`, ... one after the other."""
    named = [{"id": "abcdef"[i], "kind": "generate", "prompt": "{user_input}", **node} for i, node in enumerate(nodes)]
    edges = [{"from": "abcdef"[i], "to": "abcdef"[i + 1]} for i in range(len(nodes) - 1)]
    return {"id": "f", "name": "f", "nodes": named, "edges": edges, **more}


@pytest.mark.parametrize("name", LIBRARY)
async def test_no_run_of_the_library_costs_more_than_was_said(name: str, tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(verbose))
    options = {"model": "dear", "max_tokens": 60}
    request = RunRequest(flow=name, prompt=QUESTION, options=RunOptions(**options))
    flow, gateway = FlowConfig.model_validate(library_document(name)), lab.runs.shop.generator
    said = worst_case(flow, request, KINDS, lambda _: None, gateway)  # type: ignore[arg-type]
    view = await lab.run(name, QUESTION, **options)
    assert view.status == "completed"
    assert said.cost_usd is not None
    assert view.totals.cost_usd is not None
    assert view.totals.cost_usd <= said.cost_usd
    assert view.totals.calls <= said.bounds.calls
    assert said.cost_usd < 25 * view.totals.cost_usd  # an estimate that is of use: what a history may hold counts too


def test_a_prompt_counts_what_it_quotes() -> None:
    said = estimate(chain({}, {"prompt": "{a_output}{a_output}", "max_tokens": 10}))
    # 100 tokens of question and 100 of answer; then twice that answer, and ten tokens.
    assert said.nodes == {"a": 200, "b": 210}
    assert said.cost_usd == 410


def test_turns_multiply_and_the_limits_of_the_run_hold() -> None:
    document = chain({}, {"prompt": "x" * 400}, edges=[
        {"from": "a", "to": "b"},
        {"from": "b", "to": "a", "when": {"value": "b.tokens", "op": ">", "than": 3}, "max_rounds": 4},
    ])  # fmt: skip
    assert estimate(document).cost_usd == 10 * 200
    assert estimate(document, limits=RunLimits(max_steps=3)).cost_usd == 600
    assert estimate(document, limits=RunLimits(max_cost_usd=250)).cost_usd == 450  # and the call in flight


def test_flows_within_count_with_the_prompt_that_they_get() -> None:
    inner = FlowConfig.model_validate({**chain({}, {"prompt": "{a_output}"}), "id": "inner"})
    outer = chain({"kind": "subflow", "flow": "inner", "prompt": "{user_input}"})
    request = RunRequest(flow="f", prompt="x" * 400)
    said = worst_case(FlowConfig.model_validate(outer), request, KINDS, {"inner": inner}.get, Dollars())
    assert (said.bounds.turns, said.bounds.calls) == (3, 2)
    # 512 characters at the most are 128 tokens of question; then 100 of answer, which are read, and 100 more.
    assert said.cost_usd == 130 + 100 + 100 + 100


def test_of_several_models_the_dearest_counts() -> None:
    said = estimate(chain({"models": ["cheap", "unpriced"], "samples": 3}))
    assert said.cost_usd is None
    assert estimate(chain({"models": ["cheap", "dear"], "samples": 3})).cost_usd == 600


def test_a_price_that_is_not_known_leaves_the_sum_open() -> None:
    said = estimate(chain({}, {"model": "unpriced"}))
    assert said.nodes == {"a": 200, "b": None}
    assert said.cost_usd is None


def test_a_prompt_that_no_model_reads_costs_what_the_longest_does_that_one_reads() -> None:
    said = estimate(chain({"max_tokens": 10}), Dollars(window=50), prompt="x" * 4000)
    assert said.cost_usd is not None
    assert 55 <= said.cost_usd <= 60


def test_a_large_flow_is_priced_with_few_questions() -> None:
    nodes = [{"id": f"n{i}", "kind": "generate", "prompt": "x" * (i % 300) + "{user_input}"} for i in range(5_000)]
    edges = [{"from": f"n{i}", "to": f"n{i + 1}"} for i in range(4_999)]
    prices = Dollars()
    document = {"id": "f", "name": "f", "nodes": nodes, "edges": edges, "limits": {"max_steps": 5_000}}
    assert estimate(document, prices).cost_usd is not None
    assert prices.asked < 50
