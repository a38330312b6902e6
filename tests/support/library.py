"""The library's flows on a script: what each node was asked, as the run's own events tell it.

`python -m support.library` writes the prompts of `library_prompts/` anew, for a change that is meant.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from agent_lab.contracts.events import GenerationStarted
from agent_lab.contracts.run import RunOptions, RunRequest, RunView
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.checks import check_flow
from agent_lab.runs.aside import SetAside
from agent_lab.runs.cases import CaseScript
from support.flows import KINDS, LIBRARY
from support.runs import MODELS, STRATEGIES

LANGUAGES = ("en", "es")
QUESTION = "What is {user_input} + {{38}}?"
"""With braces, which must come through as they are."""
PROMPTS = Path(__file__).parent / "library_prompts"
OBJECTION = '{"issues": [{"severity": 3, "where": "line 1", "why": "a slip", "fix": "85"}], "accepted": false}'
ACCEPTED = '{"issues": [], "accepted": true}'
SAID: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "linear": {"execution": ("I'm sorry, [execution 1]", "[execution 2]")},
    "adversarial": {"red_team": OBJECTION},
    "consensus": {"voices": ("Answer: 85", "Answer: 75", "[voices]\nAnswer: 85")},
    "iterative": {"challenger": (OBJECTION, "[challenger 2]", ACCEPTED), "refiner": ("[refiner 1]", "[refiner 2]")},
    "debate": {f"agent_{n}": (f"[agent_{n} 1]", f"[agent_{n} 2]") for n in (1, 2, 3)},
}
"""What nodes answer, call by call; every other one says its own name in brackets."""

CHECK = partial(check_flow, kinds=KINDS, models=[row.key for row in MODELS.list_models()], strategies=["standard"])
CATALOG = FlowCatalog(Path("no-such-folder"), CHECK)
ASIDE = SetAside(models=MODELS, strategies=STRATEGIES, kinds=KINDS, flows=CATALOG, check=CHECK)


async def on_script(
    name: str,
    language: str,
    answers: Mapping[str, str | tuple[str, ...]],
    *,
    models: Mapping[str, str] | None = None,
    prompt: str = QUESTION,
) -> tuple[RunView, Sequence[GenerationStarted]]:
    """A run on these answers (by node, else `*`), and its calls in the order of nodes, turns and samples."""
    flow = CATALOG.get(name)
    options = RunOptions.model_validate({"language": language, "models": dict(models or {})})
    async with ASIDE(flow, CaseScript(answers)) as service:
        info = await service.start(RunRequest(flow=name, prompt=prompt, options=options))
        view, events = await service.wait(info.run_id), await service.events(info.run_id)
    order = [node.id for node in flow.nodes]
    calls = [event for event in events if isinstance(event, GenerationStarted)]
    return view, sorted(calls, key=lambda call: (order.index(call.node), call.visit, call.sample))


def said(name: str) -> dict[str, str | tuple[str, ...]]:
    """What the nodes of that flow answer here."""
    return {node.id: f"[{node.id}]" for node in CATALOG.get(name).nodes} | dict(SAID.get(name, {}))


def transcript(calls: Sequence[GenerationStarted]) -> str:
    """Everything that was asked, for comparing."""
    parts = []
    for call in calls:
        place = f"=== {call.node}, turn {call.visit}, sample {call.sample}"
        system = call.request.context.system
        parts.append(f"{place}\n" + (f"--- system\n{system}\n--- prompt\n" if system else "") + call.request.prompt)
    return "\n\n".join(parts) + "\n"


def prompts_file(name: str, language: str) -> Path:
    """Where the prompts of that flow are kept."""
    return PROMPTS / f"{name}.{language}.txt"


async def renew() -> None:
    """Write every file anew."""
    PROMPTS.mkdir(exist_ok=True)
    for name in LIBRARY:
        for language in LANGUAGES:
            _, calls = await on_script(name, language, said(name))
            prompts_file(name, language).write_text(transcript(calls), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(renew())
