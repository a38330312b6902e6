"""A flow as a document: nodes, edges, conditions and limits. No code, no expressions, no commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

NAME = r"^[a-z][a-z0-9_]{0,63}$"
FIELD = r"^[a-z][a-z0-9_]{0,63}\.[a-z][a-z0-9_]{0,63}$"
EXPECTED = rf"^(answer|draft|status|calls|cost_usd|{FIELD[1:-1]})$"
Name = Annotated[str, Field(pattern=NAME)]
FieldName = Annotated[str, Field(pattern=FIELD)]
"""`<node>.<field>`."""
Text = str | Mapping[Literal["en", "es"], str]
"""A text, or one for each language."""
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Op = Literal["==", "!=", "<", "<=", ">", ">=", "in", "contains"]


def in_language(text: Text, language: str) -> str:
    """The text in that language, else in English, else in whichever there is."""
    if isinstance(text, str):
        return text
    translations: dict[str, str] = {str(key): value for key, value in text.items()}
    return translations.get(language) or translations.get("en") or next(iter(translations.values()), "")


class Part(BaseModel):
    """A part of a flow document: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Predicate(Part):
    """A closed condition on one declared field: `{"value": "validator.accepted", "op": "==", "than": false}`."""

    value: FieldName
    """Of a node that has run."""
    op: Op
    than: JsonValue


class EdgeConfig(Part):
    """From one node to the next, always or under a condition.

    Of a node's outgoing edges those without a condition are taken, and those whose condition holds; an edge with
    `otherwise` is taken where none of the conditional ones was. An edge back must have `max_rounds`: how often it
    may be taken at the most; after that it counts as not holding.
    """

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    when: Predicate | None = None
    otherwise: bool = False
    max_rounds: int | None = Field(default=None, ge=1, le=50)


class NodeConfig(BaseModel):
    """A node: its name, its kind, and beside them what its kind takes (checked by the kind's own model)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Name
    kind: str = Field(min_length=1, max_length=64)
    label: Text = ""
    role: Name | None = None
    """The part played in the deliberation; the node's id where it is not given."""

    @property
    def settings(self) -> dict[str, JsonValue]:
        """What the node says beyond its name, kind, label and role."""
        return dict(self.model_extra or {})

    @property
    def part(self) -> str:
        """The role, or the id where no role is given."""
        return self.role or self.id


class FlowLimits(Part):
    """Past one of these a run ends as `limit_exceeded`, with all that it had. Those of its subflows do not count."""

    max_steps: int = Field(default=50, ge=1, le=10_000)
    """Turns of nodes, those of subflows too."""
    max_cost_usd: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens read and written by all calls together."""
    timeout_s: float = Field(default=900.0, gt=0, le=86_400)
    max_parallel: int = Field(default=4, ge=1, le=64)


class Expectation(Part):
    """What a test case asks of its run: a closed comparison, as an edge's."""

    value: str = Field(pattern=EXPECTED)
    """`answer`, `draft`, `status`, `calls`, `cost_usd`, `<node>.text`, `<node>.visits` or `<node>.<field>`."""
    op: Op
    than: JsonValue


class FlowCase(Part):
    """A test that a flow carries with it."""

    name: str = Field(min_length=1, max_length=100)
    prompt: str = Field(min_length=1, max_length=100_000)
    inputs: dict[Name, str] = Field(default_factory=dict)
    language: Literal["en", "es"] = "en"
    answers: dict[str, str | tuple[str, ...]] | None = None
    """What each node, role or `*` is made to answer, call by call (the last one again and again); None asks the real
    models."""
    people: dict[str, str] = Field(default_factory=dict)
    """What the person says at each `human` node, also at one of a flow within (`sub/ok`, `each[2]/ok`)."""
    expect: tuple[Expectation, ...] = Field(min_length=1, max_length=100)


class FlowInput(Part):
    """A value that a run is started with."""

    description: Text = ""
    default: str | None = None
    """None: the run must give it."""


class Position(Part):
    """Where an editor draws a node: its upper left corner, in pixels."""

    x: Coordinate
    y: Coordinate


class FlowNote(Part):
    """What somebody wrote on the canvas, for whoever reads the flow; Markdown."""

    text: str = Field(default="", max_length=10_000)
    x: Coordinate
    """Of its upper left corner, in pixels, as those of nodes."""
    y: Coordinate
    width: float = Field(default=240.0, ge=80, le=4_000, allow_inf_nan=False)
    height: float = Field(default=160.0, ge=48, le=4_000, allow_inf_nan=False)
    tone: Literal["plain", "accent", "warn"] = "plain"
    """Its colour, by the names that the web app's own colours have."""


def _user_input() -> dict[str, FlowInput]:
    return {"user_input": FlowInput(description="The question")}


class FlowConfig(Part):
    """A flow: nodes without an incoming edge start, nodes without an outgoing edge end."""

    id: Name
    name: Text
    description: Text = ""
    inputs: dict[Name, FlowInput] = Field(default_factory=_user_input)
    nodes: tuple[NodeConfig, ...] = Field(min_length=1, max_length=10_000)
    edges: tuple[EdgeConfig, ...] = Field(default=(), max_length=50_000)
    limits: FlowLimits = FlowLimits()
    answer: Name | None = None
    """The node whose text is the answer; the last one to end where it is not given."""
    draft: Name | None = None
    """The node whose first text is the draft that the answer is compared with."""
    tests: tuple[FlowCase, ...] = Field(default=(), max_length=200)
    layout: dict[Name, Position] = Field(default_factory=dict, max_length=10_000)
    """Where an editor draws nodes; it places the others itself. No run looks at it."""
    notes: dict[Name, FlowNote] = Field(default_factory=dict, max_length=200)
    """What stands on the canvas beside the nodes. No run looks at it."""

    def node(self, node_id: str) -> NodeConfig:
        """The node of that id; KeyError where there is none (a checked flow never asks for one)."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)
