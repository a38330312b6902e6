"""One real Chromium for all browser tests of a module; each test visits a server of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from agent_lab.api.site import SITE
from support.web import Visit, launch, visiting

expect.set_options(timeout=15_000)
Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    assert (SITE / "index.html").is_file(), "the web app is not built: make web"


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Visiting:
    """`async with visit(provider) as here`: a browser before a lab of its own; `here.signed_in('/runs')` is a page."""

    def to(*args: object, **more: object) -> AbstractAsyncContextManager[Visit]:
        return visiting(browser, tmp_path / "home", *args, **more)  # type: ignore[arg-type]

    return to
