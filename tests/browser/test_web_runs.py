"""The list of runs and two runs side by side in a real browser: found, stopped, forked, retried, answered, compared."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import insert

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.run import ForkRequest, RunInfo, RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.database import open_database
from agent_lab.storage.tables import RUN_MODELS
from support.many_runs import fill
from support.web import DRAWN, Theme, Visit, axe

pytestmark = pytest.mark.browser

DRAFT = "Ana has 12 apples.\n12 + 30 = 32\nAnswer: 32 apples"
MENDED = "Ana has 12 apples and buys 30 more.\n12 + 30 = 42\nAnswer: 42 apples"
ROLES = {"creator": DRAFT, "challenger": "12 + 30 is 42, not 32.", "refiner": MENDED, "*": "Answer: 42"}
QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"
ASKING = {
    "id": "approval",
    "name": "Approval",
    "nodes": [
        {"id": "creator", "kind": "generate", "prompt": "{user_input}"},
        {"id": "person", "kind": "human", "label": "Editor", "question": "Shall it go out?", "choices": ["yes", "no"]},
        {"id": "refiner", "kind": "generate", "prompt": "{user_input} {person_output}"},
    ],
    "edges": [{"from": "creator", "to": "person"}, {"from": "person", "to": "refiner"}],
}


async def ran(here: Visit, prompt: str = QUESTION, flow: str = "challenge") -> RunInfo:
    """A run that has ended."""
    runs = here.door.lab.runs
    info = await runs.start(RunRequest(flow=flow, prompt=prompt))
    await runs.wait(info.run_id)
    return await runs.store.get(info.run_id)


async def forked(here: Visit) -> tuple[RunInfo, RunInfo]:
    """A run, and a fork of it whose refiner was asked otherwise."""
    first = await ran(here)
    change = ForkRequest(nodes={"refiner": {"prompt": "Answer in one line: {creator_output}", "temperature": 0.3}})
    again = await here.door.lab.runs.fork(first.run_id, change)
    await here.door.lab.runs.wait(again.run_id)
    return first, again


def row(page: Page, run: RunInfo) -> Any:
    return page.locator(f"[data-run='{run.run_id}']")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_the_screens_of_runs_have_nothing_that_readers_or_the_policy_object_to(
    visit: Any, tmp_path: Path, theme: Theme, width: int
) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        await fill(tmp_path / "home", 60)
        first, again = await forked(here)
        page = await here.signed_in("/runs", width=width, theme=theme)
        await expect(row(page, again)).to_contain_text("Fork")
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await row(page, again).get_by_role("button", name="More for").click()
        await page.get_by_role("menuitem", name="Fork it").click()
        await page.get_by_label("Node to change").select_option("refiner")
        await expect(page.get_by_label("Prompt", exact=True)).to_have_value("Answer in one line: {creator_output}")
        assert await axe(page) == []
        await page.goto(f"{here.url}/runs/compare?left={first.run_id}&right={again.run_id}")
        await expect(page.get_by_role("region", name="Node by node")).to_contain_text("Refiner")
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.goto(f"{here.url}/runs?q=nothing-is-like-that")
        await expect(page.get_by_text("No run is like that")).to_be_visible()
        assert await axe(page) == []
        assert (here.complaints, here.foreign) == ([], [])


async def test_an_empty_list_leads_to_the_console(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/runs")
        await page.get_by_role("link", name="To the console").click()
        await page.wait_for_url(here.url + "/")


async def test_a_filter_of_the_address_stays_in_sight_when_it_is_emptied(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/runs?cost_to=0.5")
        field = page.get_by_label("USD to")
        await field.fill("")
        await page.wait_for_url(here.url + "/runs")
        await page.keyboard.type("0.7")
        await page.wait_for_url("**/runs?cost_to=0.7")
        await expect(field).to_be_focused()


async def test_runs_are_found_by_words_state_flow_model_and_cost_and_the_address_keeps_it(
    visit: Any, tmp_path: Path
) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        made = await fill(tmp_path / "home", 200)
        page = await here.signed_in("/runs")
        await page.get_by_label("Find in questions").fill("APPLES")
        await page.get_by_label("State").select_option("Failed")
        wanted = [run for run in made if run.status == "failed" and "apples" in run.prompt]
        await expect(page.locator("[data-run]")).to_have_count(len(wanted))
        await expect(page.get_by_text(f"That is all: {len(wanted)} runs.")).to_be_visible()
        await page.reload()
        await expect(page.get_by_label("Find in questions")).to_have_value("APPLES")
        await expect(page.locator("[data-run]")).to_have_count(len(wanted))
        assert "q=APPLES" in page.url
        assert "status=failed" in page.url
        await page.get_by_role("button", name="Clear the filters").click()
        await expect(page.get_by_label("Find in questions")).to_have_value("")
        await page.get_by_label("Model").select_option("other")
        await page.get_by_role("button", name="Cost, date").click()
        await page.get_by_label("USD to").fill("0.0010")
        cheap = [run for n, run in enumerate(made) if n % 3 == 1 and run.cost_usd is not None and run.cost_usd <= 0.001]
        await expect(page.locator("[data-run]")).to_have_count(len(cheap))
        await page.get_by_label("USD to").fill("much")
        await expect(page.get_by_text("Give a number of USD")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 375])
async def test_a_row_names_the_models_that_answered_and_counts_those_it_has_no_room_for(
    visit: Any, tmp_path: Path, width: int
) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        made = await fill(tmp_path / "home", 3)  # one model each: voice, other, demo
        mixed = made[2]
        database = await open_database(tmp_path / "home" / "agent-lab.db")
        more = [{"run_id": mixed.run_id, "model_key": key} for key in ("hub/a-model-with-a-very-long-name", "zeta")]
        await database.write(lambda connection: connection.execute(insert(RUN_MODELS), more))
        await database.close()
        run = await ran(here)
        page = await here.signed_in("/runs", width=width)
        answered = (await here.door.lab.runs.store.get(run.run_id)).models
        assert len(answered) == 1
        await expect(row(page, run).get_by_title(answered[0], exact=True)).to_be_visible()
        await expect(row(page, made[0]).get_by_title("voice", exact=True)).to_be_visible()
        cell = row(page, mixed).get_by_title("demo, hub/a-model-with-a-very-long-name, zeta", exact=True)
        await expect(cell).to_contain_text("demo+2")
        await cell.hover()  # nothing lies over what has a title
        await expect(cell.locator(".sr-only")).to_have_text("demo, hub/a-model-with-a-very-long-name, zeta")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await row(page, mixed).locator("time").hover()


async def test_what_is_typed_just_before_the_filters_are_cleared_does_not_come_back(visit: Any, tmp_path: Path) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        await fill(tmp_path / "home", 60)
        page = await here.signed_in("/runs?status=failed")
        await expect(page.get_by_text("That is all: 6 runs.")).to_be_visible()
        # One after the other without a pause: no typing rests between them.
        await page.evaluate(
            """() => {
                const field = document.querySelector('input[type=search]');
                field.focus();
                document.execCommand('insertText', false, 'apples');
                field.blur();
                [...document.querySelectorAll('button')].find((one) => one.textContent === 'Clear the filters').click();
            }"""
        )
        await expect(page.get_by_text("That is all: 60 runs.")).to_be_visible()
        await expect(page.get_by_label("Find in questions")).to_have_value("")
        await expect(page).to_have_url(f"{here.url}/runs")


async def test_a_list_whose_first_row_is_older_than_all_news_is_asked_for_once(visit: Any, tmp_path: Path) -> None:
    asked: list[str] = []
    async with visit(ScriptedProvider(ROLES)) as here:
        await fill(tmp_path / "home", 200)
        page = await here.signed_in()
        page.on("request", lambda one: asked.append(one.url) if "/api/runs?" in one.url else None)
        await page.goto(f"{here.url}/runs?model=other&cost_to=0.001")
        await expect(page.get_by_text("That is all: 3 runs.")).to_be_visible()
        for _news in range(2):
            async with page.expect_response(lambda one: "/api/runs?" in one.url and "cost_to" not in one.url):
                pass
        assert len([url for url in asked if "cost_to" in url]) == 1
        await expect(page.locator("[data-run]")).to_have_count(3)


async def test_ten_thousand_runs_scroll_to_the_last_with_few_of_them_drawn(visit: Any, tmp_path: Path) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        made = await fill(tmp_path / "home", 10_000)
        page = await here.signed_in("/runs")
        await expect(row(page, made[-1])).to_be_visible()
        most_drawn = await page.evaluate(
            """async () => {
                let most = 0;
                while (!document.querySelector('main').textContent.includes('That is all: 10,000 runs.')) {
                    scrollTo(0, document.documentElement.scrollHeight);
                    await new Promise((go) => setTimeout(go, 25));
                    most = Math.max(most, document.querySelectorAll('[data-run]').length);
                }
                scrollTo(0, document.documentElement.scrollHeight);
                return most;
            }"""
        )
        await expect(row(page, made[0])).to_be_visible()
        await expect(page.get_by_text("That is all: 10,000 runs.")).to_be_visible()
        assert most_drawn < 100
        await page.evaluate("scrollTo(0, 0)")
        await expect(row(page, made[-1])).to_be_visible()


async def test_what_is_new_waits_while_somebody_reads_and_comes_by_itself_at_the_top(
    visit: Any, tmp_path: Path
) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        made = await fill(tmp_path / "home", 150)
        page = await here.signed_in()
        await here.without_alerts(page)
        await page.goto(f"{here.url}/runs")
        await expect(row(page, made[-1])).to_be_visible()
        first = await ran(here, "Asked at the top")
        await expect(row(page, first)).to_contain_text("Completed")
        await page.evaluate("scrollTo(0, 2000)")
        in_sight = row(page, made[-50])
        await expect(in_sight).to_be_in_viewport()
        await page.evaluate(DRAWN)  # rows that have just come into sight are measured
        place = await in_sight.bounding_box()
        second = await ran(here, "Asked meanwhile")
        await expect(page.get_by_role("button", name="1 new run")).to_be_visible()
        assert await in_sight.bounding_box() == place
        await page.get_by_role("button", name="1 new run").click()
        await expect(row(page, second)).to_be_in_viewport()
        await expect(page.get_by_role("button", name="1 new run")).to_have_count(0)


async def test_a_run_is_stopped_from_the_list_and_what_was_refused_is_taken_back(visit: Any) -> None:
    gate, answer = asyncio.Event(), asyncio.Event()
    refusal = {"type": "urn:agent-lab:problem:busy", "title": "Busy", "status": 409, "detail": "Somebody holds it."}

    async def refuse(route: Route) -> None:
        await answer.wait()
        body = json.dumps(refusal | {"request_id": "q"})
        await route.fulfill(status=409, content_type="application/problem+json", body=body)

    async with visit(ScriptedProvider(ROLES, gate=gate)) as here:
        run = await here.door.lab.runs.start(RunRequest(flow="challenge", prompt=QUESTION))
        page = await here.signed_in("/runs")
        await expect(row(page, run)).to_contain_text("Running")
        await page.route("**/cancel", refuse)
        await row(page, run).get_by_role("button", name="Stop").click()
        await expect(row(page, run)).to_contain_text("Cancelled")
        answer.set()
        await expect(page.get_by_text("Somebody holds it.")).to_be_visible()
        await expect(row(page, run)).to_contain_text("Running")
        await page.unroute("**/cancel")
        await row(page, run).get_by_role("button", name="Stop").click()
        await expect(row(page, run)).to_contain_text("Cancelled")
        await expect(row(page, run).get_by_role("button", name="Stop")).to_have_count(0)
        assert (await here.door.lab.runs.wait(run.run_id)).status == "cancelled"
        gate.set()


async def test_a_run_is_forked_with_its_price_first_and_both_are_laid_side_by_side(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        first = await ran(here)
        page = await here.signed_in("/runs")
        await row(page, first).get_by_role("button", name="More for").click()
        await page.get_by_role("menuitem", name="Fork it").click()
        start = page.get_by_role("button", name="Run the fork")
        await expect(start).to_be_disabled()
        await page.get_by_label("Node to change").select_option("creator")
        await page.get_by_label("Temperature").fill("9")
        await expect(page.get_by_text("Give a number from 0 to 2")).to_be_visible()
        await page.get_by_label("Temperature").fill("0,4")
        await expect(page.get_by_text("3 model calls")).to_be_visible()
        await page.get_by_role("button", name="Undo the changes").click()
        await page.get_by_label("Node to change").select_option("refiner")
        await page.get_by_label("Prompt", exact=True).fill("Answer in one line: {creator_outpu}")
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("creator_outpu")
        await expect(start).to_be_disabled()
        await page.get_by_label("Prompt", exact=True).fill("Answer in one line: {creator_output}")
        await expect(page.get_by_text("Asked anew: Refiner. 1 model call")).to_be_visible()
        await expect(page.get_by_text("2 answers are taken over, unpaid")).to_be_visible()
        await start.click()
        await page.wait_for_url("**/runs/2*")
        again = (await here.door.lab.runs.list(limit=1))[0]
        assert page.url.endswith(again.run_id)
        assert (again.parent_run_id, (await here.door.lab.runs.wait(again.run_id)).totals.calls) == (first.run_id, 1)
        await page.goto(here.url + "/runs")
        for run in (first, again):
            await row(page, run).get_by_role("checkbox").check()
        await page.get_by_role("link", name="Compare").click()
        await page.wait_for_url(f"**/runs/compare?left={first.run_id}&right={again.run_id}")
        changed = page.get_by_role("region", name="What was asked otherwise")
        await expect(changed.locator("ins").first).to_contain_text("Answer in one line")
        figures = page.get_by_role("region", name="What it took")
        await expect(figures.get_by_role("row", name="Model calls")).to_contain_text("−2")


async def test_a_run_is_acted_on_and_marked_with_the_keyboard_alone(visit: Any, tmp_path: Path) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        await fill(tmp_path / "home", 3)
        first = await ran(here)
        page = await here.signed_in("/runs")
        await row(page, first).get_by_role("checkbox").focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_text("One run is chosen.")).to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem", name="Fork it")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(row(page, first).get_by_role("button", name="More for")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem", name="Fork it")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="Run again with a change")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_two_answers_are_told_apart_word_by_word(visit: Any) -> None:
    answers = iter([DRAFT, "No.", MENDED, DRAFT, "No.", MENDED.replace("42 apples", "42 pears")])
    async with visit(ScriptedProvider(lambda call: next(answers))) as here:
        first, second = await ran(here), await ran(here, QUESTION + " Say it in pears.")
        page = await here.signed_in(f"/runs/compare?left={first.run_id}&right={second.run_id}")
        answer = page.get_by_role("region", name="Answer", exact=True)
        await expect(answer.locator("del")).to_have_text("apples")
        await expect(answer.locator("ins")).to_have_text("pears")
        nodes = page.get_by_role("region", name="Node by node")
        await expect(nodes.get_by_role("listitem")).to_have_count(3)
        await nodes.get_by_label("Only what differs").check()
        await expect(nodes.get_by_role("listitem")).to_have_count(1)
        await expect(nodes).to_contain_text("first difference")
        await page.get_by_role("button", name="Swap the sides").click()
        await expect(answer.locator("del")).to_have_text("pears")


async def test_a_run_that_failed_is_retried_from_where_it_broke(visit: Any) -> None:
    broken = UnusableError("The model is away.")
    async with visit(ScriptedProvider(ROLES, errors={3: broken, 4: broken, 5: broken})) as here:
        failed = await ran(here)
        assert failed.status == "failed"
        calls = len(here.door.provider.calls)
        page = await here.signed_in("/runs?status=failed")
        await row(page, failed).get_by_role("button", name="More for").click()
        here.door.provider._errors = {}
        await page.get_by_role("menuitem", name="Retry").click()
        await page.wait_for_url("**/runs/2*")
        again = (await here.door.lab.runs.list(limit=1))[0]
        view = await here.door.lab.runs.wait(again.run_id)
    assert (view.status, view.answer, again.parent_run_id) == ("completed", MENDED, failed.run_id)
    assert len(here.door.provider.calls) - calls == 1


async def test_why_a_run_is_not_retried_is_told_also_when_its_row_is_gone(visit: Any) -> None:
    broken = UnusableError("The model is away.")
    async with visit(ScriptedProvider(ROLES, errors={3: broken, 4: broken, 5: broken})) as here:
        failed = await ran(here)
        page = await here.signed_in("/runs?status=failed")
        asked, gate = asyncio.Event(), asyncio.Event()
        refusal = {"type": "urn:agent-lab:problem:conflict", "title": "No", "status": 409, "detail": "It runs already."}

        async def held(route: Route) -> None:
            asked.set()
            await gate.wait()
            await route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(refusal))

        await page.route("**/retry", held)
        await row(page, failed).get_by_role("button", name="More for").click()
        await page.get_by_role("menuitem", name="Retry").click()
        await asked.wait()
        await page.get_by_role("link", name="Models").first.click()
        await expect(page.get_by_role("heading", level=1, name="Models")).to_be_visible()
        gate.set()
        await expect(page.get_by_role("status").filter(has_text="It runs already.")).to_be_visible()


async def test_a_node_that_waits_for_a_person_is_answered(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        here.door.lab.flows.folder.mkdir(parents=True, exist_ok=True)
        (here.door.lab.flows.folder / "approval.json").write_text(json.dumps(ASKING))
        run = await here.door.lab.runs.start(RunRequest(flow="approval", prompt=QUESTION))
        page = await here.signed_in("/runs")
        await expect(row(page, run)).to_contain_text("Waiting for a person")
        await row(page, run).get_by_role("link", name=QUESTION).click()
        form = page.get_by_role("form", name="Editor asks")
        await form.get_by_role("button", name="Answer").click()
        await expect(form.get_by_role("alert")).to_contain_text("choose one")
        await form.get_by_role("radio", name="yes").check()
        await form.get_by_role("button", name="Answer").click()
        view = await here.door.lab.runs.wait(run.run_id)
        while view.status != "completed":
            await asyncio.sleep(0.05)
            view = await here.door.lab.runs.view(run.run_id)
    assert next(node.text for node in view.nodes if node.id == "person") == "yes"
