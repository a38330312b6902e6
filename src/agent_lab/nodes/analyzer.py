"""Reads the question and says what kind of work it is, by rules that anyone can check."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState
from agent_lab.nodes.settings import NodeSettings

CHARS_PER_TOKEN = 4.0
"""A usual figure for English; an estimate, said to be one."""

# The first type with the most marks wins; the order breaks ties.
MARKS: Mapping[str, re.Pattern[str]] = {
    "code": re.compile(
        r"```|\b(?:code|function|bug|class|script|program|regex|sql|python|javascript|typescript|rust|compile|"
        r"refactor|stack ?trace|unit tests?|c[oó]digo|funci[oó]n|programa|clase)\b",
        re.IGNORECASE,
    ),
    "math": re.compile(
        r"\d\s*[-+*/×÷=]\s*\d|\b(?:how many|how much|calculate|sum|solve|equation|percent(?:age)?|total|"
        r"cu[aá]ntos|cu[aá]ntas|cu[aá]nto|calcula|suma|resuelve|ecuaci[oó]n|porcentaje)\b",
        re.IGNORECASE,
    ),
    "summarization": re.compile(r"\b(?:summar\w+|tl;?dr|shorten|condense|resum\w+|sintetiza)\b", re.IGNORECASE),
    "translation": re.compile(r"\b(?:translat\w+|traduc\w+|in (?:spanish|english|french|german))\b", re.IGNORECASE),
    "creative": re.compile(
        r"\b(?:poem|story about|haiku|song|slogan|joke|poema|cuento|canci[oó]n|chiste)\b", re.IGNORECASE
    ),
    "reasoning": re.compile(
        r"\b(?:why|explain|compare|prove|trade-?offs?|pros and cons|decide|argue|por qu[eé]|explica|compara|"
        r"demuestra|decide|ventajas)\b",
        re.IGNORECASE,
    ),
}
BACK_REFERENCE = re.compile(
    r"\b(?:as (?:we|i) (?:said|discussed)|as before|like last time|previous(?:ly)?|earlier|again|"
    r"the last (?:answer|one)|"
    r"como (?:antes|dijimos|la [uú]ltima vez)|anterior(?:mente)?|otra vez|de nuevo)\b",
    re.IGNORECASE,
)
HEAVY = frozenset({"code", "reasoning", "creative"})


def task_type(prompt: str) -> str:
    """The kind of work, by the marks found in the text; `general` where there are none."""
    counts = {kind: len(pattern.findall(prompt)) for kind, pattern in MARKS.items()}
    best = max(counts, key=lambda kind: counts[kind])
    return best if counts[best] else "general"


async def analyze(state: AgentState, settings: NodeSettings, step: Step) -> NodeOutput:
    """The task's type and what it will need."""
    prompt = state["user_input"]
    kind = task_type(prompt)
    needs_history = bool(state["history"]) or bool(BACK_REFERENCE.search(prompt))
    tokens = max(1, round(len(prompt) / CHARS_PER_TOKEN))
    text = f"Task: {kind}, about {tokens} tokens" + (", refers to earlier work." if needs_history else ".")
    return NodeOutput(
        text=text,
        fields={
            "task_type": kind,
            "needs_history": needs_history,
            "needs_resources": kind in HEAVY or tokens > 2000,
            "prompt_tokens_estimate": tokens,
        },
    )


ANALYZER = NodeKind(
    name="analyzer",
    summary="Says what kind of work the question is.",
    settings=NodeSettings,
    run=analyze,
    fields={
        "task_type": said(
            "analyzer_task_type", "code, math, summarization, translation, creative, reasoning or general"
        ),
        "needs_history": said("analyzer_needs_history", "true where the question refers to earlier work"),
        "needs_resources": said("analyzer_needs_resources", "true where the task is heavy for a local model"),
        "prompt_tokens_estimate": said("analyzer_prompt_tokens_estimate", "estimated tokens of the question"),
    },
    types={
        "task_type": "text",
        "needs_history": "boolean",
        "needs_resources": "boolean",
        "prompt_tokens_estimate": "number",
    },
)
