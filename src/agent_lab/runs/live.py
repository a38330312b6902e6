"""What runs in this process have said so far; readers pull at their own pace and never slow the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from agent_lab.contracts.events import GenerationFinished, GenerationRestarted, RunEvent, RunFinished, Token
from agent_lab.contracts.run_ports import RunStore, Wire

VoiceKey = tuple[str, int, int]
"""Node, visit, sample: one answer being written."""
TELL_S = 0.05
"""How long tokens gather before they are carried to other processes."""
POLL_S = 0.4
"""How often a run that another process holds is looked at."""


@dataclass(slots=True)
class Voice:
    """An answer while it is written."""

    last: Token
    text: str = ""


@dataclass(slots=True)
class LiveRun:
    """One run's stored events and the answers being written now."""

    events: list[RunEvent] = field(default_factory=list)
    voices: dict[VoiceKey, Voice] = field(default_factory=dict)
    closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, events: Sequence[RunEvent]) -> None:
        """Show events, once they are stored."""
        for event in events:
            self.events.append(event)
            if isinstance(event, GenerationFinished | GenerationRestarted):
                self.voices.pop((event.node, event.visit, event.sample), None)
        self._wake()

    def speak(self, token: Token) -> None:
        """Show a piece of an answer."""
        voice = self.voices.setdefault((token.node, token.visit, token.sample), Voice(token))
        voice.last, voice.text = token, voice.text + token.text
        self._wake()

    def hush(self, key: VoiceKey) -> None:
        """Forget an answer that will not be finished."""
        self.voices.pop(key, None)

    def close(self) -> None:
        """No more will come from this process."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def next_change(self) -> asyncio.Event:
        """Set at the next change. Take it before looking, and no change between look and wait is missed."""
        return self._changed


@dataclass(slots=True)
class _Reader:
    """How far one reader has got."""

    live: LiveRun
    after: int
    position: int = 0
    heard: dict[VoiceKey, int] = field(default_factory=dict)

    def news(self) -> Iterator[RunEvent]:
        while self.position < len(self.live.events):
            event = self.live.events[self.position]
            self.position += 1
            if event.seq > self.after:
                yield from self._rest_of_voice(event)
                yield event
            if isinstance(event, GenerationRestarted):  # what comes now is heard from its first word
                self.heard.pop((event.node, event.visit, event.sample), None)
        for key, voice in list(self.live.voices.items()):
            heard = self.heard.get(key, 0)
            if len(voice.text) > heard:
                self.heard[key] = len(voice.text)
                yield voice.last.model_copy(update={"offset": heard, "text": voice.text[heard:]})

    def _rest_of_voice(self, event: RunEvent) -> Iterator[Token]:
        """What this reader has not heard of an answer that is now whole."""
        if not isinstance(event, GenerationFinished):
            return
        key = (event.node, event.visit, event.sample)
        heard = self.heard.pop(key, 0)
        if len(event.result.text) > heard:
            rest = event.result.text[heard:]
            yield Token(at=event.at, node=key[0], visit=key[1], sample=key[2], offset=heard, text=rest)


async def follow_live(live: LiveRun, after: int) -> AsyncIterator[RunEvent]:
    """Events after that number and live tokens, until the run ends or leaves this process."""
    reader = _Reader(live, after)
    while True:
        # Both are taken before looking: a slow reader may still be reading while the run ends.
        change, was_closed = live.next_change(), live.closed
        for event in reader.news():
            yield event
            if isinstance(event, RunFinished):
                return
        if was_closed:
            return
        await change.wait()


async def follow_stored(
    store: RunStore, wire: Wire | None, run_id: str, after: int, over: Callable[[], Awaitable[bool]]
) -> AsyncIterator[RunEvent]:
    """Events after that number as another process stores them, and what it says live, until it is over."""
    async with AsyncExitStack() as listening:
        news = _looks() if wire is None else await listening.enter_async_context(wire.listen(run_id))
        while True:
            was_over = await over()  # asked first: what came before the end is read below
            for event in await store.events(run_id, after=after):
                after = event.seq
                yield event
            if was_over:
                return
            while (token := await anext(news)) is not None:
                yield token


async def _looks() -> AsyncIterator[None]:
    while True:
        await asyncio.sleep(POLL_S)
        yield None


async def tell_others(live: LiveRun, wire: Wire, run_id: str) -> None:
    """Carry a run's live tokens to the processes that listen to it, until it leaves this one."""
    reader = _Reader(live, after=0)
    while not live.closed:
        change = live.next_change()
        news = list(reader.news())
        if await wire.tell([one for one in news if isinstance(one, Token)], run_id=run_id):
            reader.heard.clear()  # whoever has begun to listen has the answers from their first word
            continue
        await change.wait()
        await asyncio.sleep(TELL_S)
