"""A flow's running tally: each run counts once, and the sums say what they are said to say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.events import GenerationFinished, RunEvent
from agent_lab.contracts.run import ForkRequest, RunRequest
from agent_lab.contracts.tally_ports import TallyMark
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.cases import CaseScript
from agent_lab.runs.tally import AT_ONCE, Tallies, mark_of
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.tallies import MemoryTallies
from support.flows import KINDS
from support.library import CATALOG
from support.runs import Bench, bench
from unit.test_evaluation_trace import Answers, events_of


async def mark(name: str, answers: Answers) -> TallyMark:
    return mark_of("r", await events_of(CATALOG.get(name), answers), KINDS)


async def test_a_run_adds_what_its_draft_a_vote_and_the_best_draft_would_have_said() -> None:
    answers = {"agent_1": ("Answer: 75", "Answer: 85"), "agent_2": "Answer: 85", "agent_3": "Answer: 85"}
    found = await mark("debate", answers)
    assert (found.first_draft, found.vote, found.best_draft, found.tied) == ("other", "same", "same", False)


async def test_a_tie_is_untold_and_a_single_answer_makes_no_vote() -> None:
    tied = await mark("debate", {"agent_1": "Answer: 1", "agent_2": "Answer: 2", "agent_3": "Answer: 3"})
    assert (tied.vote, tied.tied, tied.best_draft) == ("untold", True, "missing")
    alone = await mark("challenge", {"creator": "Answer: 75", "challenger": "no", "refiner": "Answer: 85"})
    assert (alone.first_draft, alone.vote, alone.best_draft, alone.tied) == ("other", "missing", "other", False)


async def test_what_was_spent_is_that_of_the_draft_of_the_first_answers_and_of_all() -> None:
    events = await events_of(CATALOG.get("debate"), {f"agent_{n}": ("Answer: 1", "Answer: 2 2") for n in (1, 2, 3)})
    again = await events_of(CATALOG.get("debate"), {f"agent_{n}": f"Answer: {n}" for n in (1, 2, 3)})
    for told in (events, again):
        spent = mark_of("r", told, KINDS).spent
        assert spent is not None
        tokens = [
            (one.node, one.visit, one.result.usage.prompt_tokens + one.result.usage.completion_tokens)
            for one in told
            if isinstance(one, GenerationFinished)
        ]
        assert spent.run_tokens == sum(count for *_, count in tokens)
        assert spent.drafts_tokens == sum(count for _, visit, count in tokens if visit == 1)
        assert spent.draft_tokens == sum(count for node, visit, count in tokens if (node, visit) == ("agent_1", 1))


@pytest.fixture
def shop(tmp_path: Path) -> Bench:
    script = CaseScript({"creator": "Answer: 85", "challenger": "fine", "refiner": ("Answer: 85", "Answer: 86")})
    return bench(tmp_path, ScriptedProvider(script), store=MemoryRuns(), default_model="priced")


def tallies_of(shop: Bench) -> Tallies:
    runs = shop.runs.store
    assert isinstance(runs, MemoryRuns)
    return Tallies(MemoryTallies(runs), runs.events, KINDS)


async def test_runs_are_told_in_words_by_their_content(shop: Bench) -> None:
    tallies = tallies_of(shop)
    for _ in range(3):
        await shop.run("challenge")
    flow_hash = (await shop.runs.list())[0].flow_hash
    found = await tallies.of("challenge", flow_hash)
    assert found.now is not None
    assert (found.now.runs, found.now.first_draft.same, found.now.first_draft.other) == (3, 1, 2)
    assert (found.before, found.uncounted, found.now.vote.missing) == ((), 0, 3)
    assert found.now.run_usd is not None
    assert found.now.draft_usd is not None
    share = 100 * found.now.draft_usd / found.now.run_usd
    assert found.now.sentence == f"In 33 % of 3 runs the first draft already said it, for {share:.0f} % of the cost."
    assert found.now.draft_usd == Decimal(found.now.draft_tokens) / 1_000_000
    other = await tallies.of("challenge", "another content")
    assert other.now is None
    assert [one.runs for one in other.before] == [3]
    assert (await tallies.of("debate", None)).now is None


async def test_trials_and_what_did_not_complete_are_not_counted(shop: Bench) -> None:
    tallies = tallies_of(shop)
    info = await shop.runs.start(RunRequest(flow="challenge", prompt="?", only="creator"))
    await shop.runs.wait(info.run_id)
    stopped = await shop.runs.start(RunRequest(flow="challenge", prompt="?"))
    await shop.runs.cancel(stopped.run_id)
    assert list(await tallies.all()) == []


async def test_what_a_fork_took_over_is_in_no_cost(shop: Bench) -> None:
    tallies = tallies_of(shop)
    view = await shop.run("challenge")
    fork = await shop.runs.fork(view.run_id, ForkRequest(from_node="refiner"))
    await shop.runs.wait(fork.run_id)
    (found,) = await tallies.all()
    assert (found.runs, found.compared) == (2, 1)


async def test_many_runs_are_counted_in_steps_and_those_that_wait_are_told(shop: Bench) -> None:
    tallies = tallies_of(shop)
    count = 2 * AT_ONCE + 5
    infos = [await shop.runs.start(RunRequest(flow="challenge", prompt="?")) for _ in range(count)]
    for info in infos:
        await shop.runs.wait(info.run_id)
    found = await tallies.of("challenge", infos[0].flow_hash)
    assert found.now is not None
    assert found.now.runs + found.uncounted == count
    assert found.uncounted > 0
    async with asyncio.timeout(60):
        while (found := await tallies.of("challenge", infos[0].flow_hash)).uncounted:
            pass
    assert found.now is not None
    assert found.now.runs == count
    await tallies.close()


async def test_a_damaged_record_keeps_no_other_run_from_being_counted(shop: Bench) -> None:
    runs = shop.runs.store
    assert isinstance(runs, MemoryRuns)
    first, second = await shop.run("challenge"), await shop.run("challenge")

    async def damaged(run_id: str) -> Sequence[RunEvent]:
        if run_id == first.run_id:
            raise EnvironmentFaultError("Event 3 cannot be read.")
        return await runs.events(run_id)

    tallies = Tallies(MemoryTallies(runs), damaged, KINDS)
    found = await tallies.of("challenge", second.flow_hash)
    assert found.now is not None
    assert (found.now.runs, found.uncounted) == (1, 0)
