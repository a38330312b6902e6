"""Every run store keeps what was asked of runs until it is followed, and shows it to whoever may follow it."""

from __future__ import annotations

import pytest

from agent_lab.contracts.errors import BusyError, ConflictError, NotFoundError, TooLargeError
from agent_lab.contracts.run_ports import Order, RunStore
from agent_lab.storage.rules import MAX_ORDERS
from support.stores import Clock, finished, run, started


async def kinds(store: RunStore, owner: str) -> list[tuple[str, str]]:
    return [(order.run_id, order.kind) for order in await store.orders(owner=owner)]


async def test_an_order_is_read_as_it_was_given_with_a_number(store: RunStore) -> None:
    await store.create(run(), [started()])
    given = Order(run_id="r1", kind="answer", node="each[2]/ask", visit=3, text="¡Sí! 🙂")
    kept = await store.order(given)
    assert kept == Order(run_id="r1", kind="answer", number=kept.number, node="each[2]/ask", visit=3, text="¡Sí! 🙂")
    assert kept.number > 0
    assert list(await store.orders(owner="w1")) == [kept]


async def test_orders_come_in_the_order_in_which_they_were_given(store: RunStore) -> None:
    for name in ("a", "b"):
        await store.create(run(name), [started(name)])
    for name, kind in (("b", "pause"), ("a", "cancel"), ("b", "cancel")):
        await store.order(Order(run_id=name, kind=kind))  # type: ignore[arg-type]
    assert await kinds(store, "w1") == [("b", "pause"), ("a", "cancel"), ("b", "cancel")]


async def test_orders_of_a_held_run_are_for_its_holder_alone_until_the_lease_ends(
    store: RunStore, clock: Clock
) -> None:
    await store.create(run("mine"), [started()], owner="w1", seconds=10)
    await store.create(run("free"), [started()])
    await store.order(Order(run_id="mine", kind="cancel"))
    await store.order(Order(run_id="free", kind="pause"))
    assert await kinds(store, "w1") == [("mine", "cancel"), ("free", "pause")]
    assert await kinds(store, "w2") == [("free", "pause")]
    clock.pass_(10)
    assert await kinds(store, "w2") == [("mine", "cancel"), ("free", "pause")]


async def test_a_settled_order_is_gone_and_its_number_is_never_given_again(store: RunStore) -> None:
    await store.create(run(), [started()])
    first = await store.order(Order(run_id="r1", kind="pause"))
    second = await store.order(Order(run_id="r1", kind="cancel"))
    await store.settle([second.number])
    assert list(await store.orders(owner="w1")) == [first]
    third = await store.order(Order(run_id="r1", kind="pause"))
    assert third.number > second.number
    await store.settle([second.number, 4711])  # settled already, and never given
    await store.settle([])
    assert list(await store.orders(owner="w1")) == [first, third]
    await store.settle([first.number, third.number])
    assert list(await store.orders(owner="w1")) == []


async def test_nothing_is_asked_of_a_run_that_has_ended_or_never_was(store: RunStore) -> None:
    await store.create(run(), [started(), finished()])
    with pytest.raises(ConflictError, match="has ended"):
        await store.order(Order(run_id="r1", kind="cancel"))
    with pytest.raises(NotFoundError, match="gone"):
        await store.order(Order(run_id="gone", kind="cancel"))


async def test_orders_left_by_a_run_that_ended_are_still_shown_until_they_are_settled(store: RunStore) -> None:
    await store.create(run(), [started()])
    order = await store.order(Order(run_id="r1", kind="pause"))
    await store.append("r1", [finished()], owner="w1")
    assert list(await store.orders(owner="w2")) == [order]
    await store.settle([order.number])
    assert list(await store.orders(owner="w2")) == []


async def test_what_a_person_wrote_is_kept_as_text_that_every_database_takes(store: RunStore) -> None:
    await store.create(run(), [started()])
    kept = await store.order(Order(run_id="r1", kind="answer", node="ask", visit=1, text="a\0b\ud800c"))
    assert kept.text == "a\ufffdb\ufffdc"
    assert list(await store.orders(owner="w1")) == [kept]


async def test_orders_that_nobody_follows_do_not_pile_up_without_end(store: RunStore) -> None:
    for name in ("full", "other"):
        await store.create(run(name), [started(name)])
    for _ in range(MAX_ORDERS):
        await store.order(Order(run_id="full", kind="pause"))
    with pytest.raises(BusyError, match="100 orders that nobody has followed yet"):
        await store.order(Order(run_id="full", kind="cancel"))
    await store.order(Order(run_id="other", kind="cancel"))


async def test_a_node_that_no_column_holds_is_refused(store: RunStore) -> None:
    await store.create(run(), [started()])
    with pytest.raises(TooLargeError, match="node has 257 characters"):
        await store.order(Order(run_id="r1", kind="answer", node="n" * 257, visit=1, text="x"))
