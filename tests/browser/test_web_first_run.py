"""A newcomer: `agent-lab up`, the printed link, an example, and the built-in model at work in a real browser."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.async_api import Browser, expect

from agent_lab.demo.domain import refusal
from support.cli_processes import free_port, read_until
from support.web import WEB, axe

pytestmark = pytest.mark.browser


@pytest.fixture
def link(tmp_path: Path) -> Iterator[str]:
    """What a server that was never started here prints."""
    environ = {**os.environ, "AGENT_LAB_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    for name in ("AGENT_LAB_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        environ.pop(name, None)
    command = [sys.executable, "-m", "agent_lab", "up", "--port", str(free_port()), "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path, env=environ)
    try:
        said = read_until(server.stdout, b"/login?code=").decode()
        found = re.search(r"http://\S+/login\?code=\S+", said)
        assert found
        yield found.group()
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


async def test_a_newcomer_runs_an_example_on_the_built_in_model(browser: Browser, link: str) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(link)
    await expect(page.get_by_role("heading", name="The built-in demonstration model is on")).to_be_visible()
    example = page.get_by_role("button", name="Ada has 47 apples.")
    await example.click()
    await expect(page.get_by_text("3 model calls")).to_be_visible()
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url("**/runs/*")
    # The model is loaded for it, which takes some seconds.
    await expect(page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=200_000)
    await expect(page.get_by_text(re.compile(r"Answer: \d+")).first).to_be_visible()
    await page.goto(link)  # the link again, in a browser that is signed in
    await page.get_by_role("button", name="Hide this").click()
    await page.reload()
    await expect(page.get_by_role("textbox", name="Question")).to_be_visible()
    await expect(page.get_by_role("heading", name="The built-in demonstration model is on")).to_be_hidden()


async def test_readers_object_to_nothing_while_a_newcomer_is_told_of_the_built_in_model(
    browser: Browser, link: str
) -> None:
    first = await browser.new_context()
    await (await first.new_page()).goto(link)
    signed_in = await first.storage_state()
    for width, theme in product((1440, 375), ("light", "dark")):
        # A page of its own for each: in one that changes its theme the colours are on their way for a moment.
        context = await browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
            storage_state=signed_in,
        )
        page = await context.new_page()
        await page.goto(urljoin(link, "/"))
        await expect(page.get_by_role("region", name="The built-in demonstration model is on")).to_be_visible()
        assert await axe(page) == [], (width, theme)
        await context.close()


async def test_the_examples_are_what_the_built_in_model_takes() -> None:
    source = await asyncio.to_thread((WEB / "src/features/console/examples.ts").read_text, "utf-8")
    examples = re.findall(r'^  "(.+)",$', source, re.MULTILINE)
    assert len(examples) == 3
    assert [one for one in examples if refusal(one)] == []
