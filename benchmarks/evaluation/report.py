"""A report of 1,319 items x 4 arms, from its cells to the finished report."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from agent_lab.contracts.evaluation import Cell, SingleArm, VoteArm
from agent_lab.evaluation.report.build import build_report
from support.cells import EQUAL, EQUAL_ORIGIN, FLOW, cells, info, items

ITEMS = 1319
ARMS = (FLOW, EQUAL, SingleArm(name="single"), VoteArm(name="vote", k=3))


def lines(*, quick: bool = False) -> Iterator[str]:
    """Seconds of the first report in a process, imports included, and of the next."""
    for samples in (1, 3):
        made = simulated(samples)
        for which in ("first", "again") if samples == 1 else ("again",):
            began = (time.perf_counter(), time.process_time())
            report = build_report(
                info(ARMS, ITEMS, samples=samples),
                items(ITEMS),
                made,
                [EQUAL_ORIGIN],
                scorer_version="number@1",
                binary=True,
            )
            wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
            yield (
                f"{len(made):,} cells, {samples} an item and arm, {len(report.differences)} differences, {which}: "
                f"{wall:.2f} s ({cpu:.2f} s CPU)"
            )


def simulated(samples: int) -> list[Cell]:
    """Four arms of differing accuracy over items of differing difficulty."""
    chance = np.random.default_rng(7)
    easy = chance.beta(2.1, 0.9, ITEMS)
    made: list[Cell] = []
    for number, arm in enumerate(ARMS):
        for sample in range(samples):
            right = chance.random(ITEMS) < np.clip(easy + 0.03 * number, 0, 1)
            spent = int(chance.integers(190, 210))
            made += cells(arm.name, right.astype(float).tolist(), sample=sample, tokens=spent)
    return made
