"""What an answer is made of on its way to a client, whichever protocol it goes out in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from agent_lab.compat.faults import Fault
from agent_lab.contracts.generation import (
    AnswerBegun,
    AnswerRestarted,
    FinishReason,
    GenerationResult,
    TextDelta,
    ToolCall,
    ToolDelta,
    Usage,
)


@dataclass(frozen=True, slots=True)
class RoleDelta:
    """A piece of what a role of a flow says, which is not the answer."""

    node: str
    role: str
    visit: int
    sample: int
    text: str
    restarted: bool = False
    """True where the voice begins anew: what it said in this turn is void."""

    @property
    def key(self) -> tuple[str, int, int]:
        """Which voice this is."""
        return self.node, self.visit, self.sample

    @property
    def voice(self) -> dict[str, Any]:
        """Who speaks, as the extension tells it."""
        who: dict[str, Any] = {"node": self.node, "role": self.role, "sample": self.sample}
        return who | {"restarted": True} if self.restarted else who


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The whole answer. `extension` is what goes out as `agent_lab`."""

    text: str
    model: str
    finish_reason: FinishReason
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    extension: dict[str, Any]


Spoken = AnswerBegun | AnswerRestarted | TextDelta | ToolDelta | RoleDelta | GenerationResult | Answer
"""What a source says: pieces, and last either a result or an answer."""


class Writer(Protocol):
    """Writes one answer in one protocol. Each method returns what goes over the wire; `begin` comes first."""

    ping: bytes
    """A sign of life."""

    def begin(self, model: str) -> None:
        """This model speaks from here on."""
        ...

    def opening(self) -> bytes: ...

    def text(self, text: str) -> bytes: ...

    def tool(self, delta: ToolDelta) -> bytes: ...

    def role(self, delta: RoleDelta) -> bytes: ...

    def end(self, answer: Answer) -> bytes: ...

    def broken(self, fault: Fault) -> bytes:
        """The answer does not come to its end. Nothing in it may look like one."""
        ...

    def whole(self, answer: Answer) -> bytes:
        """The answer as one document."""
        ...

    def refused(self, fault: Fault) -> bytes:
        """An error as one document."""
        ...


def answer_of(result: GenerationResult, notes: Sequence[str] = ()) -> Answer:
    """A model's answer."""
    return Answer(
        text=result.text,
        model=result.model_resolved,
        finish_reason=result.finish_reason,
        usage=result.usage,
        tool_calls=result.tool_calls,
        extension={
            "model_key": result.model_key,
            "provider": result.source,
            "cost_usd": usd(result.usage.cost_usd),
            "attempts": [dict(attempt) for attempt in result.attempts],
            "notes": [*result.notes, *notes],
        },
    )


def usd(cost: Decimal | None) -> float | None:
    """A cost as JSON has it. Unknown stays unknown."""
    return None if cost is None else float(cost)
