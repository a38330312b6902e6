"""Arranges the cells of an evaluation by arm and item, as the figures need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum

from agent_lab.contracts.evaluation import AnyArm, ArmOrigin, Cell, CostUnit, Item
from agent_lab.evaluation.report.costs import cost_of, has_usage


@dataclass(frozen=True)
class ArmCells:
    """One arm's answers, by item in the order of the evaluation."""

    name: str
    arm: AnyArm | None
    """None where the evaluation does not list it: known by its answers alone."""
    origin: ArmOrigin | None
    unit: CostUnit
    by_item: Mapping[str, Sequence[Cell]] = field(repr=False)
    judged: bool = False
    """Whether scores are preferences: then the judge has heard of what failed, and two failures are a tie."""

    @property
    def kind(self) -> str:
        """Of its arm: `flow`, `vote`, `imported` ..."""
        return self.arm.kind if self.arm is not None else "imported"

    @cached_property
    def cells(self) -> list[Cell]:
        """All of them."""
        return [cell for cells in self.by_item.values() for cell in cells]

    @cached_property
    def scores(self) -> dict[str, float]:
        """The mean score of each item; what came to no end is wrong."""
        return {item: fsum(self._score(cell) for cell in cells) / len(cells) for item, cells in self.by_item.items()}

    @cached_property
    def costs(self) -> dict[str, float]:
        """What an answer to each item cost, on average."""
        return {
            item: fsum(cost_of(cell, self.unit) for cell in cells) / len(cells) for item, cells in self.by_item.items()
        }

    @cached_property
    def cost_known(self) -> bool:
        """Whether its costs are figures: some usage is told, and in USD every price is known."""
        used = [cell for cell in self.cells if has_usage(cell)]
        if self.unit == "usd":
            return bool(used) and all(cell.cost_usd is not None for cell in used)
        return any(cell.prompt_tokens or cell.completion_tokens for cell in used)

    @cached_property
    def once(self) -> bool:
        """Whether each item has one answer, right or wrong."""
        return self.one_each and all(score in (0.0, 1.0) for score in self.scores.values())

    @property
    def one_each(self) -> bool:
        """Whether each item has one answer."""
        return all(len(cells) == 1 for cells in self.by_item.values())

    def _score(self, cell: Cell) -> float:
        return cell.score if self.judged or cell.status == "completed" else 0.0


def arrange(
    arms: Sequence[AnyArm],
    items: Sequence[Item],
    cells: Iterable[Cell],
    origins: Sequence[ArmOrigin],
    unit: CostUnit,
    *,
    judged: bool = False,
) -> dict[str, ArmCells]:
    """The arms in their order, then those that only the cells know. A cell given twice counts as the later one."""
    listed = {arm.name: arm for arm in arms}
    known = {origin.arm: origin for origin in origins}
    found: dict[str, dict[tuple[str, int], Cell]] = {name: {} for name in listed}
    for cell in cells:
        found.setdefault(cell.arm, {})[cell.item, cell.sample] = cell
    table = {}
    for name, mine in found.items():
        grouped: dict[str, list[Cell]] = {}
        for (item, _), cell in sorted(mine.items()):
            grouped.setdefault(item, []).append(cell)
        by_item = {item.id: grouped[item.id] for item in items if item.id in grouped}
        table[name] = ArmCells(
            name=name, arm=listed.get(name), origin=known.get(name), unit=unit, by_item=by_item, judged=judged
        )
    return table
