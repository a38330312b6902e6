"""Says when the policy has to be asked again although nothing has happened."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.providers.local.residency.state import Entry, Key, Rules


def wakes_s(entries: Sequence[Entry[Key]], rules: Rules, now_s: float) -> float | None:
    """The next time, by the clock of `now_s`; None: not before something happens."""
    times = [one.deadline_s for entry in entries for one in entry.waiting.values()]
    times += [at_s for entry in entries if (at_s := entry.expires_s) is not None]
    waiting = [entry for entry in entries if entry.stage == "waiting"]
    if waiting:
        times.append(now_s + rules.look_again_s)
        times += [at_s for at_s in _turns(entries, waiting, rules) if at_s > now_s]
    return min(times, default=None)


def _turns(entries: Sequence[Entry[Key]], waiting: Sequence[Entry[Key]], rules: Rules) -> list[float]:
    """When models have rested, and when they must make way."""
    ready = [entry for entry in entries if entry.stage == "ready"]
    return [
        *(entry.rested_s(rules) for entry in ready),
        *(entry.yields_s(to, rules) for entry in ready for to in waiting),
    ]
