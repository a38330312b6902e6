"""Writes down what an adapter is: a card beside its weights, and the row by which it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_lab.providers.local.tuning.checkpoint import write_whole
from agent_lab.providers.local.tuning.plan import Measured, TuningPlan

CARD, FIGURES = "README.md", "training.json"


def write_card(folder: Path, plan: TuningPlan, facts: dict[str, Any], before: Measured, after: Measured) -> None:
    """Put `training.json` and the same in words into the folder. Raises OSError."""
    figures = {"before": _figures(before), "after": _figures(after)}
    document = {"name": plan.name, "base": plan.base, "settings": dict(plan.settings()), **facts, "figures": figures}
    write_whole(folder / FIGURES, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    lines = [
        f"# {plan.name}: a LoRA adapter for {plan.base}",
        "",
        f"Trained by `agent-lab finetune` on {facts['trained']} examples ({facts['steps']} steps). The figures are of "
        f"{facts['held_out']} other examples, held out by the hash of their question.",
        "",
        "| | base alone | with the adapter |",
        "| --- | ---: | ---: |",
        f"| loss a token, held out | {before.loss:.4f} | {after.loss:.4f} |",
        f"| greedy answers that are exactly right, of {after.answered} | {before.exact:.1%} | {after.exact:.1%} |",
        "",
        *(
            f"- {name.replace('_', ' ')}: {value}"
            for name, value in {**facts, **plan.settings()}.items()
            if value is not None
        ),
        "",
    ]
    write_whole(folder / CARD, "\n".join(lines).encode())


def write_row(path: Path, plan: TuningPlan) -> None:
    """Put the registry row of the adapter into a file of its own. Raises OSError."""
    text = (
        f"# Written by `agent-lab finetune`; the adapter is in the folder of `model_id`.\n[[model]]\n"
        f'key = {_toml(plan.name)}\nprovider = "local"\nbase = {_toml(plan.base)}\n'
        f"model_id = {_toml(str(plan.out))}\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())


def _figures(measured: Measured) -> dict[str, float]:
    return {"loss": round(measured.loss, 6), "exact": round(measured.exact, 6), "answered": measured.answered}


def _toml(text: str) -> str:
    # JSON's strings are TOML's, but for one control character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
