"""Keeps evaluations and all that they draw on in memory, under the same rules as the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent_lab.contracts.evaluation import ENDED, ArmOrigin, Cell, Dataset, DatasetInfo, EvaluationInfo, Item
from agent_lab.contracts.evaluation_report import Badge
from agent_lab.contracts.generation import GenerationResult
from agent_lab.storage import evaluation_rules as rules
from agent_lab.storage.rules import utc_now

Clock = Callable[[], datetime]


@dataclass(slots=True)
class _Kept:
    info: EvaluationInfo
    items: tuple[Item, ...]
    cells: dict[tuple[str, str, int], Cell] = field(default_factory=dict)
    origins: tuple[ArmOrigin, ...] = ()
    lease_owner: str | None = None
    lease_until: datetime | None = None


class MemoryEvaluations:
    """The evaluation store without a disk. No method awaits, so each is one transaction."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def create(self, info: EvaluationInfo, items: Sequence[Item]) -> None:
        """Add it with its items."""
        self._kept[info.evaluation_id] = _Kept(info, tuple(items))

    async def get(self, evaluation_id: str) -> EvaluationInfo:
        """Raises NotFoundError."""
        return self._of(evaluation_id).info

    async def items(self, evaluation_id: str) -> Sequence[Item]:
        """In the order in which they are asked. Raises NotFoundError."""
        return self._of(evaluation_id).items

    async def list(self, *, limit: int = 50, before: str | None = None) -> Sequence[EvaluationInfo]:
        """The newest first. Raises NotFoundError where there is none `before`."""
        mark = None if before is None else _place(self._of(before).info)
        infos = sorted((kept.info for kept in self._kept.values()), key=_place, reverse=True)
        return [info for info in infos if mark is None or _place(info) < mark][: max(limit, 0)]

    async def update(self, info: EvaluationInfo) -> None:
        """Its status, progress, fault and end. Raises NotFoundError."""
        self._of(info.evaluation_id).info = info

    async def delete(self, evaluation_id: str) -> None:
        """With all that it has. Raises NotFoundError."""
        self._of(evaluation_id)
        del self._kept[evaluation_id]

    async def claim(self, evaluation_id: str, *, owner: str, seconds: float, instead_of: str | None = None) -> bool:
        """Take or renew the lease; False where somebody else holds it. Raises NotFoundError."""
        kept, now = self._of(evaluation_id), self._clock()
        if not rules.free_for(owner, kept.lease_owner, kept.lease_until, now, instead_of=instead_of):
            return False
        kept.lease_owner, kept.lease_until = owner, now + timedelta(seconds=seconds)
        return True

    async def release(self, evaluation_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""
        kept = self._kept.get(evaluation_id)
        if kept is not None and kept.lease_owner == owner:
            kept.lease_owner = kept.lease_until = None

    async def unfinished(self) -> Sequence[tuple[str, str | None]]:
        """Those that have not ended, the oldest first, with whoever holds them."""
        now = self._clock()
        going = sorted((kept for kept in self._kept.values() if kept.info.status not in ENDED), key=_place_of_kept)
        return [
            (kept.info.evaluation_id, kept.lease_owner if kept.lease_until and now < kept.lease_until else None)
            for kept in going
        ]

    async def add_cells(self, evaluation_id: str, cells: Sequence[Cell]) -> None:
        """Keep them; one that is there already is replaced. Raises NotFoundError."""
        self._of(evaluation_id).cells.update({(cell.arm, cell.item, cell.sample): cell for cell in cells})

    async def cells(self, evaluation_id: str) -> Sequence[Cell]:
        """By arm, item and sample. Raises NotFoundError."""
        return [cell for _, cell in sorted(self._of(evaluation_id).cells.items())]

    async def put_origins(self, evaluation_id: str, origins: Sequence[ArmOrigin]) -> None:
        """Keep them in place of those that are there. Raises NotFoundError."""
        self._of(evaluation_id).origins = tuple(origins)

    async def origins(self, evaluation_id: str) -> Sequence[ArmOrigin]:
        """In the order in which they were put. Raises NotFoundError."""
        return self._of(evaluation_id).origins

    def _of(self, evaluation_id: str) -> _Kept:
        if evaluation_id not in self._kept:
            raise rules.unknown_evaluation(evaluation_id)
        return self._kept[evaluation_id]


class MemoryDatasets:
    """The dataset store without a disk."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._named: dict[str, DatasetInfo] = {}
        self._items: dict[str, tuple[Item, ...]] = {}

    async def put(self, dataset: Dataset) -> None:
        """Keep it; from now on its name means this one."""
        info = rules.stamped(dataset, self._clock())
        self._named[info.name] = info
        self._items[info.content_hash] = dataset.items
        self._sweep()

    async def get(self, name: str) -> Dataset:
        """By name, else by hash. Raises NotFoundError."""
        found = [info for info in self._named.values() if info.content_hash == name]
        info = self._named.get(name) or max(found, key=lambda one: str(one.created_at), default=None)
        if info is None:
            raise rules.unknown_dataset(name, list(self._named))
        return Dataset(info=info, items=self._items[info.content_hash])

    async def list(self) -> Sequence[DatasetInfo]:
        """By name."""
        return [info for _, info in sorted(self._named.items())]

    async def delete(self, name: str) -> None:
        """Forget a name, and its items where no other name means them. Raises NotFoundError."""
        if name not in self._named:
            raise rules.unknown_dataset(name, list(self._named))
        del self._named[name]
        self._sweep()

    def _sweep(self) -> None:
        meant = {info.content_hash for info in self._named.values()}
        self._items = {key: items for key, items in self._items.items() if key in meant}


class MemoryAnswers:
    """The cache of answers without a disk."""

    def __init__(self) -> None:
        self._answers: dict[str, GenerationResult] = {}

    async def get(self, keys: Iterable[str]) -> Mapping[str, GenerationResult]:
        """Those that are there."""
        return {key: self._answers[key] for key in keys if key in self._answers}

    async def put(self, answers: Mapping[str, GenerationResult]) -> None:
        """Keep them; what is there already stays as it is."""
        for key, answer in answers.items():
            self._answers.setdefault(key, answer)


class MemoryBadges:
    """The badge store without a disk."""

    def __init__(self) -> None:
        self._badges: dict[str, tuple[Badge, Sequence[ArmOrigin]]] = {}

    async def put(self, badge: Badge, origins: Sequence[ArmOrigin]) -> None:
        """Keep it in place of the one that the flow has."""
        self._badges[badge.flow] = (badge, tuple(origins))

    async def get(self, flow: str) -> tuple[Badge, Sequence[ArmOrigin]] | None:
        """That of the flow."""
        return self._badges.get(flow)

    async def list(self) -> Sequence[tuple[Badge, Sequence[ArmOrigin]]]:
        """By flow."""
        return [badge for _, badge in sorted(self._badges.items())]


def _place(info: EvaluationInfo) -> tuple[datetime, str]:
    return info.created_at, info.evaluation_id


def _place_of_kept(kept: _Kept) -> tuple[datetime, str]:
    return _place(kept.info)
