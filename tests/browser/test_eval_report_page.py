"""The HTML report in a real browser: it asks for nothing, fits a phone, reads well in both themes, covers no name."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from agent_lab.contracts.evaluation_report import Report
from agent_lab.evaluation.render.html import html
from support.reports import example_report
from support.web import Theme, axe

pytestmark = pytest.mark.browser

_OVERLAPS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg')) {
    if (!svg.getClientRects().length) continue;
    const boxes = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
    const edge = svg.getBoundingClientRect();
    boxes.forEach(([name, a], i) => {
      if (a.left < edge.left - 1 || a.right > edge.right + 1) found.push(`${name} leaves its drawing`);
      for (const [other, b] of boxes.slice(i + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 3) found.push(`${name} covers ${other}`);
      }
    });
  }
  return found;
}"""


async def opened(browser: Browser, folder: Path, report: Report, width: int, theme: Theme) -> tuple[Page, list[str]]:
    """The page of a report, and what it complained of or asked for."""
    path = folder / "report.html"
    path.write_text(html(report), encoding="utf-8")
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page, told = await context.new_page(), []
    page.on("console", lambda message: told.append(message.text))
    page.on("request", lambda request: told.append(request.url) if not request.url.startswith("file:") else None)
    await page.goto(path.as_uri())
    return page, told


def crowded() -> Report:
    """Sixteen arms with long names, three steps of flips, hostile texts."""
    report = example_report()
    arms = [
        arm.model_copy(
            update={"arm": f"{arm.arm} with <b>a long name</b> {copy}", "cost": arm.cost * (1 + 0.013 * copy)}
        )
        for copy in range(3)
        for arm in report.arms
    ][:16]
    debate = report.debates[0]
    return report.model_copy(
        update={
            "arms": tuple(arms),
            "warnings": ("<script>document.title = 'broken'</script>", "word" * 100),
            "debates": (debate.model_copy(update={"flips": (*debate.flips, debate.flips[0], debate.flips[0])}),),
        }
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
async def test_the_page_of_a_report_is_whole_by_itself(
    browser: Browser, tmp_path: Path, width: int, theme: Theme
) -> None:
    page, told = await opened(browser, tmp_path, example_report(), width, theme)
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await page.evaluate(_OVERLAPS) == []
    assert await page.evaluate("getComputedStyle(document.body).fontSize") == "15px"
    assert told == []


@pytest.mark.parametrize("width", [375, 1440])
async def test_many_arms_and_hostile_words_break_nothing(browser: Browser, tmp_path: Path, width: int) -> None:
    page, told = await opened(browser, tmp_path, crowded(), width, "light")
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await page.evaluate(_OVERLAPS) == []
    assert await page.title() == "Is the challenge worth it?"
    assert told == []
