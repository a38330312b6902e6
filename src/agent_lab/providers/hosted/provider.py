"""Answers with the models of one address, in whichever vendor's protocol; half an answer is never told as a whole."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from pydantic import SecretStr

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, UnusableError
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted import http
from agent_lab.providers.hosted.dialect import Asked, Dialect, Reader, Reading
from agent_lab.providers.hosted.errors import Callee, retry_after_s
from agent_lab.providers.hosted.sse import EventDecoder

# What a reader trips over where an event is not what the protocol says; RecursionError is json's word for nesting.
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class HostedProvider:
    """Calls one address with one credential. Fulfils `contracts.ports.Provider`.

    The vendor's library is loaded at the first call, and its client is built once and closed with the provider.
    """

    def __init__(self, spec: ProviderSpec, secret: SecretStr | None, dialect: Dialect) -> None:
        self._spec = spec
        self._secret = secret
        self._dialect = dialect
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | ModelAnswer, None]:
        """Pieces of text as they come, and the answer last. Leaving closes the connection."""
        callee = Callee(provider=self._spec, model=call.model, secret=self._key())
        asked = self._dialect.body(call, self._spec)
        reader = self._dialect.reader(callee)
        started, texts = time.monotonic(), list[str]()
        async with (
            self._answering(call, asked, callee) as pieces,
            aclosing(_texts(pieces, reader, callee)) as written,
        ):
            async for text in written:
                texts.append(text)
                yield TextDelta(text=text)
        if reader.reading.withheld:
            sentence = f"{self._spec.key!r} withheld the rest of this answer; ask in other words or use another model."
            texts.append(f"\n\n{sentence}" if texts else sentence)
            yield TextDelta(text=texts[-1])
        yield _answer("".join(texts), reader.reading, asked, time.monotonic() - started)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _key(self) -> str:
        if self._secret is None:
            return ""
        key = self._secret.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise UnusableError(
                f"{self._spec.key_env} holds something that is no key; put the key into .env as it was given.",
                where="/model_key",
            )
        return key

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                # Loading such a library takes up to a second, in which other answers must go on.
                self._client = await asyncio.to_thread(self._open)
            return self._client

    def _open(self) -> Any:
        try:
            client = http.bounded_client(self._spec.base_url, with_key=self._secret is not None)
            return self._dialect.open(self._spec, self._key(), client)
        except ImportError as error:
            raise EnvironmentFaultError(
                f"Models of {self._spec.key!r} need the library {self._dialect.library!r}; install it: "
                "pip install 'agent-lab[hosted]'."
            ) from error

    @asynccontextmanager
    async def _answering(self, call: ModelCall, asked: Asked, callee: Callee) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of the answer. Raises the product's own errors in place of the library's."""
        client = await self._opened()
        try:
            response = await client.post(
                self._dialect.path,
                cast_to=http.raw_response(),
                body=dict(asked.body),
                options={"timeout": http.timeout(call.timeout_s)},
                stream=True,
                stream_cls=None,
            )
        except Exception as error:
            # This is the door: whatever the library raises is translated here.
            # Its text may repeat the key, and a traceback would show it.
            error.args = tuple(callee.hidden(str(part)) for part in error.args)
            raise self._translated(error, callee) from error
        try:
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise await _not_a_stream(response, callee)
            yield response.aiter_raw()
        except http.timeout_errors() as error:
            raise callee.silent() from error
        except http.connection_errors() as error:
            raise callee.broke_off("the connection was lost") from error
        finally:
            await response.aclose()

    def _translated(self, error: Exception, callee: Callee) -> AgentLabError:
        response = self._dialect.refusal(error)
        if response is not None:
            wait_s = retry_after_s(response.headers, time.time())
            return callee.refused(response.status_code, _json(response.content), retry_after_s=wait_s)
        return callee.silent() if isinstance(error.__cause__, http.timeout_errors()) else callee.unreachable()


async def _texts(pieces: AsyncIterator[bytes], reader: Reader, callee: Callee) -> AsyncGenerator[str, None]:
    """The text of each event until the protocol's own end. Raises UnusableError where that does not come."""
    try:
        async for data in _events(pieces):
            if text := reader.feed(data):
                yield text
            if reader.reading.complete:
                return
    except NONSENSE as error:
        raise callee.broke_off("a piece of it cannot be read") from error
    raise callee.broke_off("it has no end")


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    decoder = EventDecoder()
    async for piece in pieces:
        for data in decoder.feed(piece):
            yield data


async def _not_a_stream(response: Any, callee: Callee) -> AgentLabError:
    """The error for an answer in one piece: told in it, or an address that does not speak the protocol."""
    body = _json(await response.aread())
    if isinstance(body, dict) and body.get("error"):
        return callee.refused(500, body)
    return UnusableError(
        f"{callee.provider.key!r} did not answer with a stream of events; correct its base_url or use another model.",
        where="/model_key",
    )


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def _answer(text: str, reading: Reading, asked: Asked, seconds: float) -> ModelAnswer:
    notes = asked.notes if reading.counted else (*asked.notes, "The provider did not say how many tokens it took.")
    return ModelAnswer(
        text=text,
        finish_reason=reading.finish_reason or "stop",
        prompt_tokens=reading.prompt_tokens,
        completion_tokens=reading.completion_tokens,
        cached_tokens=min(reading.cached_tokens, reading.prompt_tokens),
        usage_known=reading.counted,
        inference_s=seconds,
        notes=notes,
    )
