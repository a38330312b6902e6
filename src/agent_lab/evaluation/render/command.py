"""Writes the command that makes an evaluation again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from agent_lab.contracts.evaluation import EvaluationSpec, ImportedArm, ScorerSpec
from agent_lab.evaluation.arms.text import arm_text
from agent_lab.evaluation.render.figures import plain

_SPEC_OPTIONS = {
    "name": "--name",
    "split": "--split",
    "limit": "--limit",
    "samples": "--samples",
    "seed": "--seed",
    "order": "--order",
    "language": "--language",
    "alpha": "--alpha",
    "margin": "--margin",
    "cost_unit": "--cost-unit",
    "cost_tolerance": "--cost-tolerance",
    "budget_usd": "--budget-usd",
    "baseline": "--baseline",
}
_SCORER_OPTIONS = {
    "pattern": "--pattern",
    "tolerance": "--tolerance",
    "model": "--judge",
    "question": "--criterion",
    "timeout_s": "--code-timeout",
}


def command_of(spec: EvaluationSpec) -> str | None:
    """`agent-lab eval run ...` with whatever is not as it is by itself; None where answers came from elsewhere."""
    if any(isinstance(arm, ImportedArm) for arm in spec.arms):
        return None
    return " ".join(shlex.quote(plain(word)) for word in _words(spec))


def _words(spec: EvaluationSpec) -> Iterator[str]:
    yield from ("agent-lab", "eval", "run", spec.dataset)
    for arm in spec.arms:
        yield from ("--arm", arm_text(arm))
    yield from _given(spec, _SPEC_OPTIONS, EvaluationSpec)
    if spec.scorer.name != ScorerSpec().name or spec.scorer.model is not None:
        yield from ("--scorer", spec.scorer.name)
    yield from _given(spec.scorer, _SCORER_OPTIONS, ScorerSpec)
    for choice in spec.scorer.choices:
        yield from ("--choice", choice)
    if not spec.scorer.ignore_case:
        yield "--match-case"
    if spec.run_code:
        yield "--run-code"


def _given(
    part: EvaluationSpec | ScorerSpec, options: dict[str, str], kind: type[EvaluationSpec] | type[ScorerSpec]
) -> Iterator[str]:
    for name, option in options.items():
        value = getattr(part, name)
        if value is not None and value != kind.model_fields[name].default:
            yield from (option, f"{value:g}" if isinstance(value, float) else str(value))
