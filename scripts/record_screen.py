"""Records docs/run.png: a challenge in the browser in which the built-in model repairs its own draft."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from playwright.async_api import Browser, async_playwright, expect  # noqa: E402 - the paths are made above

from agent_lab.api.auth import LoginCodes  # noqa: E402
from agent_lab.cli.examples import pick_example  # noqa: E402
from agent_lab.contracts.run import RunOptions, RunRequest  # noqa: E402
from agent_lab.settings import read_settings  # noqa: E402
from agent_lab.wiring import Lab, build_app, open_lab  # noqa: E402
from api.doors import TOKEN, serve  # noqa: E402
from support.web import launch  # noqa: E402

PICTURE = ROOT / "docs" / "run.png"
SEEDS = 400
"""How many are tried before giving up."""


async def repaired(lab: Lab) -> str:
    """The first run whose draft is wrong and whose answer is right."""
    for seed in range(SEEDS):
        problem, right = pick_example(seed), f"Answer: {pick_example(seed).target}"
        request = RunRequest(flow="challenge", prompt=problem.input, options=RunOptions(seed=seed))
        run = await lab.runs.start(request)
        view = await lab.runs.wait(run.run_id)
        if right in (view.answer or "") and right not in (view.draft or ""):
            return run.run_id
    raise SystemExit(f"In {SEEDS} runs no wrong draft was repaired.")


async def shoot(browser: Browser, url: str, code: str, run_id: str) -> None:
    """The screen of that run, as a browser shows it that has just signed in."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=1.25)
    page = await context.new_page()
    await page.goto(f"{url}/login?code={code}")
    await page.goto(f"{url}/runs/{run_id}")
    await expect(page.get_by_role("heading", name="Transcript")).to_be_visible()
    await page.wait_for_timeout(1000)  # what follows the answer is asked for after it
    await page.screenshot(path=PICTURE)


async def main() -> None:
    """A lab of its own, a run, a picture."""
    with tempfile.TemporaryDirectory() as home:
        reading = read_settings({"AGENT_LAB_HOME": home}, dotenv=Path(home) / "no.env")
        codes = LoginCodes()
        async with open_lab(reading) as lab, async_playwright() as playwright:
            run_id = await repaired(lab)
            browser = await launch(playwright)
            async with serve(build_app(lab, token=TOKEN, login_codes=codes)) as url:
                await shoot(browser, url, codes.make(), run_id)
                await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
