"""Tells beside a flow what was found of its worth: its badge, and what its runs would have answered without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_lab.contracts.evaluation_report import Badge
    from agent_lab.flows.finding import Entry
    from agent_lab.wiring import Lab


async def worth_lines(lab: Lab, entry: Entry) -> list[str]:
    """A line for the badge and one for the tally; none where nothing was measured, and nothing has run."""
    lines = []
    badge = await lab.evaluations.badge(entry.flow_id)
    if badge is not None:
        lines.append(f"Measured: {badge.sentence}.")
        lines += [f"That holds no longer: {reason}" for reason in badge.expired]
    tally = (await lab.tallies.of(entry.flow_id, entry.flow_hash)).now
    if tally is not None:
        lines.append(tally.sentence)
    return lines


async def badges_by_flow(lab: Lab) -> Mapping[str, Badge]:
    """The newest badge of each flow that has one."""
    return {badge.flow: badge for badge in await lab.evaluations.badges()}


def in_short(badge: Badge | None) -> str:
    """The badge in a column's width."""
    if badge is None:
        return ""
    if badge.expired:
        return "expired"
    if badge.verdict in {"better", "worse"}:
        return f"{100 * badge.difference:+.1f} points"
    return "no difference" if badge.verdict == "no_difference" else "not known"
