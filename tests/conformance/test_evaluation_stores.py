"""What every evaluation store promises, on SQLite, on PostgreSQL and in memory."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from agent_lab.contracts.errors import NotFoundError
from agent_lab.contracts.evaluation import ArmOrigin, Cell, NodeCost, Progress, Statement
from agent_lab.contracts.evaluation_report import Badge, Interval
from agent_lab.contracts.generation import GenerationResult, Timings, Usage
from agent_lab.contracts.run import Fault
from support.evaluation_stores import Kept, dataset, evaluation, items, kept
from support.stores import NOON, Clock

__all__ = ["kept"]

WHOLE = Cell(
    arm="challenge",
    item="q0",
    sample=2,
    status="failed",
    answer='A lone "quote" and a \u00f1',
    choice="1",
    score=0.5,
    fault=Fault(type="silent", message="Nothing came."),
    calls=3,
    prompt_tokens=100,
    completion_tokens=20,
    cost_usd=Decimal("0.00125"),
    paid_usd=Decimal("0.00025"),
    seconds=1.25,
    k=3,
    statements=(Statement(node="creator", speaker="creator", part="draft", choice=None, score=0.0),),
    nodes=(NodeCost(node="creator", calls=1, prompt_tokens=3, completion_tokens=4, cost_usd=None),),
    note="A tie.",
)


def answer(text: str) -> GenerationResult:
    return GenerationResult(
        text=text,
        tokens_generated=2,
        timings=Timings(total_s=0.5),
        usage=Usage(prompt_tokens=7, completion_tokens=2, cost_usd=Decimal("0.00003")),
        source="scripted",
        cache_hit=True,
        model_key="voice",
        model_resolved="voice",
        strategy="standard",
        finish_reason="stop",
    )


def badge(flow: str, difference: float = 0.04) -> Badge:
    return Badge(
        flow=flow,
        evaluation_id="e1",
        dataset="sums",
        items=3,
        verdict="better",
        difference=difference,
        interval=Interval(low=0.01, high=0.07),
        cost_ratio=1.01,
        baseline="equal-cost",
        sentence="Worth it.",
        measured_at=NOON,
    )


async def test_an_evaluation_is_read_as_it_was_kept(kept: Kept) -> None:
    info = evaluation(caller="ci", progress=Progress(of=12))
    await kept.evaluations.create(info, items(1200))
    assert await kept.evaluations.get("e1") == info
    assert tuple(await kept.evaluations.items("e1")) == items(1200)
    changed = info.model_copy(update={"status": "failed", "fault": Fault(type="silent", message="No.")})
    await kept.evaluations.update(changed)
    assert await kept.evaluations.get("e1") == changed


async def test_evaluations_are_listed_newest_first_and_by_page(kept: Kept) -> None:
    for number in range(5):
        await kept.evaluations.create(evaluation(f"e{number}", minutes=number // 2), ())
    first = await kept.evaluations.list(limit=3)
    assert [info.evaluation_id for info in first] == ["e4", "e3", "e2"]
    rest = await kept.evaluations.list(before="e2")
    assert [info.evaluation_id for info in rest] == ["e1", "e0"]


async def test_a_cell_is_read_as_it_was_kept_and_the_newest_of_its_place_counts(kept: Kept) -> None:
    await kept.evaluations.create(evaluation(), items())
    plain = Cell(arm="challenge", item="q1", score=1.0)
    await kept.evaluations.add_cells("e1", [WHOLE.model_copy(update={"score": 0.0}), plain])
    await kept.evaluations.add_cells("e1", [WHOLE])
    assert list(await kept.evaluations.cells("e1")) == [WHOLE, plain]


async def test_text_that_no_database_takes_does_not_lose_a_cell(kept: Kept) -> None:
    await kept.evaluations.create(evaluation(), items())
    await kept.evaluations.add_cells("e1", [Cell(arm="a", item="q0", answer="x\ud800y\0z")])
    (cell,) = await kept.evaluations.cells("e1")
    assert cell.answer is not None
    assert cell.answer.startswith("x")
    assert cell.answer.endswith("z")


async def test_origins_are_replaced_and_keep_their_order(kept: Kept) -> None:
    await kept.evaluations.create(evaluation(), ())
    await kept.evaluations.put_origins("e1", [ArmOrigin(arm="z", fingerprint="1"), ArmOrigin(arm="a", fingerprint="2")])
    again = [ArmOrigin(arm="z", fingerprint="3", k=3.6, models=("m",)), ArmOrigin(arm="a", fingerprint="2")]
    await kept.evaluations.put_origins("e1", again)
    assert list(await kept.evaluations.origins("e1")) == again


async def test_a_lease_keeps_others_out_until_it_ends(kept: Kept, clock: Clock) -> None:
    await kept.evaluations.create(evaluation(), ())
    assert await kept.evaluations.claim("e1", owner="one", seconds=30)
    assert await kept.evaluations.claim("e1", owner="one", seconds=30)
    assert not await kept.evaluations.claim("e1", owner="two", seconds=30)
    assert list(await kept.evaluations.unfinished()) == [("e1", "one")]
    assert await kept.evaluations.claim("e1", owner="two", seconds=30, instead_of="one")
    clock.pass_(31)
    assert list(await kept.evaluations.unfinished()) == [("e1", None)]
    assert await kept.evaluations.claim("e1", owner="three", seconds=30)
    await kept.evaluations.release("e1", owner="two")
    assert not await kept.evaluations.claim("e1", owner="one", seconds=30)
    await kept.evaluations.release("e1", owner="three")
    assert await kept.evaluations.claim("e1", owner="one", seconds=30)


async def test_what_has_ended_is_not_unfinished(kept: Kept) -> None:
    await kept.evaluations.create(evaluation("old", status="completed"), ())
    await kept.evaluations.create(evaluation("new", minutes=1), ())
    assert [name for name, _ in await kept.evaluations.unfinished()] == ["new"]


async def test_a_deleted_evaluation_takes_everything_with_it(kept: Kept) -> None:
    await kept.evaluations.create(evaluation(), items())
    await kept.evaluations.add_cells("e1", [WHOLE])
    await kept.evaluations.delete("e1")
    for asked in (kept.evaluations.get, kept.evaluations.items, kept.evaluations.cells, kept.evaluations.delete):
        with pytest.raises(NotFoundError, match="'e1'"):
            await asked("e1")


async def test_an_unknown_evaluation_takes_nothing(kept: Kept) -> None:
    with pytest.raises(NotFoundError):
        await kept.evaluations.add_cells("none", [WHOLE])
    with pytest.raises(NotFoundError):
        await kept.evaluations.update(evaluation("none"))
    with pytest.raises(NotFoundError):
        await kept.evaluations.claim("none", owner="one", seconds=1)


async def test_a_dataset_is_found_by_its_name_and_by_its_hash(kept: Kept) -> None:
    await kept.datasets.put(dataset("one", content="aaa", count=700))
    await kept.datasets.put(dataset("two", content="aaa", count=700))
    named, hashed = await kept.datasets.get("one"), await kept.datasets.get("aaa")
    assert named.items == hashed.items == items(700)
    assert named.info.created_at == NOON
    await kept.datasets.delete("one")
    assert (await kept.datasets.get("aaa")).info.name == "two"
    await kept.datasets.delete("two")
    with pytest.raises(NotFoundError):
        await kept.datasets.get("aaa")


async def test_the_newest_of_a_name_is_what_it_means(kept: Kept) -> None:
    await kept.datasets.put(dataset(content="aaa", count=2))
    await kept.datasets.put(dataset(content="bbb", count=3))
    assert len((await kept.datasets.get("sums")).items) == 3
    assert [info.content_hash for info in await kept.datasets.list()] == ["bbb"]
    with pytest.raises(NotFoundError, match="did you mean 'sums'"):
        await kept.datasets.delete("sum")


async def test_answers_are_kept_once(kept: Kept) -> None:
    await kept.answers.put({"a": answer("first"), "b": answer("other")})
    await kept.answers.put({"a": answer("second")})
    found = await kept.answers.get(["a", "b", "c"])
    assert {key: one.text for key, one in found.items()} == {"a": "first", "b": "other"}
    assert found["a"] == answer("first")


async def test_a_flow_has_its_newest_badge(kept: Kept) -> None:
    origins = (ArmOrigin(arm="x", fingerprint="1"),)
    await kept.badges.put(badge("x"), origins)
    await kept.badges.put(badge("x", 0.05), origins)
    await kept.badges.put(badge("a"), ())
    assert await kept.badges.get("x") == (badge("x", 0.05), origins)
    assert [one.flow for one, _ in await kept.badges.list()] == ["a", "x"]
    assert await kept.badges.get("none") is None


async def test_five_thousand_cells_are_written_and_read_in_a_second(kept: Kept) -> None:
    await kept.evaluations.create(evaluation(), ())
    cells = [WHOLE.model_copy(update={"arm": f"a{n % 4}", "item": f"q{n // 4}"}) for n in range(1319 * 4)]
    took_s = []
    for _ in range(3):  # what runs beside it takes more of the processor's caches at one time than at another
        began = time.process_time()
        await kept.evaluations.add_cells("e1", cells)
        assert len(await kept.evaluations.cells("e1")) == len(cells)
        took_s.append(time.process_time() - began)
    assert min(took_s) < 1.0
