"""One real Chromium for all browser tests; each test visits a server of its own, with a profile of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from agent_lab.api.site import SITE
from support.web import Visit, launch, visiting

# A test that passes waits no longer for it; one on a slow machine may have to.
expect.set_options(timeout=30_000)
Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keys the machine has, no page says so."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    assert (SITE / "index.html").is_file(), "the web app is not built: make web"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser can be used on the loop alone that it was started on: all these tests run on one."""
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(slots=True)
class Chromium:
    """A browser that is started when it is first wanted, and again where it has crashed."""

    playwright: Playwright
    browser: Browser | None = None

    async def open(self) -> Browser:
        if self.browser is None or not self.browser.is_connected():
            self.browser = await launch(self.playwright)
        return self.browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        chromium = Chromium(playwright)
        yield chromium
        if chromium.browser is not None:
            await chromium.browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(_chromium: Chromium) -> AsyncIterator[Browser]:
    browser = await _chromium.open()
    yield browser
    for context in browser.contexts:
        await context.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Visiting:
    """`async with visit(provider) as here`: a browser before a lab of its own; `here.signed_in('/runs')` is a page."""

    def to(*args: object, **more: object) -> AbstractAsyncContextManager[Visit]:
        return visiting(browser, tmp_path / "home", *args, **more)  # type: ignore[arg-type]

    return to
