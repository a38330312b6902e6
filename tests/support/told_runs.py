"""Runs told by hand, event by event: what no flow of the library does by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from agent_lab.contracts.events import (
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    PersonAnswered,
    RouteTaken,
    RunAdmitted,
    RunEvent,
    RunFinished,
    RunPaused,
    RunQueued,
    RunResumed,
    RunStarted,
    RunWaits,
    VoteCast,
    WaitingForPerson,
)
from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, Timings, Usage
from agent_lab.contracts.run import Fault, NodeOutput, Pin, RunOptions, RunRequest

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Teller:
    """Writes events down one after the other, numbered, a second apart."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []

    def say(self, make: Callable[..., RunEvent], /, **values: Any) -> None:
        count = len(self.events)
        self.events.append(make(seq=count + 1, at=NOON + timedelta(seconds=count), **values))

    def begin(
        self,
        flow: FlowConfig,
        *,
        language: str = "en",
        only: str | None = None,
        pins: dict[str, Pin] | None = None,
        **values: Any,
    ) -> None:
        options = RunOptions.model_validate({"language": language})
        request = RunRequest(flow=flow.id, prompt="¿Cuánto es 1 + 1?", options=options, only=only, pins=pins or {})
        self.say(RunStarted, run_id="told", request_id="vector", flow=flow, flow_hash="f00d", request=request, **values)

    def enter(self, node: str, visit: int = 1, *, kind: str = "generate") -> None:
        self.say(NodeStarted, node=node, visit=visit, kind=kind, label=node.title(), role=node.rpartition("/")[2])

    def call(
        self,
        node: str,
        text: str,
        usd: str | None = "0",
        *,
        visit: int = 1,
        sample: int = 0,
        reused: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        call = {"node": node, "visit": visit, "sample": sample, "request_hash": f"{node}-{visit}-{sample}"}
        if not reused:
            self.say(GenerationStarted, **call, request=GenerationRequest(prompt="1 + 1?"))
        result = GenerationResult(
            text=text,
            tokens_generated=7,
            timings=Timings(inference_s=0.25, total_s=0.25),
            usage=Usage(prompt_tokens=11, completion_tokens=7, cost_usd=None if usd is None else Decimal(usd)),
            source="scripted",
            cache_hit=sample > 0,
            model_key="voice",
            model_resolved="voice-1",
            strategy="standard",
            finish_reason="stop",
            notes=tuple(notes),
        )
        self.say(GenerationFinished, **call, result=result, reused=reused)

    def leave(self, node: str, text: str, *then: str, visit: int = 1, reused: bool = False, **fields: Any) -> None:
        output = NodeOutput(text=text, fields=fields)
        self.say(NodeFinished, node=node, visit=visit, output=output, next=then, seconds=0.1, reused=reused)


def flow(name: str, kinds: dict[str, str], *edges: tuple[str, str], **values: Any) -> FlowConfig:
    nodes = tuple(
        NodeConfig.model_validate({"id": node, "kind": kind, "label": {"en": node.title(), "es": f"El {node}"}})
        for node, kind in kinds.items()
    )
    ends = tuple(EdgeConfig(source=source, target=target) for source, target in edges)
    return FlowConfig(id=name, name=name, nodes=nodes, edges=ends, **values)


APPROVED = flow("approved", {"draft": "generate", "person": "human"}, ("draft", "person"), draft="draft")
COUNCIL = flow(
    "council",
    {"ask": "vote", "inner": "subflow", "each": "map"},
    ("ask", "inner"),
    ("inner", "each"),
    ("each", "ask"),
)


def queued_and_paused() -> Teller:
    """A run that waits for its turn, is paused, and goes on; its costs are no binary fractions."""
    told = Teller()
    told.begin(APPROVED, flow_version=3)
    told.say(RunQueued, ahead=2)
    told.say(RunAdmitted)
    told.enter("draft")
    told.call("draft", "Two.", "0.1")
    told.call("draft", "2", "0.2", sample=1, notes=["The seed was left out.", "The seed was left out."])
    told.say(RunPaused)
    told.say(RunResumed, recorded_steps=2)
    told.leave("draft", "Two, or 2.", "person")
    told.enter("person", kind="human")
    told.leave("person", "Two, or 2.")
    told.say(RunFinished, status="completed", answer="Two, or 2.", seconds=9.5)
    return told


def paused() -> Teller:
    """A run that is paused still."""
    told = Teller()
    told.begin(APPROVED)
    told.enter("draft")
    told.call("draft", "Two.", "1e-12")
    told.say(RunPaused)
    return told


def waiting() -> Teller:
    """A run that waits for a person."""
    told = Teller()
    told.begin(APPROVED, language="es")
    told.enter("draft")
    told.leave("draft", "Two.", "person")
    told.enter("person", kind="human")
    told.say(WaitingForPerson, node="person", visit=1, question="Is it two?", choices=("yes", "no"), default="no")
    told.say(RunWaits)
    return told


def answered() -> Teller:
    """The same, answered after a restart."""
    told = waiting()
    told.say(RunResumed, recorded_steps=1)
    told.say(PersonAnswered, node="person", visit=1, text="yes")
    told.leave("person", "yes", approved=True)
    told.say(RunFinished, status="completed", answer="yes", seconds=86_400.25)
    return told


def cancelled() -> Teller:
    """The same, cancelled in place of an answer."""
    told = waiting()
    told.say(RunFinished, status="cancelled", seconds=4)
    return told


def timed_out() -> Teller:
    """A run that ends while two nodes are at work, by no fault of one of them."""
    told = waiting()
    told.enter("draft", 2)
    fault = Fault(type="limit-exceeded", message="The run may take no more than 60 s.")
    told.say(RunFinished, status="limit_exceeded", fault=fault, seconds=60)
    return told


def council() -> Teller:
    """Votes over two rounds, nodes of flows inside this one, an unknown price, a limit."""
    told = Teller()
    told.begin(COUNCIL)
    for visit in (1, 2):
        told.enter("ask", visit, kind="vote")
        for sample, choice in enumerate(["two", "three", "two"]):
            told.call("ask", choice, "0.000001", visit=visit, sample=sample)
        told.say(VoteCast, node="ask", visit=visit, voter="sample 1", choice="two", weight=1.5)
        told.say(VoteCast, node="ask", visit=visit, voter="sample 2", choice=f"round {visit}")
        told.leave("ask", "two", "inner", visit=visit, agreement=2 / 3, table=[["two", 2], ["three", None]])
        told.enter("inner", visit, kind="subflow")
        told.enter("inner/creator", visit)
        told.call("inner/creator", "Two.", "0.3", visit=visit)
        told.leave("inner/creator", "Two.", "inner/refiner", visit=visit)
        told.leave("inner", "Two.", "each", visit=visit)
        told.enter("each", visit, kind="map")
        told.enter("each[2]/creator", visit)
        told.call("each[2]/creator", "2", None, visit=visit)
        if visit == 1:
            told.leave("each[2]/creator", "2", visit=visit)
            told.leave("each", "2", "ask", visit=visit)
            told.say(RouteTaken, source="each", target="ask", visit=visit)
    fault = Fault(type="limit-exceeded", message="The run may cost no more than 1 USD.", node="each")
    told.say(RunFinished, status="limit_exceeded", answer="two", fault=fault, seconds=31)
    return told


def broken_within() -> Teller:
    """A node of a flow within a flow fails, while a node with a name that begins alike is at work."""
    told = Teller()
    told.begin(COUNCIL)
    told.enter("ask", kind="vote")
    told.enter("inner", kind="subflow")
    told.enter("inner/creator")
    told.enter("each", kind="map")
    told.enter("each[2]/creator")
    fault = Fault(type="provider-error", message="The wire broke; try again.", node="each[2]/creator")
    told.say(RunFinished, status="failed", fault=fault, seconds=3)
    return told


def forked() -> Teller:
    """A fork: the first node's turn is the first run's, of the second one a call."""
    told = Teller()
    told.begin(APPROVED, parent_run_id="told-before", from_node="person")
    told.enter("draft")
    told.call("draft", "Two.", "0.25", reused=True)
    told.leave("draft", "Two.", "person", reused=True)
    told.enter("person", kind="human")
    told.call("person", "Yes.", "0.5", reused=True)
    told.call("person", "Surely.", "0.125", sample=1)
    told.leave("person", "Surely.")
    told.say(RunFinished, status="completed", answer="Surely.", seconds=2)
    return told


def trial() -> Teller:
    """One node alone, on what the one before it is taken to have said; its way on is told and not gone."""
    told = Teller()
    told.begin(COUNCIL, only="inner", pins={"ask": Pin(text="Two.", fields={"tied": False})})
    told.enter("inner", kind="subflow")
    told.enter("inner/creator")
    told.call("inner/creator", "2", "0.5")
    told.leave("inner/creator", "2")
    told.leave("inner", "2", "each", answer="2")
    told.say(RunFinished, status="completed", answer="2", seconds=1)
    return told


TALES = (queued_and_paused, paused, waiting, answered, cancelled, timed_out, council, broken_within, forked, trial)
TOLD: dict[str, Callable[[], Teller]] = {f"told_{tale.__name__}": tale for tale in TALES}
