"""Records docs/challenge.svg: a challenge on a held-out problem in which the built-in model repairs its own draft."""

from __future__ import annotations

import asyncio
import re
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from agent_lab.cli.examples import figure, pick_example
from agent_lab.cli.following import resolver, show_stored
from agent_lab.cli.output import note
from agent_lab.cli.paper import Page, Paper
from agent_lab.cli.render import Transcript
from agent_lab.contracts.run import RunInfo, RunOptions, RunRequest, RunView
from agent_lab.settings import read_settings
from agent_lab.wiring import Lab, open_lab

PICTURE = Path(__file__).parents[1] / "docs" / "challenge.svg"
TITLE = "agent-lab run challenge --example"
SEEDS = 400
"""How many are tried before giving up."""


async def repaired(lab: Lab) -> tuple[int, RunInfo, RunView]:
    """The first seed whose draft is wrong, called so, and repaired, with its run."""
    for seed in range(SEEDS):
        problem = pick_example(seed)
        request = RunRequest(flow="challenge", prompt=problem.input, options=RunOptions(seed=seed))
        info = await lab.runs.start(request)
        view = await lab.runs.wait(info.run_id)
        found = "wrong" in next(node.text for node in view.nodes if node.id == "challenger")
        if found and figure(view.answer) == problem.target != figure(view.draft):
            return seed, info, view
    raise SystemExit(f"None of {SEEDS} seeds has a wrong draft whose fault was found and repaired.")


async def record(home: str) -> None:
    """Find a run worth showing and write its transcript as a picture."""
    console = Page(record=True, width=80, force_terminal=True, color_system="truecolor", file=StringIO())
    async with open_lab(read_settings({"AGENT_LAB_HOME": home})) as lab:
        seed, info, view = await repaired(lab)
        lab.runs.output_path(info).unlink()  # it lies in a folder that nobody else has; the picture leaves it out
        transcript = Transcript(Paper(console, live=True), resolver(lab))
        events = await lab.runs.events(info.run_id)
        show_stored(lab, info, events, view, transcript=transcript, expected=pick_example(seed).target)
    drawn = console.export_svg(title=TITLE, unique_id="challenge")
    # Without the fonts from the network: a picture is shown where there is none, and must not call out.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")
    note(f"{PICTURE} shows --seed {seed}.")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(record(folder))
