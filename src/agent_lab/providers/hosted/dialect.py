"""What a vendor's protocol must say for the one provider to speak it, and what all protocols share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import Image, Message, ToolCall
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import Parameter, ProviderSpec, Sampling
from agent_lab.contracts.sentences import said
from agent_lab.providers.hosted.errors import Callee
from agent_lab.providers.hosted.reading import Reader

PLAIN = Sampling()
SPEAKERS: Mapping[str, str] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
MANY = frozenset({"tools", "images"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The body of a request, and a sentence for each thing in it that is not as it was asked for."""

    body: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Library(Protocol):
    """A vendor's library, which carries its protocols."""

    name: str

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        """Its client, its retries off: the gateway alone decides about them. Raises ImportError where there is none."""
        ...

    def refusal(self, error: Exception) -> Any | None:
        """The response that the library's error stands for; None where none came."""
        ...


class Dialect(Protocol):
    """A vendor's protocol."""

    path: str

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked:
        """The call in this protocol. Raises ValidationError for what the model's row rejects."""
        ...

    def reader(self, call: ModelCall, callee: Callee) -> Reader: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the conversation as every vendor knows it: `role` is user, assistant, system or tool."""

    role: str
    content: str
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def says_nothing(self) -> bool:
        """True for a turn that a vendor would refuse as empty."""
        return not (self.content or self.images or self.tool_calls or self.tool_call_id)


@dataclass(slots=True)
class Wishes:
    """What a call asks for beside its text, less what the model does not take."""

    call: ModelCall
    notes: list[str] = field(default_factory=list)

    def takes(self, parameter: Parameter, *, wished: bool) -> bool:
        """Whether the parameter is to be sent. Where it was asked for and is left out, a note says so.

        Raises ValidationError where the model's row rejects it.
        """
        if not wished:
            return False
        model = self.call.model
        if parameter in model.rejects:
            it = "them" if parameter in MANY else "it"
            raise ValidationError(
                said(
                    "parameter_not_taken",
                    "{model!r} does not take {parameter}; leave {it} out or use another model.",
                    model=model.key,
                    parameter=parameter,
                    it=it,
                )
            )
        if parameter in model.ignores:
            self.leave_out(parameter)
            return False
        return True

    def leave_out(self, what: str, *, many: bool = False) -> None:
        """Note that the model does not take this."""
        were = "they were" if many or what in MANY else "it was"
        self.notes.append(f"{self.call.model.key!r} does not take {what}; {were} left out.")

    @property
    def temperature(self) -> float | None:
        """The temperature to send. The plain default is nobody's wish: it is left out without a note."""
        value, model = self.call.sampling.temperature, self.call.model
        if value == PLAIN.temperature and self.call.request.temperature is None:
            return None if "temperature" in model.ignores | model.rejects else value
        return value if self.takes("temperature", wished=True) else None

    @property
    def top_p(self) -> float | None:
        """The top_p to send; 1 leaves the distribution whole and need not be said."""
        value = self.call.sampling.top_p
        return value if self.takes("top_p", wished=value != PLAIN.top_p) else None

    @property
    def tools(self) -> bool:
        """Whether tools are to be sent."""
        return self.takes("tools", wished=bool(self.call.request.tools))

    def extra(self, protocol: Literal["openai", "anthropic"], kept: Iterable[str]) -> Mapping[str, Any]:
        """The vendor's own parameters of the request, less those `kept`, which the gateway alone sets."""
        extra = self.call.request.extra
        fits = self.call.request.extra_protocol == protocol
        left_out = sorted(name for name in extra if not fits or name in kept)
        if left_out:
            self.leave_out(", ".join(left_out), many=len(left_out) > 1)
        return {name: value for name, value in extra.items() if name not in left_out}

    def asked(self, body: Mapping[str, Any], extra: Mapping[str, Any]) -> Asked:
        """The body without what is None, and with the vendor's own parameters; objects of one name are joined."""
        whole = {name: value for name, value in body.items() if value is not None}
        for name, theirs in extra.items():
            ours = whole.get(name)
            whole[name] = {**ours, **theirs} if isinstance(ours, dict) and isinstance(theirs, dict) else theirs
        return Asked(whole, tuple(self.notes))


def conversation(wishes: Wishes) -> list[Turn]:
    """The history, the question, and the beginning of the answer where there is one.

    A voice that the vendors do not know speaks as the user. Pictures are shown by the user alone.
    Raises ValidationError where nobody says anything.
    """
    call = wishes.call
    history = call.request.context.history
    images = wishes.takes("images", wished=any(message.images for message in history))
    tools = not any(message.role == "tool" or message.tool_calls for message in history) or (
        "tools" not in call.model.ignores
    )
    turns = [_turn(message, images=images, tools=tools) for message in history]
    turns.append(Turn("user", call.request.prompt))
    if images:
        turns = list(_shown_by_the_user(turns))
    turns.append(Turn("assistant", call.prefix))
    return answerable([turn for turn in turns if not turn.says_nothing])


def answerable(turns: list[Turn]) -> list[Turn]:
    """The turns as they are. Raises ValidationError where there is none, which each vendor words in its own way."""
    if not turns:
        raise ValidationError(said("no_message", "There is no message to answer; send one."), where="/prompt")
    return turns


def _turn(message: Message, *, images: bool, tools: bool) -> Turn:
    shown = message.images if images else ()
    if message.role in SPEAKERS:
        return Turn(SPEAKERS[message.role], message.content, shown, message.tool_calls if tools else ())
    if message.role == "tool" and message.tool_call_id and tools:
        return Turn("tool", message.content, shown, tool_call_id=message.tool_call_id)
    return Turn("user", f"{message.role}: {message.content}", shown)


def _shown_by_the_user(turns: Iterable[Turn]) -> Iterator[Turn]:
    held: list[Image] = []
    for turn in turns:
        # The results of tools stay together: pictures among them come after the last one.
        if held and turn.role != "tool":
            yield Turn("user", "", tuple(held))
            held.clear()
        if turn.role == "user":
            yield turn
        else:
            held += turn.images
            yield replace(turn, images=())
    if held:
        yield Turn("user", "", tuple(held))
