"""A run written down whole: everything said is in it, and nothing that was said is anything but text."""

import json
import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agent_lab.contracts.events import (
    RUN_EVENT,
    GenerationFinished,
    NodeFinished,
    NodeStarted,
    PersonAnswered,
    RunEvent,
    RunFinished,
    RunStarted,
    VoteCast,
    WaitingForPerson,
)
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.generation import GenerationResult, Timings, Usage
from agent_lab.contracts.run import Fault, NodeOutput, RunRequest, RunStatus
from agent_lab.runs import transcript_words
from agent_lab.runs.transcript import fenced, quoted, run_document, run_markdown

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOSTILE = [
    "```\n# A heading\n```",
    "````text\nx\n`````\n<script>alert(1)</script>",
    "~~~\n![x](https://evil.example/y.png)",
    "a\r```\r# heading",
    "[click](javascript:alert(1)) <img src=x onerror=alert(1)>",
    "\u2028# heading\u202eevil \x1b[2Jgone \x00",
    "    indented\n\n---\n> quote\n- list",
    "`" * 500,
]


def result(text: str, model: str) -> GenerationResult:
    return GenerationResult(
        text=text,
        tokens_generated=1,
        timings=Timings(total_s=0.5),
        usage=Usage(prompt_tokens=3, completion_tokens=2),
        source="scripted",
        cache_hit=True,
        model_key=model,
        model_resolved=model,
        strategy="standard",
        finish_reason="stop",
    )


def said(text: str) -> list[RunEvent]:
    """A run in which everything that can come from outside is that text."""
    flow = FlowConfig(id="one", name=text, nodes=(NodeConfig(id="a", kind="generate", label=text),))
    request = RunRequest(flow="one", prompt=text, inputs={"more": text})
    place: dict[str, Any] = {"at": NOW, "node": "a", "visit": 1}
    events: list[RunEvent] = [
        RunStarted(at=NOW, run_id="r1", request_id="q", flow=flow, flow_hash="h", request=request),
        NodeStarted(**place, kind="generate", label=text, role="a"),
        WaitingForPerson(**place, question=text, choices=(text, "no")),
        PersonAnswered(**place, text=text),
        GenerationFinished(**place, sample=0, request_hash="x", result=result(text, text)),
        VoteCast(**place, voter=text, choice=text),
        NodeFinished(**place, output=NodeOutput(text=text + ".", fields={"f": text}), next=(), seconds=1),
        RunFinished(at=NOW, status="failed", answer=text, fault=Fault(type="x", message=text)),
    ]
    return [event.model_copy(update={"seq": number}) for number, event in enumerate(events, 1)]


def check(text: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).parse(run_markdown(said(text)))
    found = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert found <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence", "text"),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "code_inline", "softbreak"),
    }
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    assert [headings[0], headings[1], headings[-2], headings[-1]] == [
        "Run `r1`",
        "Question",
        "Ended as failed",
        "Answer",
    ]
    assert len(headings) == 5
    assert len([token for token in tokens if token.type == "fence"]) == 9


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_was_said_breaks_out_of_its_fence(text: str) -> None:
    check(text)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("`~\n\r #<>[]()!-x\u2028*_\\|\t"), min_size=1).filter(str.strip))
def test_whatever_was_said_breaks_out_of_no_fence(text: str) -> None:
    check(text)


@settings(deadline=None)
@given(st.text().filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_a_fence_keeps_its_text_as_it_is(text: str) -> None:
    token = MarkdownIt("commonmark").parse(fenced(text))[0]
    if text.isprintable():
        assert token.content == text + "\n"
    assert len(MarkdownIt("commonmark").parse(fenced(text))) == 1
    assert "\n" not in quoted(text)


def test_the_transcript_has_everything_that_was_said() -> None:
    page = run_markdown(said("the words"))
    for part in ("the words.", '"f": "the words"', "votes for", "asks a person to choose", "was answered", "Input"):
        assert part in page
    assert "3 tokens in, 2 out, 0.50 s, cost unknown" in page


def test_the_document_is_json_with_every_event() -> None:
    document = json.loads(json.dumps(run_document(said("x"))))
    assert [RUN_EVENT.validate_python(event) for event in document["events"]] == said("x")
    assert document["run"]["status"] == "failed"


def test_a_transcript_in_spanish_says_the_same_between_the_texts() -> None:
    events = said("Nadie lo sabe.")
    english, spanish = run_markdown(events), run_markdown(events, "es")
    assert "# Ejecución `" in spanish
    assert "## Pregunta" in spanish
    assert "0,50 s" in spanish
    shape = [line[:2] for line in english.splitlines() if line.startswith(("#", "```", "- "))]
    assert [line[:2] for line in spanish.splitlines() if line.startswith(("#", "```", "- "))] == shape
    assert [word for word in ("Question", "Took", " tokens in", ", turn ", "leaves") if word in spanish] == []


def test_both_languages_have_a_line_for_everything_and_the_same_values_in_it() -> None:
    def slots(lines: Any) -> dict[str, set[str]]:
        return {name: set(re.findall(r"\{(\w+)\}", line)) for name, line in lines.items()}

    assert slots(transcript_words._SPANISH) == slots(transcript_words._ENGLISH)
    assert set(transcript_words._ENDS) == set(get_args(RunStatus))
