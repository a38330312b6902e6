"""The side of the flow builder: settings and their problems, prompts, versions, one node alone, a run on the canvas."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from agent_lab.providers.scripted import ScriptedProvider
from support.watching import Stepping
from support.web import Theme, Visit, axe

pytestmark = pytest.mark.browser

ROLES = {"creator": "12 + 30 = 41", "challenger": "The sum is wrong.", "refiner": "12 + 30 = 42"}
QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"
AGAIN = {"value": "challenger.accepted", "op": "==", "than": False}
FLOW: dict[str, Any] = {
    "id": "review",
    "name": {"en": "Review", "es": "Revisión"},
    "nodes": [
        {"id": "creator", "kind": "generate", "label": "Creator", "prompt": "Answer: {user_input}"},
        {
            "id": "challenger",
            "kind": "generate",
            "label": "Challenger",
            "prompt": {"en": "Attack {creator_output}", "es": "Ataca {creator_output}"},
            "accepts": ["It is right"],
        },
        {"id": "refiner", "kind": "generate", "label": "Refiner", "prompt": "Mend {creator_output}"},
    ],
    "edges": [{"from": "creator", "to": "challenger"}, {"from": "challenger", "to": "refiner", "when": AGAIN}],
    "draft": "creator",
    "answer": "challenger",
    "tests": [
        {
            "name": "sums",
            "prompt": "What is 2 + 2?",
            "answers": {"*": "4"},
            "expect": [{"value": "answer", "op": "contains", "than": "5"}],
        }
    ],
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
WORDS = ("Running", "Done", "Failed", "Skipped", "Not yet")
RECORDER = f"""
window.stood = {{}};
new MutationObserver(() => {{
  for (const node of document.querySelectorAll('.react-flow__node')) {{
    const states = (window.stood[node.dataset.id] ??= []);
    const now = {list(WORDS)}.find((word) => node.textContent.includes(word));
    if (now !== undefined && states.at(-1) !== now) states.push(now);
  }}
}}).observe(document, {{ subtree: true, childList: true, characterData: true }});
"""


def inspector(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Inspector")


async def opened(here: Visit, flow: dict[str, Any] = FLOW, **how: Any) -> Page:
    """The builder with that flow in it."""
    async with here.door.owner() as client:
        assert (await client.post("/api/flows", json=flow)).status_code == 201
    page = await here.signed_in(**how)
    await page.add_init_script(RECORDER)
    await page.goto(f"{here.url}/flows/{flow['id']}")
    await expect(node(page, "creator")).to_be_visible()
    return page


def node(page: Page, name: str) -> Locator:
    return page.locator(f'.react-flow__node[data-id="{name}"]')


async def choose(page: Page, name: str) -> Locator:
    """Select a node; its prompt."""
    await node(page, name).click()
    prompt = inspector(page).get_by_role("textbox", name="Prompt", exact=True)
    await expect(prompt).to_be_visible()
    return prompt


async def leave(page: Page) -> None:
    """Select nothing: the inspector shows the flow itself."""
    await page.locator(".react-flow__pane").click(position={"x": 240, "y": 90})


async def stored(here: Visit) -> dict[str, Any]:
    async with here.door.owner() as client:
        document: dict[str, Any] = (await client.get("/api/flows/review", params={"version": "draft"})).json()
    return document


async def saved(page: Page) -> None:
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()


async def test_a_broken_prompt_is_told_at_its_place_and_mended_there(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        await expect(inspector(page).get_by_text("No problems")).to_be_visible()
        prompt = await choose(page, "refiner")
        await prompt.fill("Mend {creater_output}")
        sentence = "{creater_output} is no name that 'refiner' can use; did you mean 'creator_output'"
        await expect(inspector(page).get_by_role("paragraph").filter(has_text=sentence)).to_be_visible()
        await expect(prompt).to_have_attribute("aria-invalid", "true")
        await expect(node(page, "refiner")).to_contain_text("1 problem")
        await leave(page)
        await inspector(page).get_by_text("1 problem").click()
        await inspector(page).get_by_role("button", name="Node refiner").click()
        await expect(prompt).to_have_value("Mend {creater_output}")
        await prompt.fill("Mend {creator_output}")
        await expect(inspector(page).get_by_text("No problems")).to_be_visible()
        await expect(prompt).not_to_have_attribute("aria-invalid", "true")
        assert here.complaints == []


async def test_names_are_completed_with_the_keyboard_alone(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        prompt = await choose(page, "refiner")
        await prompt.press("ControlOrMeta+a")
        await prompt.press_sequentially("Mend {cha")
        names = inspector(page).get_by_role("listbox", name="Names that fit")
        first = names.get_by_role("option").first
        await expect(first).to_contain_text("challenger_output")
        await expect(first).to_have_attribute("aria-selected", "true")
        active = await prompt.get_attribute("aria-activedescendant")
        assert active is not None
        assert active == await first.get_attribute("id")
        await prompt.press("ArrowDown")
        await prompt.press("Escape")
        await expect(names).to_be_hidden()
        await expect(prompt).to_be_focused()
        await prompt.press_sequentially("l")
        await prompt.press("Enter")
        await expect(prompt).to_have_value("Mend {challenger_output}")
        await prompt.press_sequentially(", before: {hi")
        await prompt.press("Tab")
        await expect(prompt).to_have_value("Mend {challenger_output}, before: {?history}{history}{/history}")
        await prompt.press_sequentially("!")
        await expect(prompt).to_have_value("Mend {challenger_output}, before: {?history}{history}!{/history}")
        await saved(page)
        assert (await stored(here))["nodes"][2]["prompt"] == await prompt.input_value()


async def test_a_name_without_a_value_gets_its_block_by_one_press(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        prompt = await choose(page, "creator")
        await prompt.fill("{history} {user_input}")
        await inspector(page).get_by_role("button", name="Give it one history").click()
        await expect(prompt).to_have_value("{?history}{history}{/history} {user_input}")
        await expect(inspector(page).get_by_text("No problems")).to_be_visible()


async def test_a_prompt_has_a_text_for_each_language(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        prompt = await choose(page, "challenger")
        await expect(prompt).to_have_value("Attack {creator_output}")
        await inspector(page).get_by_role("group", name="Language of Prompt").get_by_text("Spanish").click()
        await expect(prompt).to_have_value("Ataca {creator_output}")
        await prompt.fill("Ataca esto: {creator_output}")
        await saved(page)
        prompts = (await stored(here))["nodes"][1]["prompt"]
        assert prompts == {"en": "Attack {creator_output}", "es": "Ataca esto: {creator_output}"}


async def test_settings_are_taken_and_numbers_that_are_none_are_told(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        await choose(page, "creator")
        side = inspector(page)
        temperature = side.get_by_label("Temperature", exact=True)
        await temperature.fill("3")
        await expect(side.get_by_text("Give a number from 0 to 2.")).to_be_visible()
        await expect(temperature).to_have_value("3")
        await temperature.fill("0.5")
        await expect(side.get_by_text("Give a number from 0 to 2.")).to_be_hidden()
        await side.get_by_label("Fields of the answer").fill('{"type": "object"')
        await expect(side.get_by_text("This is not JSON yet")).to_be_visible()
        await side.get_by_label("Fields of the answer").fill(
            '{"type": "object", "properties": {"n": {"type": "integer"}}}'
        )
        await side.get_by_label("Model", exact=True).select_option("voice")
        name = side.get_by_label("Id", exact=True)
        await name.fill("author")
        await name.press("Enter")
        await expect(node(page, "author")).to_be_visible()
        await saved(page)
        document = await stored(here)
        first = document["nodes"][0]
        assert (first["id"], first["temperature"], first["model"]) == ("author", 0.5, "voice")
        assert first["output_schema"] == SCHEMA
        assert document["nodes"][2]["prompt"] == "Mend {author_output}"
        assert document["draft"] == "author"


async def test_a_version_is_published_compared_and_brought_back(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        side = inspector(page)
        await side.get_by_role("tab", name="Versions").click()
        await side.get_by_role("button", name="Publish this draft").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Version 1 becomes what everybody gets")
        await dialog.get_by_role("button", name="Publish").click()
        await expect(side.get_by_text("Published", exact=True)).to_be_visible()
        prompt = await choose(page, "refiner")
        await prompt.fill("Mend this: {creator_output}")
        await saved(page)
        await leave(page)
        await side.get_by_role("button", name="Compare", exact=True).click()
        changes = page.get_by_role("dialog")
        await expect(changes.locator("ins")).to_contain_text("this:")
        await changes.get_by_role("button", name="Close").click()
        await side.get_by_role("button", name="Go back to this version: 1").click()
        await page.get_by_role("dialog").get_by_role("button", name="Go back").click()
        await expect(side.get_by_text("Version 3")).to_be_visible()
        await choose(page, "refiner")
        await expect(prompt).to_have_value("Mend {creator_output}")
        document = await stored(here)
        assert document["nodes"][2]["prompt"] == "Mend {creator_output}"
        assert here.complaints == []


async def test_what_is_broken_is_not_published_and_says_why(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here, FLOW | {"answer": "nobody"})
        await inspector(page).get_by_role("tab", name="Versions").click()
        await inspector(page).get_by_role("button", name="Publish this draft").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Publish").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("/answer")


async def test_one_node_is_run_on_what_is_pinned(visit: Any) -> None:
    provider = ScriptedProvider(ROLES)
    async with visit(provider) as here:
        page = await opened(here)
        await choose(page, "challenger")
        side = inspector(page)
        await side.get_by_role("tab", name="Try it").click()
        await side.get_by_label("Question").fill(QUESTION)
        await side.get_by_role("button", name="Run this node").click()
        await expect(side.get_by_role("alert")).to_contain_text("Pin what 'creator' said")
        assert provider.calls == []
        await side.get_by_label("What creator said").fill("12 + 30 = 41")
        await side.get_by_role("button", name="Run this node").click()
        output = side.get_by_role("region", name="What it said")
        await expect(output).to_contain_text(ROLES["challenger"])
        await expect(output).to_contain_text("It would go on to refiner.")
        await expect(page.locator('.react-flow__node[data-id="challenger"]')).to_contain_text("Done")
        assert [call.request.prompt for call in provider.calls] == ["Attack 12 + 30 = 41"]


async def test_the_pins_are_taken_from_the_latest_run(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await opened(here)
        async with here.door.owner() as client:
            begun = await client.post("/api/runs", json={"flow": "review@draft", "prompt": QUESTION})
        await here.door.lab.runs.wait(begun.json()["run_id"])
        await choose(page, "challenger")
        await inspector(page).get_by_role("tab", name="Try it").click()
        await inspector(page).get_by_role("button", name="Take them from the latest run").click()
        await expect(inspector(page).get_by_label("What creator said")).to_have_value(ROLES["creator"])


async def test_a_run_lights_up_the_canvas_and_is_read_along(visit: Any) -> None:
    steps = Stepping(ROLES)
    async with visit(steps.provider) as here:
        page = await opened(here)
        side = inspector(page)
        await side.get_by_role("tab", name="Run").click()
        await side.get_by_label("Question").fill(QUESTION)
        await side.get_by_role("button", name="Run the flow").click()
        for name in ("creator", "challenger", "refiner"):
            await expect(node(page, name)).to_contain_text("Running")
            await steps.go()
        await expect(side.get_by_text("Completed")).to_be_visible()
        await expect(node(page, "refiner")).to_contain_text("Done")  # the canvas is told of it after the panel
        stood = await page.evaluate("() => window.stood")
        assert [stood[name][-2:] for name in ("creator", "challenger", "refiner")] == [["Running", "Done"]] * 3
        await node(page, "refiner").click()
        await expect(side.get_by_role("region", name="refiner in this run")).to_contain_text(ROLES["refiner"])
        await leave(page)
        await expect(side.get_by_role("tab", name="Run")).to_have_attribute("aria-selected", "true")
        await side.get_by_role("button", name="Leave this run").click()
        await expect(node(page, "creator")).not_to_contain_text("Done")
        assert here.complaints == []


async def test_a_condition_is_chosen_from_the_fields_that_there_are(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        await page.get_by_text("challenger.accepted").first.click()
        side = inspector(page)
        await expect(side.get_by_role("heading", name="From challenger to refiner")).to_be_visible()
        await expect(side.get_by_label("Field", exact=True)).to_have_value("challenger.accepted")
        await side.get_by_label("Field", exact=True).select_option("challenger.text")
        await side.get_by_label("Comparison").select_option("contains")
        await side.get_by_label("With", exact=True).fill("4")
        await saved(page)
        edges = (await stored(here))["edges"]
        assert edges[1]["when"] == {"value": "challenger.text", "op": "contains", "than": "4"}
        assert await axe(page) == []
        await side.get_by_text("Otherwise", exact=True).click()
        await saved(page)
        assert (await stored(here))["edges"][1] == {"from": "challenger", "to": "refiner", "otherwise": True}
        await side.get_by_role("button", name="Delete this edge").click()
        await expect(side.get_by_text("1 problem")).to_be_visible()


async def test_the_flows_own_test_cases_are_run(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here)
        side = inspector(page)
        await side.get_by_role("tab", name="Tests").click()
        await side.get_by_role("button", name="Run all").click()
        await expect(side.get_by_text("1 of 1 failed.")).to_be_visible()
        await side.get_by_text("sums").click()
        await expect(side.get_by_role("alert")).to_contain_text('answer: expected contains "5", found "4"')
        await side.get_by_role("textbox", name="With").fill("4")
        await saved(page)
        await side.get_by_role("button", name="Run all").click()
        await expect(side.get_by_text("The case passed.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nobody_is_left_out_of_the_inspector(visit: Any, theme: Theme) -> None:
    async with visit() as here:
        page = await opened(here, theme=theme)
        side = inspector(page)
        for tab in ("Settings", "Run", "Tests", "Versions"):
            await side.get_by_role("tab", name=tab).click()
            assert await axe(page) == [], tab
        prompt = await choose(page, "challenger")
        await prompt.press("End")
        await prompt.press_sequentially(" {")
        await expect(side.get_by_role("listbox")).to_be_visible()
        assert await axe(page) == []
        await prompt.press("Escape")
        await side.get_by_role("tab", name="Try it").click()
        assert await axe(page) == []
        await side.get_by_text("problem").first.click()
        assert await axe(page) == []
        assert here.complaints == []
        assert here.foreign == []


async def test_the_inspector_fits_a_phone(visit: Any) -> None:
    async with visit() as here:
        page = await opened(here, width=375, height=812)
        await page.get_by_role("button", name="Settings").last.click()
        await expect(inspector(page).get_by_label("Name", exact=True).first).to_be_visible()
        assert await page.evaluate("() => document.documentElement.scrollWidth") <= 375
        assert await axe(page) == []
