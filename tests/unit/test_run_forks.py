"""Forks: what a change does not touch is taken from the first run, and what it will cost is known beforehand."""

import asyncio
from pathlib import Path

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, ProviderError, ValidationError
from agent_lab.contracts.run import ForkRequest, RunOptions, RunRequest, RunView
from agent_lab.providers.scripted import ScriptedProvider
from support.person_flows import BESIDE, lab_with
from support.runs import Bench, bench


def by_prompt() -> ScriptedProvider:
    return ScriptedProvider(lambda call: f"<{call.request.prompt[:40]}>")


async def forked(lab: Bench, view: RunView, **fork: object) -> RunView:
    info = await lab.runs.fork(view.run_id, ForkRequest.model_validate(fork))
    return await lab.runs.wait(info.run_id)


async def test_a_changed_prompt_is_paid_from_its_node_on_as_the_preview_says(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt(), default_model="dear")
    first = await lab.run("challenge", "Q")
    change = {"nodes": {"challenger": {"prompt": "Look at {creator_output} again"}}}
    told = await lab.runs.preview(first.run_id, ForkRequest.model_validate(change))
    assert (told.nodes, told.calls, told.reused_calls) == (("challenger", "refiner"), 2, 1)
    second = await forked(lab, first, **change)
    assert (second.status, second.totals.calls, second.totals.reused_calls) == ("completed", 2, 1)
    assert second.parent_run_id == first.run_id
    assert second.nodes[0].text == first.nodes[0].text
    assert len(lab.provider.calls) == 5
    assert told.cost_usd is not None
    assert told.saved_usd == first.nodes[0].cost_usd
    assert second.flow_hash != first.flow_hash


async def test_a_fork_without_a_change_costs_nothing_and_says_the_same(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    first = await lab.run("challenge", "Q")
    second = await forked(lab, first)
    assert (second.totals.calls, second.answer) == (0, first.answer)
    assert len(lab.provider.calls) == 3


async def test_from_a_node_on_everything_is_asked_anew(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    first = await lab.run("challenge", "Q")
    second = await forked(lab, first, from_node="refiner")
    assert (second.totals.calls, second.totals.reused_calls) == (1, 2)


async def test_another_model_for_one_role_is_asked_and_what_follows_from_it(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    first = await lab.run("challenge", "Q")
    options = RunOptions(models={"refiner": "other"})
    told = await lab.runs.preview(first.run_id, ForkRequest(options=options))
    assert (told.calls, told.cost_usd) == (1, None)
    second = await forked(lab, first, options=options.model_dump())
    assert [node.model for node in second.nodes] == ["voice", "voice", "other"]
    assert len(lab.provider.calls) == 4


async def test_another_question_is_asked_of_everybody(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    first = await lab.run("challenge", "Q")
    told = await lab.runs.preview(first.run_id, ForkRequest(prompt="R"))
    assert told.calls == 3
    second = await forked(lab, first, prompt="R")
    assert (second.prompt, second.totals.calls) == ("R", 3)


async def test_a_failed_run_is_tried_again_from_the_call_that_failed(tmp_path: Path) -> None:
    broken = ProviderError("The wire broke; try again.")
    lab = bench(tmp_path, ScriptedProvider({"*": "text"}, errors={3: broken}))
    first = await lab.run("challenge", "Q")
    assert first.status == "failed"
    again = await lab.runs.retry(first.run_id)
    second = await lab.runs.wait(again.run_id)
    assert (second.status, second.totals.calls, second.totals.reused_calls) == ("completed", 1, 2)
    assert (await lab.runs.view(first.run_id)).status == "failed"
    with pytest.raises(ConflictError, match="fork it"):
        await lab.runs.retry(second.run_id)


async def test_a_fork_that_is_interrupted_goes_on_and_still_pays_for_nothing_twice(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    first = await lab.run("challenge", "Q")
    gate = asyncio.Event()
    slow = bench(tmp_path, ScriptedProvider(lambda call: "new", gate=gate), store=lab.runs.store)
    info = await slow.runs.fork(first.run_id, ForkRequest(from_node="challenger"))
    await asyncio.sleep(0.05)
    await slow.runs.close()
    third = bench(tmp_path, ScriptedProvider(lambda call: "new"), store=lab.runs.store)
    await third.runs.recover()
    view = await third.runs.wait(info.run_id)
    assert (view.status, view.totals.calls, view.totals.reused_calls) == ("completed", 2, 1)


async def test_a_persons_answer_is_taken_over_where_what_they_saw_is_the_same(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE, provider=by_prompt())
    first = await lab.run("beside", "Q")
    await lab.runs.answer(first.run_id, "person", "yes")
    first = await lab.runs.wait(first.run_id)
    second = await forked(lab, first, nodes={"last": {"prompt": "{person_output} and {other_output}"}})
    assert (second.status, second.totals.calls) == ("completed", 1)
    third = await forked(lab, first, nodes={"first": {"prompt": "else {user_input}"}})
    assert third.status == "waiting"


async def test_what_cannot_be_forked_is_told(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    with pytest.raises(ConflictError, match="has not ended"):
        await lab.runs.fork(info.run_id, ForkRequest())
    await lab.runs.cancel(info.run_id)
    with pytest.raises(NotFoundError, match="creator"):
        await lab.runs.fork(info.run_id, ForkRequest(from_node="creater"))
    with pytest.raises(ValidationError, match="nobody_output"):
        await lab.runs.fork(info.run_id, ForkRequest(nodes={"refiner": {"prompt": "{nobody_output}"}}))
    with pytest.raises(ValidationError, match="id or kind"):
        await lab.runs.fork(info.run_id, ForkRequest(nodes={"refiner": {"kind": "summary"}}))


async def test_the_same_key_starts_one_run(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    request = RunRequest(flow="challenge", prompt="x")
    runs = await asyncio.gather(*(lab.runs.start(request, idempotency_key="k") for _ in range(5)))
    assert len({info.run_id for info in runs}) == 1
    with pytest.raises(ValidationError, match="another request"):
        await lab.runs.start(request.model_copy(update={"prompt": "y"}), idempotency_key="k")
    assert (await lab.runs.wait(runs[0].run_id)).status == "completed"
    other = await lab.runs.start(request, idempotency_key="k", caller="ci")
    assert other.run_id != runs[0].run_id
