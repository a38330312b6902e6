"""Writes the measured figures into the model card, between its markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CARD = Path(__file__).parent.parent / "src" / "agent_lab" / "demo" / "MODEL_CARD.md"
BEGIN, END = "<!-- figures: written by training/measure.py -->", "<!-- end of figures -->"
CHECKS = {
    "wrong_drafts_flagged": "wrong drafts that the challenger flags",
    "right_drafts_flagged": "right drafts that it flags all the same (false alarms)",
    "lines_worked_out_right": "single lines that it works out exactly",
    "sums_set_up_right": "problems whose operations and numbers are set up right",
}


def write_card(figures: dict[str, Any], card: Path = CARD) -> None:
    """Replaces what stands between the markers; the rest of the card is written by hand."""
    text = card.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    card.write_text(f"{before}{BEGIN}\n{rendered(figures)}\n{END}{after}", encoding="utf-8")


def rendered(figures: dict[str, Any]) -> str:
    """The figures as Markdown: arms, checker, and one conversation as it was sampled."""
    lines = [
        f"{figures['problems']} held-out problems, sampling temperature {figures['temperature']}, "
        f"seed {figures['seed']}; tokens are means a problem.",
        "",
        "| arm | accuracy | 95 % interval | tokens generated | generated and read |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for arm in figures["arms"]:
        tokens = f"{arm['generated_tokens']:.0f} | {arm['generated_and_read_tokens']:.0f}"
        lines.append(f"| {arm['arm']} | {arm['accuracy']:.1%} | {_span(arm['interval'])} | {tokens} |")
    lines += ["", "| the checker | rate | 95 % interval | n |", "| --- | ---: | ---: | ---: |"]
    for key, name in CHECKS.items():
        check = figures["checker"][key]
        lines.append(f"| {name} | {check['rate']:.1%} | {_span(check['interval'])} | {check['n']} |")
    against = figures["challenge_minus_vote_of_equal_tokens"]
    low, high = (100 * bound for bound in against["interval"])
    lines += [
        "",
        f"Challenge minus {against['vote']} (at least as many tokens), paired: {low:+.1f} to {high:+.1f} points.",
    ]
    lines += [
        "",
        "The first held-out problem whose draft was objected to, as sampled:",
        "",
        "```text",
        f"user:       {figures['sample']['question']}",
    ]
    for role in ("creator", "challenger", "refiner"):
        said = figures["sample"][role].strip().replace("\n", "\n" + " " * 12)
        lines.append(f"{role + ':':<12}{said}")
    return "\n".join([*lines, "```"])


def _span(interval: list[float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"
