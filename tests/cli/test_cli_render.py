"""The transcript, on hand-made events."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agent_lab.cli.figures import generation_line, money, price, seconds, totals_line
from agent_lab.cli.following import program_name
from agent_lab.cli.paper import Page, Paper
from agent_lab.cli.render import Transcript
from agent_lab.cli.render_end import Ending, changed_lines, show_ending
from agent_lab.contracts.events import (
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    RouteTaken,
    RunFinished,
    RunResumed,
    Token,
)
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import Attempt, GenerationRequest, GenerationResult, Timings, Usage
from agent_lab.contracts.registry import CostProfile, ModelSpec
from agent_lab.contracts.run import NodeOutput, RunTotals, RunView

AT = datetime(2026, 11, 21, tzinfo=UTC)
DEMO = ModelSpec(
    key="demo",
    name="Demo",
    family="d",
    provider="local",
    model_id="builtin:demo",
    context_window=512,
    demonstration=True,
)


class Sheet:
    """A page that is kept."""

    def __init__(self, **look: Any) -> None:
        self.written = StringIO()
        self.paper = Paper(Page(file=self.written, width=80), **look)
        self.transcript = Transcript(self.paper, lambda _: DEMO)

    @property
    def text(self) -> str:
        return self.written.getvalue()

    def feed(self, *events: Any) -> str:
        for event in events:
            self.transcript.feed(event)
        return self.text


def started(node: str = "creator", visit: int = 1) -> NodeStarted:
    return NodeStarted(at=AT, node=node, visit=visit, kind="generate", label=node.capitalize(), role=node)


def asked(node: str = "creator", visit: int = 1, sample: int = 0) -> GenerationStarted:
    request = GenerationRequest(prompt="x")
    return GenerationStarted(at=AT, node=node, visit=visit, sample=sample, request_hash="h", request=request)


def token(text: str, offset: int = 0, node: str = "creator", visit: int = 1, sample: int = 0) -> Token:
    return Token(at=AT, node=node, visit=visit, sample=sample, offset=offset, text=text)


def result(text: str, **other: Any) -> GenerationResult:
    values: dict[str, Any] = {
        "text": text,
        "tokens_generated": 33,
        "timings": Timings(total_s=0.42, inference_s=0.4),
        "usage": Usage(prompt_tokens=9, completion_tokens=33, cost_usd=Decimal(0)),
        "source": "local",
        "cache_hit": True,
        "model_key": "demo",
        "model_resolved": "builtin:demo",
        "strategy": "standard",
        "finish_reason": "stop",
    }
    return GenerationResult(**{**values, **other})


def answered(text: str, node: str = "creator", visit: int = 1, sample: int = 0, **other: Any) -> GenerationFinished:
    answer = result(text, **other)
    return GenerationFinished(at=AT, node=node, visit=visit, sample=sample, request_hash="h", result=answer)


def ended(node: str = "creator", visit: int = 1, text: str = "", **fields: Any) -> NodeFinished:
    output = NodeOutput(text=text, fields=fields)
    return NodeFinished(at=AT, node=node, visit=visit, output=output, next=(), seconds=0.5)


def test_a_voice_has_a_heading_its_text_and_what_it_took() -> None:
    said = Sheet().feed(
        started(), asked(), token("3+4"), token("=7\n", 3), token("Answer: 7", 6), answered("3+4=7\nAnswer: 7")
    )
    heading, *lines = said.strip().split("\n")
    assert heading.startswith("── Creator · demo · demonstration model ─")
    assert len(heading) == 80
    assert lines == ["3+4=7", "Answer: 7", "   33 tokens · 0.42 s · 82 tok/s · $0.00 · cache HIT"]


def test_text_is_shown_as_it_comes_word_by_word_on_a_terminal_and_by_line_elsewhere() -> None:
    live, piped = Sheet(live=True), Sheet()
    pieces = (started(), asked(), token("one two thr"))
    assert live.feed(*pieces).endswith("one two")
    assert piped.feed(*pieces).endswith("─\n")
    assert live.feed(token("ee\n", 11)).endswith("one two three\n")
    assert piped.feed(token("ee\n", 11)).endswith("─\none two three\n")


def test_voices_that_speak_at_once_are_shown_one_after_the_other() -> None:
    sheet = Sheet()
    sheet.feed(started("a"), started("b"), asked("a"), asked("b"))
    sheet.feed(token("from b\n", node="b"), token("from a\n", node="a"), answered("from b\n", node="b"))
    assert "from a" in sheet.text
    assert "from b" not in sheet.text
    said = sheet.feed(ended("b"), answered("from a\n", node="a"), ended("a"))
    assert said.index("── A ·") < said.index("from a") < said.index("── B ·") < said.index("from b")
    assert said.count("33 tokens") == 2


def test_a_voice_that_is_heard_late_is_shown_whole_and_once() -> None:
    said = Sheet().feed(
        started(), asked(), token("the whole text so far", 0), answered("the whole text so far and more")
    )
    assert "the whole text so far and more\n" in said
    assert said.count("the whole text so far") == 1


def test_a_stored_run_without_tokens_is_shown_whole() -> None:
    assert "Answer: 7\n" in Sheet().feed(started(), asked(), answered("Answer: 7"), ended())


def test_a_voice_that_starts_anew_says_so() -> None:
    said = Sheet().feed(started(), asked(), token("first try\n"), token("second\n", 0), answered("second\n"))
    assert said.index("first try") < said.index("another try") < said.index("second")


def test_a_voice_that_was_left_unfinished_says_so() -> None:
    finish = RunFinished(at=AT, status="cancelled")
    assert "half a sen\n   not finished\n" in Sheet().feed(started(), asked(), token("half a sen"), finish)


def test_rounds_samples_tries_routes_and_notes_are_shown() -> None:
    tries = (
        Attempt(provider="openai", model="m", outcome="busy", seconds=1.0),
        Attempt(provider="local", model="d", outcome="ok", seconds=0.4),
    )
    said = Sheet().feed(
        started(visit=2),
        asked(visit=2, sample=1),
        answered("x", visit=2, sample=1, attempts=tries, notes=("Another strategy stood in.",), finish_reason="length"),
        ended(visit=2, verdict="wrong", model="demo"),
        RouteTaken(at=AT, source="creator", target="refiner", visit=2),
        RunResumed(at=AT, recorded_steps=3),
    )
    for part in (
        "── Creator, round 2, sample 2 · demo",
        "2 tries: openai busy (1.00 s), local ok (0.40 s)",
        "Another strategy stood in.",
        "cut at the token limit",
        "   verdict: wrong\n",
        "→ Creator sends it on to refiner",
        "taken up again where the record ends (3 steps)",
    ):
        assert part in said


def test_a_node_that_asks_no_model_is_one_line() -> None:
    said = Sheet().feed(
        started("validator"), ended("validator", score=0.5, accepted=False, reasons=["too short", "no"])
    )
    assert said == "· Validator (0.50 s) score: 0.5, accepted: no, reasons: too short; no\n"
    long = Sheet().feed(started("summary"), ended("summary", text="word " * 100))
    assert len(long.rstrip("\n")) <= 80


def test_another_model_than_expected_is_named() -> None:
    assert "answered by other" in Sheet().feed(started(), asked(), answered("x", model_key="other"))


ENDING_FLOW = FlowConfig.model_validate(
    {"id": "challenge", "name": "C", "nodes": [{"id": "a", "kind": "generate"}], "draft": "a", "answer": "a"}
)


def ending(**other: Any) -> str:
    values: dict[str, Any] = {
        "run_id": "r1",
        "request_id": "q",
        "flow_id": "challenge",
        "flow_hash": "h",
        "prompt": "x",
        "status": "completed",
        "answer": "3+4=7\nAnswer: 7",
        "draft": "3+4=8\nAnswer: 8",
        "totals": RunTotals(calls=3, prompt_tokens=1412, completion_tokens=99, cost_usd=Decimal(0), seconds=1.25),
    }
    shown = {name: other.pop(name) for name in ("expected", "found") if name in other}
    sheet = Sheet()
    view = RunView(**{**values, **other})
    show_ending(sheet.paper, Ending(view=view, flow=ENDING_FLOW, outputs_file=None, on_this_machine=True, **shown))
    return sheet.text


def test_the_end_shows_the_diff_the_totals_and_the_next_steps() -> None:
    said = ending()
    assert "-3+4=8\n-Answer: 8\n+3+4=7\n+Answer: 7\n" in said
    assert "3 calls · 1,412 tokens in, 99 out · 1.25 s · $0.00, on this machine" in said
    assert "agent-lab up" in said
    assert 'agent-lab run challenge "..."' in said
    assert max(len(line) for line in said.splitlines()) <= 80


def test_the_next_steps_name_the_program_as_it_can_be_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    called = str(tmp_path / ".venv" / "bin" / "agent-lab")
    assert program_name(called, None) == ".venv/bin/agent-lab"
    assert program_name(called, called) == "agent-lab"
    assert program_name("/src/agent_lab/__main__.py", None) == "agent-lab"


def test_a_draft_that_stood_is_called_unchanged() -> None:
    said = ending(draft="3+4=7\nAnswer: 7 \n")
    assert "unchanged" in said
    assert "From draft to answer" not in said


def test_the_expected_answer_is_told_honestly() -> None:
    assert "Expected 7: right.\n" in ending(expected="7", found="7")
    assert "Expected 7: wrong (the answer says 8).\n" in ending(expected="7", found="8")
    assert "Expected 7: wrong (the answer says no figure).\n" in ending(expected="7", found=None)
    assert "Expected" not in ending()


def test_a_run_without_an_answer_says_why() -> None:
    said = ending(status="failed", answer=None, fault={"type": "busy", "message": "Try again later."})
    assert "Try again later." in said
    assert "── Answer" not in said
    assert "Other models:      agent-lab models list" in said


def test_a_diff_of_a_vote_keeps_markup_as_text() -> None:
    assert list(changed_lines("a", "[red]a[/red]"))[1:] == [("-a", "bad"), ("+[red]a[/red]", "good")]


def test_figures_are_written_for_people() -> None:
    assert [seconds(value) for value in (0.004, 9.99, 12.34, 125)] == ["0.00 s", "9.99 s", "12.3 s", "2 min 05 s"]
    amounts = (None, Decimal(0), Decimal("0.000120"), Decimal("1.5"))
    assert [money(value) for value in amounts] == ["unknown", "$0.00", "$0.00012", "$1.50"]
    assert "cache MISS (loaded in 1.50 s)" in generation_line(result("x", cache_hit=False, timings=Timings(load_s=1.5)))
    assert "cost unknown" in generation_line(result("x", usage=Usage()))
    assert totals_line(RunTotals(calls=1), on_this_machine=True).endswith("cost unknown")
    assert "0.00 s" not in totals_line(RunTotals(calls=1), on_this_machine=True), "it has not ended"
    assert totals_line(RunTotals(), on_this_machine=True).endswith("no model has answered")
    priced = DEMO.model_copy(
        update={"cost_profile": CostProfile(input_usd_per_mtok=Decimal("2.50"), output_usd_per_mtok=Decimal(10))}
    )
    assert (price(DEMO), price(priced)) == ("unknown", "$2.5/$10")
