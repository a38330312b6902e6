"""Answers over HTTP, whole or as a stream; a stream begins with its first word, and never ends as if it were whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent_lab.compat import flow_models
from agent_lab.compat.asked import Asked
from agent_lab.compat.faults import UNEXPECTED, Fault, fault_of
from agent_lab.compat.naming import Target
from agent_lab.compat.spoken import Answer, RoleDelta, Spoken, Writer, answer_of
from agent_lab.contracts.errors import AgentLabError, BrokenOffError
from agent_lab.contracts.generation import AnswerBegun, AnswerRestarted, GenerationResult, TextDelta, ToolDelta
from agent_lab.contracts.streams import closing
from agent_lab.lab.access import caller_of
from agent_lab.lab.presence import ClientGoneError, while_waited_for
from agent_lab.lab.problems import request_id_of
from agent_lab.lab.services import LabServices
from agent_lab.telemetry.logging import get_logger

PING_S = 15.0
"""Proxies and clients give up on a connection that says nothing for a minute."""
HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


async def respond(asked: Asked, target: Target, writer: Writer, request: Request, services: LabServices) -> Response:
    """The answer to a question. Leaving ends the work on it."""
    if asked.streamed:
        return StreamedAnswer(_spoken(asked, target, request, services), writer, request, notes=asked.notes)
    answer = await while_waited_for(request, _whole(asked, target, request, services))
    return Response(writer.whole(answer), media_type="application/json")


async def _whole(asked: Asked, target: Target, request: Request, services: LabServices) -> Answer:
    if target.flow is None:
        return answer_of(await services.generator.generate(asked.request, sticky=asked.sticky), asked.notes)
    async with closing(_spoken(asked, target, request, services)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Answer):
                return piece
    raise _no_end()


def _spoken(asked: Asked, target: Target, request: Request, services: LabServices) -> AsyncIterator[Spoken]:
    if target.flow is None:
        return services.generator.stream(asked.request, on_cut="continue", sticky=asked.sticky)
    run = flow_models.run_request(asked, target.flow, run_as=target.run_as)
    return flow_models.speak(
        services.runs,
        run,
        target.flow,
        name=target.flow_name,
        asked=asked,
        request_id=request_id_of(request),
        caller=caller_of(request),
    )


def _no_end() -> BrokenOffError:
    return BrokenOffError("The answer broke off without an end; ask again or use another model.")


class StreamedAnswer(Response):
    """Server-sent events as a writer writes them.

    An error before the first word is an HTTP error of its own. After it, or once the wait for it was so long that
    signs of life had to be sent, it is an event of the protocol, and no end follows.
    """

    def __init__(
        self, pieces: AsyncIterator[Spoken], writer: Writer, request: Request, *, notes: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self._pieces = pieces
        self._writer = writer
        self._request = request
        self._notes = notes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer. Raises ClientGoneError when the client leaves; what was asked for is then closed."""
        line = _Line(send, self._writer)
        pinging = asyncio.create_task(line.keep_awake())
        try:
            await while_waited_for(self._request, self._tell(line))
            return
        except AgentLabError as error:
            fault = fault_of(error)
        except ClientGoneError:
            raise
        except Exception:
            log = get_logger("api")  # as in the frame: the log gets all of it, and the client nothing of its insides
            log.exception("unexpected_error", method=self._request.method, path=self._request.url.path)
            fault = UNEXPECTED
        finally:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)
        if line.started:
            await line.say_last(self._writer.broken(fault))
        else:
            await refusal(self._writer, fault)(scope, receive, send)

    async def _tell(self, line: _Line) -> None:
        async with closing(self._pieces) as pieces:
            async for piece in pieces:
                if isinstance(piece, AnswerBegun):
                    self._writer.begin(piece.model_resolved)
                elif isinstance(piece, GenerationResult | Answer):
                    await self._end(piece, line)
                elif not (isinstance(piece, TextDelta) and not piece.text):  # a sign of life commits to nothing
                    await line.open()
                    await line.say(self._written(piece))
        if not line.ended:
            raise _no_end()

    def _written(self, piece: TextDelta | ToolDelta | RoleDelta | AnswerRestarted) -> bytes:
        if isinstance(piece, TextDelta):
            return self._writer.text(piece.text)
        if isinstance(piece, ToolDelta):
            return self._writer.tool(piece)
        if isinstance(piece, RoleDelta):
            return self._writer.role(piece)
        raise BrokenOffError("The answer broke off and was begun anew after its first words had been sent; ask again.")

    async def _end(self, piece: GenerationResult | Answer, line: _Line) -> None:
        answer = answer_of(piece, self._notes) if isinstance(piece, GenerationResult) else piece
        self._writer.begin(answer.model)
        await line.open()
        await line.say_last(self._writer.end(answer))


def refusal(writer: Writer, fault: Fault) -> Response:
    """An error as an answer of its own."""
    return Response(writer.refused(fault), fault.status, fault.headers, "application/json")


@dataclass(slots=True)
class _Line:
    """The connection: begun with the first word, or with the first sign of life where that takes long."""

    send: Send
    writer: Writer
    started: bool = False
    ended: bool = False
    _opened: bool = False
    _said_at_s: float = field(default_factory=time.monotonic)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self) -> None:
        """Send what stands before the first word, once. Called before that word is written: events are numbered."""
        if not self._opened:
            self._opened = True
            await self._start()
            await self.say(self.writer.opening())

    async def say(self, data: bytes) -> None:
        """Send a part of the answer."""
        self._said_at_s = time.monotonic()
        await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def say_last(self, data: bytes) -> None:
        """Send the end, or the event that says that there is none."""
        self.ended = True
        await self.send({"type": "http.response.body", "body": data, "more_body": False})

    async def keep_awake(self) -> None:
        """Send a sign of life whenever nothing was said for a while."""
        while True:
            idle_s = time.monotonic() - self._said_at_s
            if idle_s >= PING_S:
                await self._start()
                await self.say(self.writer.ping)
                idle_s = 0.0
            await asyncio.sleep(PING_S - idle_s)

    async def _start(self) -> None:
        async with self._starting:  # the first word and the first sign of life may come together
            if not self.started:
                self.started = True
                await self.send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
