"""A run in a real browser: it lights up, streams, is stopped, and is found again after reloads and outages."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from agent_lab.contracts.errors import UnusableError
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.queue import QueueRules
from api.doors import open_door, until
from support.gates import Words
from support.person_flows import ASKING
from support.watching import RECORDER, Stepping, begin, ended, publish, seen
from support.web import Theme, Visit, axe

pytestmark = pytest.mark.browser

ROLES = {"creator": "12 + 30 = 41", "challenger": "The sum is wrong.", "refiner": "12 + 30 = 42\n\nAnswer: 42"}
QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"
WORDS = " ".join(f"word{number}" for number in range(120))
EXPERTS = [f"expert_{number}" for number in range(1, 9)]
EIGHT = {
    "id": "eight",
    "name": "Eight experts",
    "nodes": [
        *(
            {"id": name, "kind": "generate", "label": name.title(), "role": name, "prompt": "{user_input}"}
            for name in EXPERTS
        ),
        {"id": "sum", "kind": "generate", "label": "Sum", "prompt": "{previous_output}"},
    ],
    "edges": [{"from": name, "to": "sum"} for name in EXPERTS],
    "limits": {"max_parallel": 8},
}


def lane(page: Page, node: str) -> Any:
    """The first answer of a node."""
    return page.locator(f"[data-card={node}]").first


async def test_a_run_lights_up_node_by_node(visit: Any) -> None:
    steps = Stepping(ROLES)
    async with visit(steps.provider) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in()
        await page.add_init_script(RECORDER)
        await page.goto(f"{here.url}/runs/{run_id}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)
        for node, label in (("creator", "Creator"), ("challenger", "Challenger"), ("refiner", "Refiner")):
            await expect(page.locator(f"[data-node={node}]")).to_have_attribute("data-status", "running")
            await expect(page.get_by_role("status").filter(has_text="at work")).to_have_text(f"{label} is at work.")
            await steps.go()
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        for node in ROLES:
            await expect(page.locator(f"[data-node={node}]")).to_have_attribute("data-status", "completed")
        assert (await seen(page, "creator"))[-2:] == ["running", "completed"]
        for node in ("challenger", "refiner"):
            assert await seen(page, node) == ["waiting", "running", "completed"]
        await expect(page.locator("[data-edge][data-taken='1']")).to_have_count(2)
        for node, text in ROLES.items():
            await expect(lane(page, node)).to_contain_text(text.splitlines()[0])
            await expect(lane(page, node)).to_contain_text("HIT")
            await expect(lane(page, node)).to_contain_text("voice")
        assert (here.complaints, here.foreign) == ([], [])


async def test_a_reload_in_the_middle_and_a_second_tab_read_every_word_once(visit: Any) -> None:
    gate = Words(20)
    async with visit(ScriptedProvider({"*": WORDS}, gate=gate, delay_s=0.005)) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        await expect(lane(page, "creator")).to_contain_text("word19")
        gate.let(20)
        await expect(lane(page, "creator")).to_contain_text("word39")
        await page.reload()
        other = await here.page(context=page.context)
        await other.goto(f"{here.url}/runs/{run_id}")
        for tab in (page, other):
            await expect(lane(tab, "creator")).to_contain_text("word39")
        gate.set()
        for tab in (page, other):
            await expect(tab.get_by_role("tabpanel")).to_have_text(WORDS)
            for node in ("creator", "challenger", "refiner"):
                await expect(lane(tab, node).locator("[data-text]")).to_have_text(WORDS)
        assert here.complaints == []


async def test_a_run_is_stopped_by_its_button(visit: Any) -> None:
    steps = Stepping(ROLES)
    async with visit(steps.provider) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_text("The run was stopped before there was an answer.")).to_be_visible()
        await expect(page.locator("[data-node=creator]")).to_have_attribute("data-status", "skipped")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        assert (await here.door.lab.runs.wait(run_id)).status == "cancelled"
        assert here.complaints == []


class Wire:
    """A port at which the server can be there and not be there."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        # Bound and not listened at: nobody else gets the port while no server is there, and who calls is refused.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self._port: int = self._kept.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def close(self) -> None:
        """The port is anybody's again."""
        self._kept.close()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """The server, while the block lasts; then every connection is cut."""
        config = uvicorn.Config(self._app, port=self._port, log_level="critical", timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        try:
            yield
        finally:
            server.should_exit = True
            await serving


async def test_a_server_that_goes_away_and_comes_back_is_waited_for(
    browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    gate = Words(20)
    provider = ScriptedProvider({"*": WORDS}, gate=gate, delay_s=0.005)
    async with open_door(tmp_path / "home", provider) as door:
        wire = Wire(door.app)
        request.addfinalizer(wire.close)
        here = Visit(browser, door, wire.url)
        async with wire.up():
            run_id = await begin(door, "challenge", QUESTION)
            page = await here.signed_in(f"/runs/{run_id}")
            await expect(lane(page, "creator")).to_contain_text("word19")
        await expect(
            page.get_by_text("goes on as soon as it is back").or_(page.get_by_text("catches up")).first
        ).to_be_visible()
        gate.let(20)  # which nobody hears
        await expect(lane(page, "creator")).to_contain_text("word19")
        async with wire.up():
            await expect(lane(page, "creator")).to_contain_text("word39")
            gate.set()
            await expect(page.get_by_role("tabpanel")).to_have_text(WORDS)
            await expect(page.get_by_text("catches up as soon")).to_have_count(0)
            for node in ("creator", "challenger", "refiner"):
                await expect(lane(page, node).locator("[data-text]")).to_have_text(WORDS)
        await page.context.close()


async def test_whoever_scrolls_up_is_left_there_until_they_follow_again(visit: Any) -> None:
    gate = Words(100)
    lines = "\n\n".join(f"line {number}" for number in range(200))
    near_end = "(area) => area.scrollHeight - area.scrollTop - area.clientHeight < 40"
    async with visit(ScriptedProvider({"*": lines}, gate=gate)) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        text = lane(page, "creator").locator("[data-text]")
        await expect(text).to_contain_text("line 49")
        area = await text.element_handle()
        await page.wait_for_function(f"(area) => area.scrollTop > 0 && ({near_end})(area)", arg=area)
        await text.evaluate("(area) => { area.scrollTop = 0; }")
        await expect(page.get_by_role("button", name="Follow")).to_be_visible()
        height = await text.evaluate("(area) => area.scrollHeight")
        gate.let(100)
        await expect(text).to_contain_text("line 99")
        await page.wait_for_function("([area, height]) => area.scrollHeight > height + 100", arg=[area, height])
        assert await text.evaluate("(area) => area.scrollTop") == 0
        await page.get_by_role("button", name="Follow").click()
        await expect(page.get_by_role("button", name="Follow")).to_have_count(0)
        await page.wait_for_function(near_end, arg=area)
        gate.let(100)
        await expect(text).to_contain_text("line 149")
        await page.wait_for_function(near_end, arg=area)


async def test_a_persons_answer_is_given_where_it_is_asked_for(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "A draft."})) as here:
        await publish(here.door, ASKING)
        run_id = await begin(here.door, "asking", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        await expect(page.get_by_text("Waiting for a person: Approval.")).to_be_visible()
        assert await axe(page) == []
        form = page.get_by_role("form", name="Approval")
        await form.get_by_text("yes", exact=True).click()
        await form.get_by_role("button", name="Answer").click()
        await expect(lane(page, "person")).to_contain_text("Answered: yes")
        await expect(page.get_by_role("banner").or_(page.locator("main")).get_by_text("Completed")).to_be_visible()
        assert here.complaints == []


async def test_a_run_that_failed_says_where_why_and_what_to_do(visit: Any) -> None:
    script = ScriptedProvider(ROLES, errors={2: UnusableError("The model lost its voice; name another one.")})
    async with visit(script) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        alert = page.locator("main").get_by_role("alert")
        await expect(alert).to_contain_text("Challenger failed")
        await expect(alert).to_contain_text("The model lost its voice; name another one.")
        await expect(lane(page, "challenger")).to_contain_text("The model lost its voice")
        await alert.get_by_role("button", name="Show it").click()
        await expect(lane(page, "challenger")).to_be_focused()
        await page.get_by_role("button", name="Retry").click()
        await page.wait_for_url(lambda url: run_id not in url)
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        await expect(page.get_by_role("link", name="Fork of another run")).to_be_visible()
        await expect(lane(page, "creator")).to_contain_text("taken over, not paid again")


async def test_a_run_that_is_not_there_is_said_to_be_so(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/runs/20260101t000000-0000000000")
        await expect(page.get_by_text("There is no such run").last).to_be_visible()
        await expect(page.get_by_role("link", name="All runs")).to_be_visible()
        assert await axe(page) == []


async def test_the_request_and_the_answer_of_a_call_can_be_looked_at(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        await ended(here.door, run_id)
        page = await here.signed_in(f"/runs/{run_id}")
        await page.get_by_role("button", name="Request and answer: Challenger").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("The proposed solution:")
        await dialog.get_by_role("tab", name="Answer").click()
        await expect(dialog).to_contain_text('"text": "The sum is wrong."')
        assert await axe(page) == []
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


async def test_a_run_can_be_taken_along_as_a_file(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        await ended(here.door, run_id)
        page = await here.signed_in(f"/runs/{run_id}")
        for name, ending in (("Save as Markdown", ".md"), ("Save as JSON", ".json")):
            await page.get_by_role("button", name="Link and files").click()
            async with page.expect_download() as coming:
                await page.get_by_role("menuitem", name=name).click()
            file = await coming.value
            assert file.suggested_filename.endswith(ending)
            content = await asyncio.to_thread(Path(await file.path()).read_text, "utf-8")
            assert "Answer: 42" in content
        assert here.complaints == []


async def test_a_run_that_waits_says_how_many_are_before_it_and_begins_by_itself(visit: Any) -> None:
    steps = Stepping(ROLES)
    async with visit(steps.provider) as here:
        here.door.lab.runs.rules = QueueRules(at_once=1)
        for _ in range(2):
            await begin(here.door, "challenge", "An earlier question?")
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        await expect(page.get_by_text("In line behind 1 run.")).to_be_visible()
        await expect(page).to_have_title(re.compile("Queued"))
        steps.open()
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        await expect(page).to_have_title(re.compile("Completed"))
        assert here.complaints == []


TABLE = "| choice | ms |\n| --- | ---: |\n| scrypt | 45 |"
BELOW = (
    "document.documentElement.scrollHeight - document.querySelector('main').getBoundingClientRect().bottom - scrollY"
)


async def test_a_long_answer_is_cut_off_without_room_below_the_page_and_its_table_keeps_its_columns(visit: Any) -> None:
    long = "\n\n".join([TABLE, *("A line." for _ in range(60)), "See [there](https://example.org/)."])
    async with visit(ScriptedProvider({**ROLES, "refiner": long})) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        card = lane(page, "refiner")
        await expect(card.get_by_role("button", name="Show all of it")).to_be_visible()
        assert abs(await page.evaluate(BELOW)) <= 1
        await expect(card.get_by_role("cell", name="45")).to_have_css("text-align", "right")
        assert here.complaints == []


async def test_a_question_of_several_lines_is_shown_and_named_in_the_tab(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        run_id = await begin(here.door, "challenge", "Two lines:\n\n  this  is the second.")
        page = await here.signed_in(f"/runs/{run_id}")
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        await expect(page).to_have_title("Completed · Two lines: this is the second. · AI Agent Lab")
        assert here.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_eight_voices_fit_every_page_while_they_speak_and_after(visit: Any, theme: Theme, width: int) -> None:
    steps = Stepping(
        {"*": "A **view** of `it`, from [one side](https://example.org/).\n\n| a | b |\n|---|---|\n| 1 | 2 |"}
    )
    async with visit(steps.provider) as here:
        await publish(here.door, EIGHT)
        run_id = await begin(here.door, "eight", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}", width=width, theme=theme)
        await expect(page.locator("[data-lane]")).to_have_count(8)
        assert await axe(page) == []
        if width == 375:
            await expect(page.locator("[data-lane]:visible")).to_have_count(1)
            await page.get_by_role("group", name="Voices side by side").get_by_text("Expert_5").click()
            await expect(page.get_by_role("region", name="Expert_5")).to_be_visible()
            await expect(page.get_by_role("region", name="Expert_1")).to_be_hidden()
        await steps.go(calls=8)
        await expect(page.locator("[data-node=sum]")).to_have_attribute("data-status", "running")
        await steps.go()
        await expect(page.get_by_role("tabpanel")).to_contain_text("from one side (example.org)")
        await page.get_by_role("tab", name="Without deliberation").click()
        await expect(page.get_by_role("region", name="A vote of the independent answers")).to_contain_text("8 votes")
        best = page.get_by_role("region", name="The best of the first answers").first
        await expect(best).to_contain_text("7 other answers come down to the same")
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (here.complaints, here.foreign) == ([], [])
