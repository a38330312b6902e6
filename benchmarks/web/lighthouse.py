"""What Lighthouse says of each screen, signed in, as a phone and as a desktop: each category out of 100."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from agent_lab.contracts.evaluation import EvaluationSpec
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from benchmarks.web.figures import Figure
from support.web import FLAGS, Visit, chromium, visiting

HERE = Path(__file__).parent
LEAST = 95
SCREENS = (
    "/",
    "/runs",
    "/flows",
    "/flows/challenge",
    "/evaluations",
    "/evaluations/new",
    "/models",
    "/metrics",
    "/settings",
)
EVALUATION = {
    "dataset": "demo",
    "limit": 12,
    "arms": [
        {"kind": "flow", "name": "challenge", "flow": "challenge"},
        {"kind": "single", "name": "one", "like": "challenge"},
        {"kind": "without", "name": "no critic", "flow": "challenge", "node": "challenger"},
    ],
}
NEW_FLOW = {"id": "mine", "name": "Mine", "nodes": [], "edges": []}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
ROLES = {
    "creator": "12 + 30 = 32\nAnswer: **32 apples**",
    "challenger": "12 + 30 is 42, not 32.",
    "refiner": "12 + 30 = 42\n\n- checked by columns\n\nAnswer: **42 apples**",
    "*": "Answer: 42",
}


def install() -> None:
    """What the lock file pins, where it is not there already."""
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(command, cwd=HERE, check=True)
    stamp.write_bytes(lock.read_bytes())


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """Every page of a lab that is at work, in both forms."""
    install()
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as home:
        async with visiting(browser, Path(home), ScriptedProvider(ROLES)) as here:
            pages = [("/", "/")] if quick else await pages_of(here)
            for (path, name), form in itertools.product(pages, ("mobile", "desktop")):
                found += _figures(await _report(here, path, form), name, form)
    return found


async def pages_of(here: Visit) -> list[tuple[str, str]]:
    """Addresses and names: every screen, a run and an evaluation that have ended, a flow with nothing in it."""
    evaluations = here.door.lab.evaluations
    async with here.door.owner() as client:
        (await client.post("/api/flows", json=NEW_FLOW)).raise_for_status()
    started = await evaluations.start(EvaluationSpec.model_validate(EVALUATION))
    evaluation = await evaluations.wait(started.evaluation_id)
    return [
        *((path, path) for path in SCREENS),
        (f"/runs/{await ran(here)}", "/runs/<id>"),
        (f"/evaluations/{evaluation.evaluation_id}", "/evaluations/<id>"),
        (f"/flows/{NEW_FLOW['id']}", "/flows/<new>"),
    ]


async def ran(here: Visit) -> str:
    """Some runs that have ended; the last one's id."""
    runs = here.door.lab.runs
    for n in range(12):
        info = await runs.start(
            RunRequest(flow="challenge", prompt=f"Ana has {n} apples and buys 30 more. How many now?")
        )
        await runs.wait(info.run_id)
    return info.run_id


async def _report(here: Visit, path: str, form: str) -> dict[str, Any]:
    """What Lighthouse says, or under `refused` why it did not look, twice: some traces are never handed over."""
    report = await _looked(here, path, form)
    return report if "refused" not in report else await _looked(here, path, form)


async def _looked(here: Visit, path: str, form: str) -> dict[str, Any]:
    page = await here.signed_in()
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in await page.context.cookies())
    await page.context.close()
    command = [
        str(HERE / "node_modules" / ".bin" / "lighthouse"),
        here.url + path,
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--extra-headers={json.dumps({'Cookie': cookies})}",
        f"--chrome-flags=--headless=new {' '.join(FLAGS)}",
        *(["--preset=desktop"] if form == "desktop" else []),
    ]
    process = await asyncio.create_subprocess_exec(
        "env", f"CHROME_PATH={chromium()}", *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said, wrong = await process.communicate()
    if process.returncode:
        return {"refused": " ".join(wrong.decode().split())[-300:]}
    report: dict[str, Any] = json.loads(said)
    return report


def _figures(report: dict[str, Any], path: str, form: str) -> Iterator[Figure]:
    if "refused" in report:
        yield Figure(what=f"{path} {form}", value=0, at_least=LEAST, more=report["refused"])
        return
    for name in CATEGORIES:
        category = report["categories"][name]
        lost = [
            one["id"]
            for one in category["auditRefs"]
            if one["weight"] and (report["audits"][one["id"]]["score"] or 0) < 0.9
            if report["audits"][one["id"]]["scoreDisplayMode"] not in {"notApplicable", "manual", "informative"}
        ]
        score = 100 * (category["score"] or 0)
        yield Figure(what=f"{path} {form} {name}", value=score, at_least=LEAST, more=", ".join(lost))
