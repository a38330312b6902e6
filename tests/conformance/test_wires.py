"""Every wire carries tokens and nudges to those who listen, soon, whole and in order, and never holds anybody up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from agent_lab.contracts.events import Token
from agent_lab.contracts.run_ports import Wire
from agent_lab.settings import Settings
from agent_lab.storage import postgres_wire
from agent_lab.storage import wire as wires
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.postgres_wire import PostgresWire
from agent_lab.storage.wire import LAG, LocalWire
from api.doors import until
from support.postgres import Server, new_server
from support.stores import NOON

Pair = tuple[Wire, Wire]


def token(text: str, offset: int = 0, node: str = "answer") -> Token:
    return Token(at=NOON, node=node, visit=1, sample=0, offset=offset, text=text)


async def connected(place: Place) -> PostgresWire:
    wire = PostgresWire(place)
    wire.start()
    async with asyncio.timeout(60):
        await wire._connected.wait()
    return wire


@pytest.fixture(params=["local", "postgres"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """The wires of two processes; what one is told the other hears."""
    if request.param == "local":
        both = (LocalWire(),) * 2
    else:
        place = database_place(Settings(database_url=request.getfixturevalue("postgres_database")))
        both = (await connected(place), await connected(place))  # type: ignore[assignment]
    yield both
    for wire in both:
        await wire.close()


async def tokens(heard: AsyncIterator[Token | None], characters: int) -> list[Token]:
    """The next tokens, until they have so many characters together."""
    found: list[Token] = []
    async with asyncio.timeout(60):
        async for one in heard:
            found += [one] if one is not None else []
            if sum(len(token.text) for token in found) >= characters:
                break
    return found


async def known(speaker: Wire, heard: AsyncIterator[Token | None], run_id: str) -> None:
    """Wait until the speaker's process knows that somebody listens, and drop what was said for it."""
    async with asyncio.timeout(60):
        one, number = None, 0
        while one is None or one.offset != number:  # more than one may be on its way
            if one is None:
                number += 1
                await speaker.tell([token("?", number)], run_id=run_id)
            one = await anext(heard)


async def test_a_listener_hears_the_tokens_of_its_run_in_order(pair: Pair) -> None:
    speaker, listener = pair
    said = [token("Be", 0), token("cause", 2), token(" ¡ñ🙂\0\n", 7)]
    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
        await speaker.tell([token("other", node="other")], run_id="r2")
        await speaker.tell(said[:2], run_id="r1")
        await speaker.tell(said[2:], run_id="r1")
        assert await tokens(heard, 13) == said


async def test_a_long_text_arrives_whole_however_it_is_cut(pair: Pair) -> None:
    speaker, listener = pair
    text = "".join(chr(1 + number % 0x2FF) for number in range(30_000)) + "🙂" * 3000
    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
        await speaker.tell([token(text, 7)], run_id="r1")
        pieces = await tokens(heard, len(text))
    assert "".join(piece.text for piece in pieces) == text
    offset = 7
    for piece in pieces:
        assert piece.offset == offset
        offset += len(piece.text)


async def test_whoever_speaks_is_told_once_that_somebody_has_begun_to_listen(pair: Pair) -> None:
    speaker, listener = pair
    assert await speaker.tell([token("a")], run_id="r1") is False

    async def told() -> bool:
        for _ in range(3000):
            if await speaker.tell([token("b")], run_id="r1"):
                return True
            await asyncio.sleep(0.01)
        return False

    async with listener.listen("r1"):
        assert await told()
        assert await speaker.tell([token("c")], run_id="r1") is False
        async with listener.listen("r1"):
            assert await told()


async def test_every_listener_of_a_run_hears_it(pair: Pair) -> None:
    speaker, listener = pair
    async with listener.listen("r1") as first, listener.listen("r1") as second:
        await known(speaker, first, "r1")
        await speaker.tell([token("x" * 50)], run_id="r1")
        assert (await tokens(first, 50))[-1] == token("x" * 50)
        assert (await tokens(second, 51))[-1] == token("x" * 50)


async def test_who_hears_words_without_end_is_told_to_look_all_the_same(pair: Pair) -> None:
    speaker, listener = pair

    async def speak() -> None:
        for number in itertools.count():
            await speaker.tell([token("x", number)], run_id="r1")
            await asyncio.sleep(0.02)

    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
        speaking = asyncio.create_task(speak())
        async with asyncio.timeout(60):
            offsets: list[int] = []
            while not offsets:  # the first look may be due before the first word
                offsets = [one.offset async for one in until_told_to_look(heard)]
            offsets += [one.offset for one in await tokens(heard, 3)]
        speaking.cancel()
    assert offsets == list(range(len(offsets)))  # nothing is lost over it
    assert len(offsets) > 3


async def until_told_to_look(heard: AsyncIterator[Token | None]) -> AsyncIterator[Token]:
    while (one := await anext(heard)) is not None:
        yield one


async def test_a_nudge_makes_listeners_look_and_is_told_to_all_who_ask(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker, listener = pair
    async with listener.listen("r1") as heard, listener.nudges() as nudges, speaker.nudges() as own:
        await anext(heard)
        monkeypatch.setattr(wires, "LOOK_S", 3600.0)  # nobody looks by themselves
        await speaker.nudge("r1")
        await speaker.nudge("r2")
        async with asyncio.timeout(60):
            assert await anext(heard) is None
        assert {await anext(nudges), await anext(nudges)} == {"r1", "r2"}
        assert {await anext(own), await anext(own)} == {"r1", "r2"}  # also in the process that gave them


async def test_a_listener_looks_now_and_then_though_nothing_is_said(pair: Pair) -> None:
    async with pair[1].listen("r1") as heard, asyncio.timeout(60):
        assert [await anext(heard) for _ in range(2)] == [None, None]


async def test_a_listener_that_lags_behind_loses_tokens_and_is_told_to_look(pair: Pair) -> None:
    speaker, listener = pair
    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
        for part in range(10):
            await speaker.tell([token("x", part * LAG + offset) for offset in range(LAG)], run_id="r1")
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        rest: list[Token | None] = []
        while (one := await anext(heard)) is not None:
            rest.append(one)
        assert len(rest) <= LAG


async def test_who_has_left_hears_nothing_and_holds_nobody_up(pair: Pair) -> None:
    speaker, listener = pair
    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
    async with listener.nudges():
        pass
    for _ in range(LAG + 10):
        await speaker.nudge("r1")
    await speaker.tell([token("x")], run_id="r1")


# --- between processes --------------------------------------------------------------------------------------------


@pytest.fixture
def place(postgres_database: str) -> Place:
    return database_place(Settings(database_url=postgres_database))


async def test_nothing_is_sent_of_a_run_to_which_nobody_listens(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = await connected(place)
    sent: list[str] = []
    monkeypatch.setattr(speaker, "_send", lambda channel, _: sent.append(channel))
    await speaker.tell([token("x")], run_id="r1")
    assert sent == []
    await speaker.close()


async def test_a_process_that_listens_no_more_is_forgotten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_wire, "INTEREST_S", 0.1)
    monkeypatch.setattr(postgres_wire, "FORGET_S", 0.5)
    speaker, listener = await connected(place), await connected(place)
    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
        for _again in range(5):  # it says again and again that it listens
            said_at = speaker._interests.get("r1", 0.0)
            await until(lambda said_at=said_at: speaker._interests.get("r1", 0.0) > said_at)  # type: ignore[misc]
    await until(lambda: "r1" not in speaker._interests)
    for wire in (speaker, listener):
        await wire.close()


async def test_what_another_program_says_on_our_channels_does_no_harm(place: Place, postgres_server: Server) -> None:
    listener = await connected(place)
    async with listener.listen("r1") as heard:
        for channel in ("tokens", "nudges", "begun", "interests"):
            for payload in ("", "r1", "r1\nnonsense\n{}", "\n\n"):
                postgres_server.execute(f"NOTIFY agent_lab_{channel}, '{payload}'")
        await known(listener, heard, "r1")
    await listener.close()


@pytest.fixture
def own_server() -> Iterator[Server]:
    yield from new_server()


async def test_a_lost_connection_is_made_again_and_harms_nobody_meanwhile(own_server: Server) -> None:
    place = database_place(Settings(database_url=own_server.text_url("postgres")))
    speaker, listener = await connected(place), await connected(place)
    async with listener.listen("r1") as heard:
        await known(speaker, heard, "r1")
        await asyncio.to_thread(own_server.stop)
        for _ in range(3):
            await speaker.tell([token("lost")], run_id="r1")
            await speaker.nudge("r1")
            await asyncio.sleep(0.1)
        assert await anext(heard) is None  # the listener goes on looking
        await asyncio.to_thread(own_server.start)
        await known(speaker, heard, "r1")
    for wire in (speaker, listener):
        await wire.close()


async def test_a_server_that_is_not_there_delays_nothing() -> None:
    wire = PostgresWire(database_place(Settings(database_url="postgresql://lab@127.0.0.1:1/lab")))
    wire.start()
    await asyncio.sleep(0.3)
    await wire.nudge("r1")
    async with wire.listen("r1") as heard:
        assert await anext(heard) is None
    await wire.close()


@pytest.mark.parametrize("room", [1, 5, 10, 1000])
def test_packed_lines_keep_their_order_and_their_room(room: int) -> None:
    lines = ["ab", "ñé", "🙂", "abcdefgh", "c"]
    packed = list(postgres_wire._packed(lines, room))
    assert all(len(payload.encode()) < room for payload in packed)
    kept = [line for payload in packed for line in payload.split("\n")]
    assert kept == [line for line in lines if len(line.encode()) < room]
