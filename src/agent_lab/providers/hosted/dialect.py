"""What a vendor's protocol must say for the one provider to speak it, and what both protocols share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent_lab.contracts.generation import FinishReason
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import Parameter, ProviderSpec, Sampling
from agent_lab.providers.hosted.errors import Callee

PLAIN = Sampling()


@dataclass(frozen=True, slots=True)
class Asked:
    """The body of a request, and a sentence for each thing in it that is not as it was asked for."""

    body: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """What is known of an answer so far."""

    finish_reason: FinishReason | None = None
    withheld: bool = False
    """True where the vendor's filter ended the answer, and did not say so in the text."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    counted: bool = False
    complete: bool = False
    """True once the protocol's own end has come."""


class Reader(Protocol):
    """Reads one answer, event by event."""

    reading: Reading

    def feed(self, data: str) -> str:
        """The text in an event. Raises the error that an event tells, and ValueError or LookupError for nonsense."""
        ...


class Dialect(Protocol):
    """A vendor's protocol, and the vendor's library that carries it."""

    path: str
    library: str

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        """The library's client. Raises ImportError where the library is not installed."""
        ...

    def refusal(self, error: Exception) -> Any | None:
        """The response that the library's error stands for; None where none came."""
        ...

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked: ...

    def reader(self, callee: Callee) -> Reader: ...


@dataclass(slots=True)
class Wishes:
    """What a call asks for beside its text, less what the model does not take."""

    call: ModelCall
    notes: list[str] = field(default_factory=list)

    def takes(self, parameter: Parameter, *, wished: bool) -> bool:
        """Whether the parameter may be sent. Where it was asked for and is left out, a note says so."""
        if parameter not in self.call.model.ignores:
            return wished
        if wished:
            self.leave_out(parameter)
        return False

    def leave_out(self, what: str) -> None:
        """Note that the model does not take this."""
        self.notes.append(f"{self.call.model.key!r} does not take {what}; it was left out.")

    @property
    def temperature(self) -> float | None:
        """The temperature to send. The plain default is nobody's wish: it is left out without a note."""
        value = self.call.sampling.temperature
        if value == PLAIN.temperature and self.call.request.temperature is None:
            return None if "temperature" in self.call.model.ignores else value
        return value if self.takes("temperature", wished=True) else None

    @property
    def top_p(self) -> float | None:
        """The top_p to send; 1 leaves the distribution whole and need not be said."""
        value = self.call.sampling.top_p
        return value if self.takes("top_p", wished=value != PLAIN.top_p) else None


def conversation(call: ModelCall) -> list[dict[str, str]]:
    """The history and the question. A voice that the vendors do not know speaks as the user."""
    turns = [(message.role, message.content) for message in call.request.context.history]
    return [_turn(role, content) for role, content in (*turns, ("user", call.request.prompt))]


def _turn(role: str, content: str) -> dict[str, str]:
    if role in {"user", "assistant", "system"}:
        return {"role": role, "content": content}
    return {"role": "user", "content": f"{role}: {content}"}
