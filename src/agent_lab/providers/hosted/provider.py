"""Answers with the models of one address, in whichever of its vendor's protocols each of them is served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pydantic import SecretStr

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, UnusableError
from agent_lab.contracts.ports import ModelCall, ProviderPiece, Reached
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.hosted.dialect import Asked, Dialect, Library
from agent_lab.providers.hosted.errors import Callee, retry_after_s
from agent_lab.providers.hosted.hearing import Hearing
from agent_lab.providers.hosted.line import LineError
from agent_lab.providers.hosted.reading import NONSENSE
from agent_lab.providers.hosted.trial import Trial
from agent_lab.providers.hosted.wire import parsed, written


class HostedProvider:
    """Calls one address with one credential. Fulfils `contracts.ports.Provider` and `contracts.ports.Reachable`.

    The vendor's library is loaded at the first call, and its client is built once and closed with the provider.
    `dialects`: by the `api` of a model's row.
    """

    def __init__(
        self, spec: ProviderSpec, secret: SecretStr | None, library: Library, dialects: Mapping[str, Dialect]
    ) -> None:
        self._spec = spec
        self._secret = secret
        self._library = library
        self._dialects = dialects
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._raw_response: Any = None
        self._key = ""

    async def stream(self, call: ModelCall) -> AsyncGenerator[ProviderPiece, None]:
        """What each arrival of bytes says, and the answer last. Leaving closes the connection."""
        dialect = self._dialect(call.model)
        asked = dialect.body(call, self._spec)
        client = self._client or await self._opened()
        callee = Callee(provider=self._spec, model=call.model, secret=self._key)
        reader = dialect.reader(call, callee)
        reading = reader.reading
        started, until = time.monotonic(), _until(call)
        response = await self._response(client, dialect.path, asked, call, callee)
        hearing = Hearing(response, reader, callee, call, until=until)
        try:
            while not reading.complete:
                await hearing.more()
                for piece in reading.taken():
                    yield piece
        finally:
            await hearing.close()
        if reading.is_withheld:
            reading.say(
                f"{self._spec.key!r} withheld the rest of this answer; ask in other words or use another model."
            )
            for piece in reading.taken():
                yield piece
        try:
            answer = reading.answer(asked.notes, time.monotonic() - started)
        except NONSENSE as error:
            raise callee.unreadable() from error
        yield answer

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _dialect(self, model: ModelSpec) -> Dialect:
        dialect = self._dialects.get(model.api)
        if dialect is None:
            raise UnusableError(
                said(
                    "other_protocol",
                    "{provider!r} does not speak the protocol {protocol!r}; correct api in the row of "
                    "{model!r} or use another model.",
                    provider=self._spec.key,
                    protocol=model.api,
                    model=model.key,
                ),
                where="/model_key",
            )
        return dialect

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                # Loading such a library takes up to a second, in which other answers must go on.
                self._client = await asyncio.to_thread(self._open)
            return self._client

    async def reach(self, timeout_s: float) -> Reached:
        """Try address and key at no cost. Fulfils `contracts.ports.Reachable`."""
        # Over a client of its own: a line sends with every call the headers of its first one, and this one has no body.
        client = await asyncio.to_thread(self._open)
        try:
            return await Trial(self._spec, self._library, self._key).outcome(client, self._raw_response, timeout_s)
        finally:
            await client.close()

    def _open(self) -> Any:
        self._key = self._checked_key()
        try:
            from agent_lab.providers.hosted import http

            self._raw_response = http.raw_response
            client = http.bounded_client(self._spec.base_url, with_key=self._secret is not None)
            return self._library.open(self._spec, self._key, client)
        except ImportError as error:
            raise EnvironmentFaultError(
                f"Models of {self._spec.key!r} need the library {self._library.name!r}; install it: "
                "pip install 'agent-lab[hosted]'."
            ) from error

    def _checked_key(self) -> str:
        if self._secret is None:
            return ""
        key = self._secret.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise UnusableError(
                said(
                    "no_usable_key",
                    "{variable} holds something that is no key; put the key into .env as it was given.",
                    variable=str(self._spec.key_env),
                ),
                where="/model_key",
            )
        return key

    async def _response(self, client: Any, path: str, asked: Asked, call: ModelCall, callee: Callee) -> Any:
        """The vendor's response, its body unread. Raises the product's own errors in place of the library's."""
        try:
            async with asyncio.timeout(call.header_s):
                return await client.post(
                    self._spec.base_url + path,  # whole: the library would take its own base apart for each call
                    cast_to=self._raw_response,
                    content=written(asked.body),
                    options={"timeout": call.timeout_s},
                    stream=True,
                    stream_cls=None,
                )
        except TimeoutError as error:
            raise callee.silent() from error
        except Exception as error:
            # This is the door: whatever the library raises is translated here.
            # Its text may repeat the key, and a traceback would show it.
            error.args = tuple(callee.hidden(str(part)) for part in error.args)
            raise self._translated(error, callee) from error

    def _translated(self, error: Exception, callee: Callee) -> AgentLabError:
        response = self._library.refusal(error)
        if response is None:
            return callee.fault(error if isinstance(error, LineError) else error.__cause__)
        wait_s = retry_after_s(response.headers, time.time())
        return callee.refused(response.status_code, _said(response.content), retry_after_s=wait_s)


def _until(call: ModelCall) -> float | None:
    """The time of the loop at which an answer in one piece must be there: it begins only when it is whole."""
    if call.streamed or call.header_s is None:
        return None
    return asyncio.get_running_loop().time() + call.header_s


def _said(content: bytes) -> object:
    try:
        return parsed(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")
