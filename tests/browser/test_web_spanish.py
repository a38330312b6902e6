"""The app in Spanish, in a real browser: what the server says in English is in Spanish too, or marked as English."""

from typing import Any

import pytest
from playwright.async_api import expect

from agent_lab.providers.scripted import ScriptedProvider
from support.web import Visit, axe, visiting_lab

pytestmark = pytest.mark.browser


async def in_spanish(here: Visit) -> Any:
    """A signed-in page that speaks Spanish."""
    page = await here.signed_in()
    await page.evaluate("() => localStorage.setItem('agent-lab.language', 'es')")
    await page.reload()
    await expect(page.get_by_role("heading", name="Consola")).to_be_visible()
    return page


async def test_strategies_and_problems_are_told_in_spanish(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Sí."})) as here:
        page = await in_spanish(here)
        await page.get_by_text("Opciones", exact=True).click()
        await page.get_by_label("Estrategia").select_option("greedy")
        await expect(page.get_by_text("Siempre el token más probable")).to_be_visible()
        await page.goto(f"{here.url}/flows/nadie")
        problem = page.get_by_role("main").get_by_role("alert")
        await expect(problem).to_contain_text("Eso no existe, o ya no existe.")
        # The server's own sentence stays, for what it names, and is read out as English.
        await expect(problem.locator("[lang='en']")).to_contain_text("nadie")
        assert await axe(page) == []


async def test_what_keeps_a_provider_from_answering_is_told_in_spanish(tmp_path: Any, browser: Any) -> None:
    async with visiting_lab(browser, tmp_path / "home", AGENT_LAB_PLUGINS="false") as here:
        page = await in_spanish(here)
        await page.goto(f"{here.url}/models")
        await page.get_by_role("tab", name="Proveedores").click()
        await expect(page.get_by_text("Pon OPENAI_API_KEY en el archivo .env")).to_be_visible()
        assert await axe(page) == []


async def test_why_a_model_cannot_be_used_and_what_came_of_a_call_are_told_in_spanish(
    tmp_path: Any, browser: Any
) -> None:
    async with visiting_lab(browser, tmp_path / "home", AGENT_LAB_PLUGINS="false") as here:
        page = await in_spanish(here)
        await page.goto(f"{here.url}/models")
        await page.get_by_role("tab", name="Registro").click()
        await expect(page.locator("[title*='necesita OPENAI_API_KEY: ponla en .env']").first).to_be_visible()
        model = here.door.lab.models.list_models()
        hosted = next(one.key for one in model if one.provider == "openai")
        await page.get_by_role("button", name=hosted, exact=True).click()
        detail = page.get_by_role("dialog")
        await expect(detail).to_contain_text(f"“{hosted}” necesita OPENAI_API_KEY: ponla en .env o usa un modelo local")
        assert await detail.locator("[lang='en']").count() == 0
        assert await axe(page) == []
        await page.goto(f"{here.url}/settings")
        await page.get_by_role("button", name="Probar la conexión: openai", exact=True).click()
        await expect(page.get_by_text("Pon OPENAI_API_KEY en", exact=False).last).to_contain_text("arranca de nuevo")
        assert await page.get_by_role("main").locator("[lang='en']").count() == 0
