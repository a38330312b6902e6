"""The app on a phone: what can be pressed is large enough for a finger, and the words of the bottom bar are whole."""

from typing import Any

import pytest
from playwright.async_api import expect

from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 812}, "locale": "es-ES"}
LINES = "\n".join(f"Line {number}." for number in range(20))
PATHS = ["/", "/runs", "/flows", "/flows/challenge", "/models", "/metrics", "/settings", "/evaluations/new"]
SMALL = """() => {
    const least = 24 - 0.1;
    const isLarge = ({ width, height }) => width >= least && height >= least;
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().width > 1;
    const isInSentence = (one) => getComputedStyle(one).display === 'inline'
        && [...one.parentElement.childNodes].some((other) => other.nodeType === 3 && other.textContent.trim() !== '');
    const coversItsRow = (one) => getComputedStyle(one, '::after').position === 'absolute';
    const labels = (one) => [...(one.labels ?? []), one.closest('label')].filter((label) => label !== null);
    return [...document.querySelectorAll('a, button, summary, input, select, textarea')]
        .filter((one) => isSeen(one) && !isInSentence(one) && !coversItsRow(one))
        .filter((one) => ![one, ...labels(one)].some((part) => isLarge(part.getBoundingClientRect())))
        .map((one) => `${one.tagName} ${one.ariaLabel ?? one.textContent} ${one.clientWidth}x${one.clientHeight}`);
}"""
LABELS = """() => [...document.querySelectorAll('nav span')].filter((one) => one.checkVisibility())
    .map((one) => [one.textContent, one.scrollWidth <= one.clientWidth, parseFloat(getComputedStyle(one).fontSize)])"""


async def test_what_is_pressed_on_a_phone_is_large_enough_and_what_is_read_too(visit: Any) -> None:
    async with visit(ScriptedProvider({"creator": f"{LINES} 41", "*": f"{LINES} 42"})) as here:
        run = await here.door.lab.runs.start(RunRequest(flow="challenge", prompt="How many?"))
        await here.door.lab.runs.wait(run.run_id)
        page = await here.signed_in("/", context=await here.browser.new_context(**PHONE))
        for path in [*PATHS, f"/runs/{run.run_id}"]:
            await page.goto(here.url + path, wait_until="networkidle")
            await expect(page.locator("nav [aria-current=page]").last).to_be_visible()
            assert await page.evaluate(SMALL) == [], path
            labels = await page.evaluate(LABELS)
            assert [label[1:] for label in labels] == [[True, 12]] * 7, labels
        await page.get_by_role("tab", name="Qué cambió").click()
        await expect(page.get_by_role("button", name="líneas")).to_be_visible()
        assert await page.evaluate(SMALL) == []
