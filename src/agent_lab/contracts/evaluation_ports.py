"""What evaluations need of others: where they, their datasets and the answers already paid for are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from agent_lab.contracts.evaluation import ArmOrigin, Cell, Dataset, DatasetInfo, EvaluationInfo, Item
from agent_lab.contracts.evaluation_report import Badge
from agent_lab.contracts.generation import GenerationResult


class DatasetStore(Protocol):
    """Datasets, each kept once under its content hash."""

    async def put(self, dataset: Dataset) -> None:
        """Keep it; the newest of a name is what the name means."""
        ...

    async def get(self, name: str) -> Dataset:
        """By name or hash. Raises NotFoundError."""
        ...

    async def list(self) -> Sequence[DatasetInfo]: ...

    async def delete(self, name: str) -> None:
        """Forget a name; evaluations keep their items. Raises NotFoundError."""
        ...


class EvaluationStore(Protocol):
    """Evaluations and their cells."""

    async def create(self, info: EvaluationInfo, items: Sequence[Item]) -> None:
        """With its items in the order in which they are asked."""
        ...

    async def get(self, evaluation_id: str) -> EvaluationInfo:
        """Raises NotFoundError."""
        ...

    async def items(self, evaluation_id: str) -> Sequence[Item]: ...

    async def list(self, *, limit: int = 50, before: str | None = None) -> Sequence[EvaluationInfo]:
        """The newest first; `before`: those older than that evaluation."""
        ...

    async def update(self, info: EvaluationInfo) -> None:
        """Its status, progress, fault and end."""
        ...

    async def delete(self, evaluation_id: str) -> None: ...

    async def claim(self, evaluation_id: str, *, owner: str, seconds: float, instead_of: str | None = None) -> bool:
        """Take or renew the lease for so long; False where somebody else holds it, unless it is `instead_of`."""
        ...

    async def release(self, evaluation_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""
        ...

    async def unfinished(self) -> Sequence[tuple[str, str | None]]:
        """Those that have not ended, the oldest first, with the owner of the lease where one was not given back."""
        ...

    async def add_cells(self, evaluation_id: str, cells: Sequence[Cell]) -> None:
        """Keep them; one that is there already (arm, item, sample) is replaced."""
        ...

    async def cells(self, evaluation_id: str) -> Sequence[Cell]: ...

    async def put_origins(self, evaluation_id: str, origins: Sequence[ArmOrigin]) -> None: ...

    async def origins(self, evaluation_id: str) -> Sequence[ArmOrigin]: ...


class AnswerCache(Protocol):
    """Answers already paid for, by the content of what was asked."""

    async def get(self, keys: Iterable[str]) -> Mapping[str, GenerationResult]: ...

    async def put(self, answers: Mapping[str, GenerationResult]) -> None: ...


class BadgeStore(Protocol):
    """The newest badge of each flow."""

    async def put(self, badge: Badge, origins: Sequence[ArmOrigin]) -> None: ...

    async def get(self, flow: str) -> tuple[Badge, Sequence[ArmOrigin]] | None: ...

    async def list(self) -> Sequence[tuple[Badge, Sequence[ArmOrigin]]]: ...
