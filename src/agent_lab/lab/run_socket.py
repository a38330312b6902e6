"""The WebSocket that follows a run: the same events as the stream of server-sent events, as JSON messages."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import AgentLabError, NotFoundError, ValidationError
from agent_lab.lab.access import closing_words, owner_socket
from agent_lab.lab.presence import ClientGoneError, while_waited_for
from agent_lab.lab.run_stream import SEND_TIMEOUT_S, event_number
from agent_lab.lab.services import LabServices, services_of
from agent_lab.telemetry.logging import get_logger

router = APIRouter()

FIRST_MESSAGE_S = 1.0
"""A reader that does not say in the address where it stands may say so for this long."""
MAX_FIRST_CHARS = 1_000
ENDED, BROKEN, WRONG, UNKNOWN = 1000, 1011, 4400, 4404
"""What a socket is closed with: the run has ended and all of it was said; it cannot be read now; the reader did not say
where it stands in a way that can be read; there is no such run. (A server that stops says 1012.)"""


@router.websocket("/api/runs/{run_id}/socket")
@owner_socket
async def watch_run_socket(websocket: WebSocket) -> None:
    """Follow a run. Leaving does not stop it; come back with `after` and nothing is missed or repeated."""
    await websocket.accept()
    try:
        await _followed(websocket)
        code, reason = ENDED, ""
    except (ClientGoneError, WebSocketDisconnect):
        return
    except TimeoutError:
        get_logger("api").info("reader_let_go", path=websocket.url.path)
        return
    except AgentLabError as error:
        code, reason = _code(error), error.message
    await websocket.close(code, closing_words(reason))


def _code(error: AgentLabError) -> int:
    if isinstance(error, NotFoundError):
        return UNKNOWN
    return WRONG if isinstance(error, ValidationError) else BROKEN


async def _followed(websocket: WebSocket) -> None:
    """Send what there is and what comes, until the run ends.

    Raises AgentLabError, TimeoutError for a reader that takes nothing, ClientGoneError or WebSocketDisconnect.
    """
    services, run_id = services_of(websocket), websocket.path_params["run_id"]
    await services.runs.store.get(run_id)
    given = websocket.query_params.get("after")
    after = await _first_message(websocket) if given is None else event_number(given, "after")
    await while_waited_for(websocket, _tell(websocket, services, run_id, after))


async def _first_message(websocket: WebSocket) -> int:
    """The `after` of the first message; 0 where none comes. Raises ValidationError, WebSocketDisconnect."""
    try:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            text = await websocket.receive_text()
    except TimeoutError:
        return 0
    except KeyError:
        raise ValidationError('The first message must be text: {"after": 12}.', where="after") from None
    said = read_json(text[:MAX_FIRST_CHARS].encode(), what="The first message")
    after = said.get("after") if isinstance(said, dict) and said.keys() == {"after"} else None
    if isinstance(after, bool) or not isinstance(after, int):
        raise ValidationError('The first message must be {"after": N} with the number of an event.', where="after")
    return event_number(str(after), "after")


async def _tell(websocket: WebSocket, services: LabServices, run_id: str, after: int) -> None:
    async with aclosing(services.readers.follow(services.runs, run_id, after)) as events:
        async for _, data in events:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await websocket.send_text(data)
