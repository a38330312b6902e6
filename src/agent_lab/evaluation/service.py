"""Evaluations as every door sees them: estimated, started, followed, taken up again, reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.evaluation import Cell, EvaluationEstimate, EvaluationInfo, EvaluationSpec
from agent_lab.contracts.evaluation_ports import BadgeStore, DatasetStore, EvaluationStore
from agent_lab.contracts.evaluation_report import Badge, Report


class Imported(Protocol):
    """An answer that was made elsewhere, as `evaluation.importing` reads it."""

    @property
    def item(self) -> str: ...
    @property
    def sample(self) -> int: ...
    @property
    def answer(self) -> str | None: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def seconds(self) -> float: ...


@dataclass(slots=True, kw_only=True)
class EvaluationService:
    """The evaluations of one store. Build it in a running event loop; `close` it before that ends."""

    datasets: DatasetStore
    store: EvaluationStore
    badge_store: BadgeStore

    async def estimate(self, spec: EvaluationSpec) -> EvaluationEstimate:
        """What it would take, and what difference it could show. Raises what `start` raises."""
        raise _not_yet()

    async def start(self, spec: EvaluationSpec, *, caller: str = "") -> EvaluationInfo:
        """Check everything, store it, and let it go on in the background.

        Raises NotFoundError for an unknown dataset, flow, node or model, ValidationError for what does not go together.
        """
        raise _not_yet()

    async def resume(self, evaluation_id: str, *, budget_usd: Decimal | None = None) -> EvaluationInfo:
        """Go on with one that ended early; what was answered is not paid again. Raises ConflictError, NotFoundError."""
        raise _not_yet()

    async def cancel(self, evaluation_id: str) -> EvaluationInfo:
        """Stop it; what it has is kept. Raises ConflictError where it has ended, NotFoundError."""
        raise _not_yet()

    async def delete(self, evaluation_id: str) -> None:
        """Forget it. Raises ConflictError where it goes on, NotFoundError."""
        raise _not_yet()

    async def get(self, evaluation_id: str) -> EvaluationInfo:
        """Raises NotFoundError."""
        return await self.store.get(evaluation_id)

    async def list(self, *, limit: int = 50, before: str | None = None) -> Sequence[EvaluationInfo]:
        """The newest first."""
        return await self.store.list(limit=limit, before=before)

    async def wait(self, evaluation_id: str) -> EvaluationInfo:
        """The evaluation once it has ended."""
        raise _not_yet()

    async def watch(self, evaluation_id: str) -> AsyncIterator[EvaluationInfo]:
        """It as it goes on, the last time at its end."""
        yield await self.wait(evaluation_id)

    async def report(self, evaluation_id: str) -> Report:
        """All that can be said of it now, also of one that has not ended. Raises NotFoundError."""
        raise _not_yet()

    async def cells(self, evaluation_id: str) -> Sequence[Cell]:
        """Its answers, one by one. Raises NotFoundError."""
        await self.store.get(evaluation_id)
        return await self.store.cells(evaluation_id)

    async def import_answers(
        self, spec: EvaluationSpec, answers: Mapping[str, Sequence[Imported]], *, caller: str = ""
    ) -> EvaluationInfo:
        """An evaluation whose imported arms have these answers, by arm; the other arms are asked.

        Raises what `start` raises.
        """
        raise _not_yet()

    async def badges(self) -> Sequence[Badge]:
        """The newest badge of each flow; what has expired says why."""
        raise _not_yet()

    async def badge(self, flow: str) -> Badge | None:
        """The newest badge of that flow."""
        raise _not_yet()

    async def recover(self) -> Sequence[str]:
        """Take up what a process has left that is there no more; the ids."""
        raise _not_yet()

    async def close(self) -> None:
        """Stop working. What has not ended can be taken up again."""


def _not_yet() -> ConflictError:
    return ConflictError("No evaluation can be started here yet; install a version that has it whole.")
