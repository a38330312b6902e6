"""Answers a request that is sent again with the same key with what the first one began, while this server runs."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.sentences import said

KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Begun:
    body: str
    made: asyncio.Future[str]


class Repeats:
    """The ids of what the last keys began. What failed to begin may be tried again under its key."""

    def __init__(self) -> None:
        self._begun: OrderedDict[tuple[str, str], _Begun] = OrderedDict()

    async def once(self, caller: str, key: str, body: bytes, begin: Callable[[], Awaitable[str]]) -> str:
        """The id of what this key began. Raises ValidationError where it came with another body before."""
        digest, name = hashlib.sha256(body).hexdigest(), (caller, key)
        known = self._begun.get(name)
        if known is not None:
            if known.body != digest:
                raise ValidationError(
                    said("key_other_body", "This Idempotency-Key was sent with another body before; take a new key."),
                    where="Idempotency-Key",
                )
            return await asyncio.shield(known.made)
        made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._begun[name] = _Begun(digest, made)
        try:
            made.set_result(await begin())
        except BaseException as error:
            del self._begun[name]
            made.set_exception(
                error
                if isinstance(error, Exception)
                else ValidationError(said("not_begun_again", "It was not begun; send it again."))
            )
            made.exception()  # taken note of, also where nobody else waits for it
            raise
        while len(self._begun) > KEPT:
            self._begun.popitem(last=False)
        return made.result()
