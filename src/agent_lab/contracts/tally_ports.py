"""What a running tally needs of others: which runs are counted already, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

Agreement = Literal["same", "other", "untold", "missing"]
"""Whether something comes down to what the run answered; `untold`: one of the two says nothing that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the first draft of a run took, all its first answers, and the whole of it. USD: None where not known."""

    draft_tokens: int
    drafts_tokens: int
    run_tokens: int
    draft_usd: Decimal | None
    drafts_usd: Decimal | None
    run_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyMark:
    """What one run adds. A run that has a mark is counted."""

    run_id: str
    first_draft: Agreement = "missing"
    vote: Agreement = "missing"
    tied: bool = False
    best_draft: Agreement = "missing"
    spent: Spent | None = None
    readable: bool = True
    """False: its record is damaged, and it is in no sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TallySums:
    """The marks of all runs of one content of a flow, added up; the names as in `RunTally`."""

    flow_id: str
    flow_hash: str
    flow_version: int | None = None
    runs: int = 0
    ties: int = 0
    first_draft: Mapping[str, int] = field(default_factory=dict)
    vote: Mapping[str, int] = field(default_factory=dict)
    best_draft: Mapping[str, int] = field(default_factory=dict)
    compared: int = 0
    draft_tokens: int = 0
    drafts_tokens: int = 0
    run_tokens: int = 0
    priced: int = 0
    draft_usd: Decimal | None = None
    drafts_usd: Decimal | None = None
    run_usd: Decimal | None = None


class TallyStore(Protocol):
    """Which runs are counted, and what they add up to."""

    async def uncounted(self, flow_id: str | None, *, limit: int) -> Sequence[str]:
        """Completed runs of the whole flow that have no mark, oldest first; None: of any flow."""
        ...

    async def uncounted_runs(self, flow_id: str) -> int:
        """How many of them there are."""
        ...

    async def count(self, marks: Sequence[TallyMark]) -> None:
        """Keep the marks, in one transaction. Of a run that has one already, or that is gone, nothing is done."""
        ...

    async def sums(self, flow_id: str | None) -> Sequence[TallySums]:
        """By flow and content; None: of every flow."""
        ...
