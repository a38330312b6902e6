"""The app in Spanish, in a real browser: what the server says in English is in Spanish too, or marked as English."""

from typing import Any

import pytest
from playwright.async_api import expect

from agent_lab.contracts.evaluation import EvaluationSpec
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.hosted.errors import Callee
from agent_lab.providers.scripted import ScriptedProvider
from support.web import Visit, axe, stored, visiting_lab

pytestmark = pytest.mark.browser

HOST = ProviderSpec(key="acme", kind="openai_compatible", base_url="https://acme.test/v1", key_env="ACME_API_KEY")
MODEL = ModelSpec(key="big", name="Big", provider="acme", model_id="acme/big", context_window=1000)


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
        await expect(problem).to_contain_text("No existe el flujo «nadie»; hay: adversarial, challenge")
        assert await problem.locator("[lang='en']").count() == 0
        assert await axe(page) == []


async def test_what_is_wrong_with_a_flow_is_told_in_spanish(visit: Any) -> None:
    wrong = {
        "id": "mal",
        "name": "Mal",
        "nodes": [{"id": "autor", "kind": "generate", "prompt": "{nadie_output}", "model": "voise"}],
        "edges": [{"from": "autor", "to": "nadie"}],
    }
    async with visit(ScriptedProvider({"*": "Sí."})) as here:
        await stored(here, wrong)
        page = await in_spanish(here)
        await page.goto(f"{here.url}/flows/mal")
        await page.get_by_text("3 problemas").click()
        problems = page.get_by_role("region", name="3 problemas")
        await expect(problems).to_contain_text("No existe el nodo «nadie»; hay: autor.")
        await expect(problems).to_contain_text("No existe el modelo «voise»; ¿querías decir «voice»?")
        await expect(problems).to_contain_text("{nadie_output} no es un nombre que «autor» pueda usar")
        await problems.get_by_role("button", name="No existe el modelo").click()
        await page.get_by_text("Lo que deja").click()
        await expect(page.get_by_text("Clave en el registro del modelo que respondió")).to_be_visible()


async def test_why_a_run_failed_or_is_not_there_is_told_in_spanish(visit: Any) -> None:
    refused = Callee(provider=HOST, model=MODEL, secret="").refused(413, {"error": {"message": "Too many words."}})
    async with visit(ScriptedProvider({"*": "Sí."}, errors={1: refused})) as here:
        runs = here.door.lab.runs
        run = await runs.start(RunRequest(flow="challenge", prompt="¿Cuántos?"))
        await runs.wait(run.run_id)
        page = await in_spanish(here)
        await page.goto(f"{here.url}/runs/{run.run_id}")
        fault = page.get_by_role("main").get_by_role("alert")
        await expect(fault).to_contain_text("La pregunta es demasiado larga para «big» (Too many words); acórtala")
        assert await fault.locator("[lang=en]").count() == 0
        await page.goto(f"{here.url}/runs/nadie")
        await expect(page.get_by_role("heading", name="No existe esa ejecución").last).to_be_visible()
        assert await axe(page) == []


async def test_what_is_wrong_with_answers_made_elsewhere_is_told_in_spanish(visit: Any) -> None:
    raw = b'{"id": "a", "answer": "2"}\n[1]\n'
    async with visit(ScriptedProvider({"*": "Sí."})) as here:
        page = await in_spanish(here)
        await page.goto(f"{here.url}/evaluations")
        await page.get_by_role("button", name="Importar respuestas").first.click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Archivos de respuestas").set_input_files(
            {"name": "mias.jsonl", "mimeType": "application/jsonl", "buffer": raw}
        )
        await dialog.get_by_role("button", name="Verlo").click()
        problem = dialog.get_by_role("alert")
        await expect(problem).to_contain_text("Línea 2: no es un objeto JSON; escribe")
        assert await problem.locator("[lang=en]").count() == 0


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
        models = here.door.lab.models.list_models()
        hosted = next(one.key for one in models if one.provider == "openai")
        await page.get_by_role("button", name=hosted, exact=True).click()
        detail = page.get_by_role("dialog")
        await expect(detail).to_contain_text(f"«{hosted}» necesita OPENAI_API_KEY: ponla en .env o usa un modelo local")
        assert await detail.locator("[lang='en']").count() == 0
        assert await axe(page) == []
        await page.goto(f"{here.url}/settings")
        await page.get_by_role("button", name="Probar la conexión: openai", exact=True).click()
        await expect(page.get_by_text("Pon OPENAI_API_KEY en", exact=False).last).to_contain_text("arranca de nuevo")
        assert await page.get_by_role("main").locator("[lang='en']").count() == 0


async def test_the_report_of_an_evaluation_is_read_in_spanish(visit: Any) -> None:
    roles = {"creator": "Answer: 32", "challenger": "It is more.", "refiner": "Answer: 37", "*": "Answer: 31"}
    arms = [
        {"kind": "flow", "name": "reto", "flow": "challenge"},
        {"kind": "single", "name": "una", "like": "challenge"},
        {"kind": "without", "name": "sin crítico", "flow": "challenge", "node": "challenger"},
    ]
    async with visit(ScriptedProvider(roles)) as here:
        evaluations = here.door.lab.evaluations
        spec = EvaluationSpec.model_validate({"dataset": "demo", "limit": 6, "arms": arms})
        info = await evaluations.wait((await evaluations.start(spec)).evaluation_id)
        page = await in_spanish(here)
        await page.goto(f"{here.url}/evaluations/{info.evaluation_id}")
        verdicts = page.get_by_role("region", name="Veredictos").get_by_role("listitem")
        await expect(verdicts).to_have_count(3)
        told = verdicts.filter(has_text="reto frente a una")
        await expect(told).to_contain_text("No se puede saber si reto es mejor o peor que una: la diferencia es de")
        await expect(told).to_contain_text("veces su coste")
        await expect(told).to_contain_text("Con 6 preguntas se ven diferencias de")
        await expect(verdicts.filter(has_text="equal-cost")).to_contain_text("una votación de")
        row = page.get_by_role("region", name="Brazos").get_by_role("row").filter(has_text="sin crítico")
        await expect(row).to_contain_text("Un flujo sin uno de sus nodos")
        debate = page.get_by_role("region", name="Qué hizo la deliberación: reto")
        await expect(debate).to_contain_text("Cambios de borrador a respuesta")
        await expect(debate).to_contain_text("Con estas preguntas no se puede saber si cambia algo.")
        warned = page.get_by_role("region", name="Ten en cuenta")
        await expect(warned).to_contain_text("4 brazos preguntan a un modelo sin precio conocido")
        await expect(warned).to_contain_text("6 preguntas son pocas para ver 2 puntos")
        await expect(warned.locator("[lang=en]")).to_have_count(0)
        assert await axe(page) == []
