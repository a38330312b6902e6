"""Evaluations in a real browser: put together, watched, read, stopped, taken up; and the badges that come of them."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from agent_lab.contracts.evaluation import EvaluationSpec
from agent_lab.providers.scripted import ScriptedProvider
from support.web import Theme, Visit, axe

pytestmark = pytest.mark.browser

ITEMS = [{"id": str(place), "input": f"{place} + 30?", "target": str(place + 30)} for place in range(12)]
ROLES = {"creator": "Answer: 32", "challenger": "It is more.", "refiner": "Answer: 37", "*": "Answer: 31"}
FILE = {
    "name": "sums.jsonl",
    "mimeType": "application/json",
    "buffer": "".join(json.dumps(item) + "\n" for item in ITEMS).encode(),
}
SPEC = {
    "dataset": "demo",
    "limit": 6,
    "arms": [
        {"kind": "flow", "name": "challenge", "flow": "challenge"},
        {"kind": "single", "name": "one", "like": "challenge"},
        {"kind": "without", "name": "no critic", "flow": "challenge", "node": "challenger"},
    ],
}


async def evaluated(here: Visit, **changes: Any) -> str:
    """The id of an evaluation that has ended."""
    evaluations = here.door.lab.evaluations
    info = await evaluations.start(EvaluationSpec.model_validate(SPEC | changes))
    return (await evaluations.wait(info.evaluation_id)).evaluation_id


async def fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_the_screens_of_evaluations_have_nothing_that_readers_or_the_policy_object_to(
    visit: Any, theme: Theme, width: int
) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/evaluations", width=width, theme=theme)
        await expect(page.get_by_text("No evaluation yet")).to_be_visible()
        assert await axe(page) == []
        evaluation = await evaluated(here)
        await page.goto(f"{here.url}/evaluations/new")
        await expect(page.get_by_role("region", name="What it takes")).to_contain_text("differences from")
        assert await axe(page) == []
        assert await fits(page)
        await page.goto(f"{here.url}/evaluations/{evaluation}")
        await expect(page.get_by_role("region", name="Verdicts").get_by_role("listitem").first).to_be_visible()
        await expect(page.get_by_role("img", name="Quality against cost")).to_be_visible()
        assert await axe(page) == []
        assert await fits(page)
        await page.get_by_role("button", name="Quality against cost: As a table").click()
        await page.get_by_label("Show", exact=True).select_option("All items")
        await page.get_by_role("region", name="Items").get_by_role("row").nth(1).get_by_role("button").click()
        await expect(page.get_by_role("dialog").get_by_role("region", name="challenge", exact=True)).to_be_visible()
        assert await axe(page) == []
        await page.goto(f"{here.url}/flows")
        await expect(page.get_by_role("link", name="Worth it?").first).to_be_visible()
        assert await axe(page) == []
        assert (here.complaints, here.foreign) == ([], [])


async def test_one_is_started_on_the_built_in_problems_watched_to_its_end_and_read(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/evaluations")
        await page.get_by_role("link", name="New evaluation").first.click()
        await page.get_by_label("At most so many items").fill("5")
        await page.get_by_role("button", name="Add an arm").click()
        second = page.get_by_role("listitem", name="Arm 2")
        await second.get_by_label("What answers").select_option("A single call")
        await expect(second.get_by_label("Name")).to_have_attribute("placeholder", "single~challenge")
        takes = page.get_by_role("region", name="What it takes")
        await expect(takes).to_contain_text("differences from")
        await page.get_by_role("button", name="Start the evaluation").click()
        await page.wait_for_url("**/evaluations/eval-*")
        verdicts = page.get_by_role("region", name="Verdicts")
        await expect(verdicts.get_by_role("listitem").first).to_contain_text("challenge against")
        arms = page.get_by_role("region", name="Arms")
        await expect(arms.get_by_role("rowheader", name="single~challenge")).to_be_visible()
        await page.get_by_role("link", name="Evaluations").first.click()
        listed = page.get_by_role("list", name="Evaluations, newest first")
        await expect(listed.get_by_role("listitem").first).to_contain_text("Completed")
        assert here.complaints == []


async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/evaluations/new")
        limit, send = (
            page.get_by_label("At most so many items"),
            page.get_by_role("button", name="Start the evaluation"),
        )
        await limit.fill("0")
        await expect(page.get_by_text("A whole number from 1 to 100,000 is needed here.")).to_be_visible()
        await expect(limit).to_have_attribute("aria-invalid", "true")
        await expect(send).to_be_disabled()
        await limit.fill("4")
        await page.get_by_role("button", name="Add an arm").click()
        arm = page.get_by_role("listitem", name="Arm 2")
        await arm.get_by_label("What answers").select_option("A flow without one node")
        await expect(arm.get_by_label("Node")).to_have_value("")
        await arm.get_by_label("Node").select_option("challenger")
        await arm.get_by_label("Name").fill("no, critic")
        await expect(arm.get_by_role("alert")).to_have_text("A name has no comma in it.")
        await arm.get_by_label("Name").fill("no critic")
        await expect(send).to_be_enabled()
        await page.reload()
        await expect(limit).to_have_value("4")
        await expect(arm.get_by_label("Node")).to_have_value("challenger")
        await expect(arm.get_by_label("Name")).to_have_value("no critic")


async def test_a_file_is_looked_at_kept_and_chosen(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/evaluations/new")
        await page.get_by_role("button", name="Upload a file").click()
        dialog = page.get_by_role("dialog")
        broken = FILE | {"buffer": b'{"input": "x", "target": "1"}\nnot json\n'}
        await dialog.get_by_label("File").set_input_files(broken)  # type: ignore[arg-type]
        await expect(dialog.get_by_label("Name", exact=True)).to_have_value("sums")
        await dialog.get_by_role("button", name="Look at it").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("2")
        empty = {"name": "other.jsonl", "mimeType": "application/json", "buffer": b" \n"}
        await dialog.get_by_label("File").set_input_files(empty)  # type: ignore[arg-type]
        await expect(dialog.get_by_label("Name", exact=True)).to_have_value("other")
        await dialog.get_by_role("button", name="Look at it").click()
        await expect(dialog.get_by_text("The file is empty; choose another.")).to_be_visible()
        await dialog.get_by_label("File").set_input_files(FILE)  # type: ignore[arg-type]
        await dialog.get_by_role("button", name="Look at it").click()
        await expect(dialog.get_by_role("status")).to_contain_text("12 items")
        await dialog.get_by_role("button", name="Keep it").click()
        await expect(page.get_by_label("Dataset", exact=True)).to_have_value("sums")
        await expect(page.get_by_role("region", name="The first items")).to_contain_text("0 + 30?")
        gone = asyncio.Event()

        async def late(route: Route) -> None:
            await gone.wait()
            await route.continue_()

        # The button goes with its dataset before all that was asked anew has been answered.
        await page.route("**/api/datasets/sums/items*", late)
        await page.get_by_role("button", name="Forget this dataset").click()
        await expect(page.get_by_label("Dataset", exact=True)).to_have_value("demo")
        gone.set()


async def test_one_that_goes_on_is_stopped_and_taken_up_where_it_was(visit: Any) -> None:
    gate = asyncio.Event()
    async with visit(ScriptedProvider(ROLES, gate=gate)) as here:
        info = await here.door.lab.evaluations.start(EvaluationSpec.model_validate(SPEC | {"baseline": "one"}))
        page = await here.signed_in(f"/evaluations/{info.evaluation_id}")
        await expect(page.get_by_role("meter", name="Answers so far")).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
        gate.set()
        await page.get_by_role("button", name="Resume").click()
        await page.get_by_role("dialog").get_by_label("Budget in USD, in all").fill("much")
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("A number of 0 or more")
        await page.get_by_role("dialog").get_by_label("Budget in USD, in all").fill("")
        await page.get_by_role("dialog").get_by_role("button", name="Resume").click()
        await expect(page.get_by_text("Completed", exact=True)).to_be_visible()
        await expect(page.get_by_role("region", name="Verdicts")).to_be_visible()
        async with page.expect_download() as kept:
            await page.get_by_role("button", name="Download").click()
            await page.get_by_role("menuitem", name="One HTML file").click()
        assert (await kept.value).suggested_filename.endswith(".html")
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No evaluation yet")).to_be_visible()
        assert here.complaints == []


SHIFTS = """
window.shifted = []
const rect = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ')
const isTime = ({ node }) => (node?.parentElement?.closest('time') ?? null) !== null || node?.nodeName === 'TIME'
const what = ({ node, previousRect, currentRect }) =>
  `${node?.nodeName} ${node?.textContent?.slice(0, 40)}: ${rect(previousRect)} > ${rect(currentRect)}`
new PerformanceObserver((list) => {
  for (const { hadRecentInput, sources } of list.getEntries())
    if (!hadRecentInput) window.shifted.push(...sources.filter((it) => !isTime(it)).map(what))
}).observe({ type: 'layout-shift' })
"""
"""From when it is run on: what moves by itself, but for moments, which are told anew as they pass."""


@pytest.mark.parametrize("path", ["/flows", "/"])
@pytest.mark.parametrize("width", [1440, 1024, 375])
async def test_nothing_moves_when_a_badge_comes_late(visit: Any, path: str, width: int) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        await evaluated(here)
        page = await here.signed_in("/settings", width=width)
        await here.without_alerts(page)
        told = asyncio.Event()

        async def late(route: Route) -> None:
            await told.wait()
            await route.continue_()

        await page.route("**/api/badges", late)
        async with page.expect_request("**/api/badges"):
            await page.goto(here.url + path)
        await expect(page.get_by_text("Challenge", exact=True).first).to_be_visible()
        await expect(page.locator("main [aria-hidden].animate-pulse")).to_have_count(0)
        await page.evaluate(SHIFTS)
        places = "[...document.querySelectorAll('main li, main label')].map((one) => one.getBoundingClientRect().y)"
        before = await page.evaluate(places)
        assert len(before) > 4
        told.set()
        badge = page.get_by_text("Not clear yet").or_(page.get_by_text("No gain")).or_(page.get_by_text("orth it"))
        await expect(badge.first).to_be_visible()
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate(places) == before
        assert await page.evaluate("window.shifted") == []


async def test_one_that_was_deleted_elsewhere_is_gone_here_too(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        evaluation = await evaluated(here)
        page = await here.signed_in(f"/evaluations/{evaluation}")
        await page.get_by_role("button", name="Delete").click()
        await here.door.lab.evaluations.delete(evaluation)
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No evaluation yet")).to_be_visible()
        await page.goto(f"{here.url}/evaluations/{evaluation}")
        await expect(page.get_by_role("heading", name="There is no such evaluation")).to_be_visible()
        assert await axe(page) == []


async def test_a_badge_says_its_interval_where_it_is_pointed_at_or_reached_by_keys(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        evaluation = await evaluated(here)
        page = await here.signed_in("/flows")
        badge = page.get_by_role("link", name="Worth it?").first
        await expect(badge).to_be_visible()
        tip = page.get_by_role("tooltip").first
        await expect(tip).to_be_hidden()
        await badge.focus()
        await expect(tip).to_contain_text("6 items of demo")
        await page.keyboard.press("Escape")
        await expect(tip).to_be_hidden()
        await badge.hover()
        await expect(tip).to_be_visible()
        await badge.click()
        await page.wait_for_url(f"**/evaluations/{evaluation}")
        await page.goto(here.url)
        card = page.get_by_role("radio", name="Challenge", exact=True).locator("..")
        told = card.get_by_text("6 items of demo")
        await expect(told).to_be_hidden()
        await (
            card.get_by_text("Not clear yet").or_(card.get_by_text("No gain")).or_(card.get_by_text("worth it")).hover()
        )
        await expect(told).to_be_visible()


async def test_programs_are_scored_by_their_tests_once_that_is_allowed(visit: Any) -> None:
    program = "```python\ndef add(a, b):\n    return a + b\n```"
    tests = [
        {"input": f"Write add(a, b), {place}.", "target": f"assert add({place}, 2) == {place + 2}"} for place in (1, 2)
    ]
    async with visit(ScriptedProvider({"*": program})) as here:
        page = await here.signed_in("/evaluations/new")
        await page.get_by_role("button", name="Upload a file").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("File")).to_be_focused()
        lines = "".join(json.dumps(item) + "\n" for item in tests).encode()
        await dialog.get_by_label("File").set_input_files(FILE | {"name": "programs.jsonl", "buffer": lines})  # type: ignore[arg-type]
        await dialog.get_by_role("button", name="Keep it").click()
        await expect(page.get_by_label("Dataset", exact=True)).to_have_value("programs")
        await page.get_by_label("Scorer").select_option("Code: the tests of the question pass")
        send = page.get_by_role("button", name="Start the evaluation")
        await expect(page.get_by_text("Allow it, or choose another scorer.")).to_be_visible()
        await expect(send).to_be_disabled()
        assert await axe(page) == []
        await page.get_by_label("Run what models write").check()
        await expect(page.get_by_role("region", name="What it takes")).to_contain_text("differences from")
        await send.click()
        await page.wait_for_url("**/evaluations/eval-*")
        first = page.get_by_role("region", name="Arms").get_by_role("row").nth(1)
        await expect(first).to_contain_text("challenge")
        await expect(first).to_contain_text("100.0%")
        assert here.complaints == []


async def test_answers_made_elsewhere_are_read_mended_and_imported(visit: Any) -> None:
    asked = [{"id": str(place), "input": f"{place} + 30?", "target": str(place + 30)} for place in range(6)]

    def file(rows: list[dict[str, str]]) -> Any:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        return {"name": "theirs.jsonl", "mimeType": "application/jsonl", "buffer": text.encode()}

    async def refused(route: Route) -> None:
        told = {"type": "urn:agent-lab:problem:problems", "title": "No", "status": 422, "detail": "No."}
        lines = [{"pointer": "/1", "detail": "line 1: its item is gone."}]
        await route.fulfill(status=422, json=told | {"request_id": "r", "errors": lines})

    rows = [{"id": item["id"], "mine": f"Answer: {item['target']}", "theirs": "Answer: 0"} for item in asked]
    async with visit(ScriptedProvider(ROLES)) as here:
        async with here.door.owner() as client:
            kept = {"name": "sums", "text": "".join(json.dumps(item) + "\n" for item in asked)}
            (await client.post("/api/datasets", json=kept)).raise_for_status()
        page = await here.signed_in("/evaluations", width=375, height=812)
        await page.get_by_role("button", name="Import answers").click()
        dialog = page.get_by_role("dialog")
        take = dialog.get_by_role("button", name="Import", exact=True)
        await dialog.get_by_label("What was asked").select_option("sums")
        await dialog.get_by_label("Files of answers").set_input_files(
            file([*rows[:2], {**rows[2], "id": "90"}, {**rows[3], "id": "0"}])
        )
        await expect(take).to_be_disabled()
        await dialog.get_by_role("button", name="Look at it").click()
        wrong = dialog.get_by_role("list", name="What is wrong in theirs.jsonl").get_by_role("listitem")
        await expect(wrong.first).to_contain_text("line 3: the dataset has no item '90'")
        await expect(wrong.filter(has_text="line 4")).to_have_count(2)
        assert await axe(page) == []
        await dialog.get_by_label("Files of answers").set_input_files(file(rows[:5]))
        await expect(wrong).to_have_count(0)
        await dialog.get_by_role("button", name="Look at it").click()
        arms = dialog.get_by_role("table", name="Arms that were found")
        mine = arms.get_by_role("row").filter(has_text="mine theirs.jsonl")
        await expect(mine.get_by_role("cell")).to_have_text(["5", "1"])
        await expect(dialog.get_by_role("list", name="Mind this")).to_contain_text("missing and count as wrong")
        assert await axe(page) == []
        assert await fits(page)
        assert (await here.door.lab.evaluations.list(limit=1)) == []
        await dialog.get_by_label("Held against").select_option("theirs")
        # What has changed since it was looked at is told as it would have been then.
        await page.route("**/api/evaluations/import/read", refused)
        await take.click()
        await expect(wrong).to_have_text(["line 1: its item is gone."])
        await page.unroute("**/api/evaluations/import/read")
        await take.click()
        verdicts = page.get_by_role("region", name="Verdicts")
        await expect(verdicts.get_by_role("listitem").first).to_contain_text("mine")
        spec = (await here.door.lab.evaluations.list(limit=1))[0].spec
        assert (spec.dataset, spec.baseline, [arm.name for arm in spec.arms]) == ("sums", "theirs", ["mine", "theirs"])
        # The browser itself notes that the first file was refused.
        assert ([one for one in here.complaints if "422" not in one], here.foreign) == ([], [])
