"""What entry points of the tests lead to, good and bad."""

from collections.abc import AsyncIterator

from agent_lab.contracts.flow_ports import NodeKind, ToolSpec
from agent_lab.contracts.ports import ModelAnswer, ModelCall, ProviderPiece
from agent_lab.nodes.human import HUMAN


class Parrot:
    """A provider that says what it hears."""

    async def stream(self, call: ModelCall) -> AsyncIterator[ProviderPiece]:
        yield ModelAnswer(
            text=f"parrot: {call.request.prompt}", finish_reason="stop", prompt_tokens=1, completion_tokens=1
        )

    async def close(self) -> None: ...


async def call(arguments: object) -> str:
    return str(arguments)


async def nothing(state: object, settings: object, step: object) -> None: ...


SHOUT = NodeKind(name="shout", summary="Shouts.", settings=HUMAN.settings, run=HUMAN.run)
NO_SETTINGS = NodeKind(name="odd", summary="", settings=dict, run=HUMAN.run)  # type: ignore[arg-type]
DIAL = ToolSpec(name="dial", description="Dials.", parameters={"type": "object"}, call=call)
BAD_SCHEMA = ToolSpec(name="bad", description="", parameters={"type": "array"}, call=call)
BAD_NAME = ToolSpec(name="../../bad", description="", parameters={"type": "object"}, call=call)
NUMBER = 7


def shout() -> NodeKind:
    return SHOUT


def raising() -> NodeKind:
    raise RuntimeError("the wire is cut")


def score(text: str, *, question: str, cut: bool) -> tuple[float, tuple[str, ...]]:
    return (1.0, ())
