"""A fingerprint changes with what an answer depends on, with nothing else, and tells which part has changed."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

from agent_lab.contracts.flow import FlowNote
from agent_lab.contracts.registry import CostProfile, ModelSpec, Sampling, StrategySpec
from agent_lab.evaluation.fingerprints import fingerprint, parts_of
from support.library import CATALOG

FLOW = CATALOG.get("challenge")
VOICE = ModelSpec(
    key="voice", provider="openai", model_id="gpt-4o", capabilities=frozenset({"chat", "code", "math", "vision"})
)
STANDARD = StrategySpec(name="standard", description="plain")
PRICE = CostProfile(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal("2.50"))
LINE = fingerprint(FLOW, [VOICE], [STANDARD], {"voice": PRICE})


def changed(other: str) -> set[str]:
    before, after = parts_of(LINE), parts_of(other)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_each_part_is_told_by_its_name() -> None:
    assert set(parts_of(LINE)) == {"flow", "model voice", "strategy standard", "price voice"}
    nodes = tuple(node.model_copy(update={"role": "other"}) for node in FLOW.nodes)
    prompted = FLOW.model_copy(update={"nodes": nodes})
    assert changed(fingerprint(prompted, [VOICE], [STANDARD], {"voice": PRICE})) == {"flow"}
    moved = VOICE.model_copy(update={"model_id": "gpt-4o-mini"})
    assert changed(fingerprint(FLOW, [moved], [STANDARD], {"voice": PRICE})) == {"model voice"}
    hotter = STANDARD.model_copy(update={"sampling": Sampling(temperature=1.5)})
    assert changed(fingerprint(FLOW, [VOICE], [hotter], {"voice": PRICE})) == {"strategy standard"}
    dearer = PRICE.model_copy(update={"output_usd_per_mtok": Decimal(3)})
    assert changed(fingerprint(FLOW, [VOICE], [STANDARD], {"voice": dearer})) == {"price voice"}
    assert changed(fingerprint(FLOW, [VOICE], [STANDARD], {"voice": None})) == {"price voice"}
    assert changed(fingerprint(FLOW, [], [STANDARD], {"voice": PRICE})) == {"model voice"}
    assert changed(fingerprint(FLOW, [VOICE], [STANDARD], {"voice": PRICE}, subflows={"linear": FLOW})) == {
        "flow linear"
    }


def test_what_no_answer_depends_on_changes_nothing() -> None:
    notes = {"why": FlowNote(text="Why?", x=0, y=0)}
    tidied = FLOW.model_copy(
        update={"tests": (), "description": "another", "layout": {}, "notes": notes, "name": "Other"}
    )
    named = VOICE.model_copy(update={"name": "A nicer name", "cost_profile": PRICE})
    written = PRICE.model_copy(update={"output_usd_per_mtok": Decimal("2.5")})
    told = STANDARD.model_copy(update={"description": "other words"})
    assert not changed(fingerprint(tidied, [named], [told], {"voice": written}))


def test_it_is_the_same_in_every_process() -> None:
    script = (
        "from agent_lab.contracts.registry import ModelSpec\n"
        "from agent_lab.evaluation.fingerprints import fingerprint\n"
        "row = ModelSpec(key='voice', provider='openai', model_id='gpt-4o',"
        " capabilities=frozenset({'chat', 'code', 'math', 'vision'}))\n"
        "import sys; sys.stdout.write(fingerprint(None, [row], [], {}))\n"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told == [fingerprint(None, [VOICE], [], {})] * 2
