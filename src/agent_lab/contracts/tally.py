"""A flow's running tally: what the first draft, a vote and the best draft would have answered, over all its runs."""

from __future__ import annotations

from pydantic import Field

from agent_lab.contracts.generation import Contract
from agent_lab.contracts.registry import Usd


class Agreements(Contract):
    """How often something came down to the same as the run's answer."""

    same: int = Field(default=0, ge=0)
    other: int = Field(default=0, ge=0)
    untold: int = Field(default=0, ge=0)
    """Runs in which one of the two says nothing that could be compared."""
    missing: int = Field(default=0, ge=0)
    """Runs that had none."""


class RunTally(Contract):
    """The completed runs of one content of a flow. Nothing of it says which answer was right."""

    flow_id: str
    flow_hash: str
    flow_version: int | None = None
    """The newest stored version of that content; None for a flow of the library or of a file."""
    runs: int = Field(ge=0)
    """Completed runs of the whole flow; trials of single nodes are not in it."""
    first_draft: Agreements = Agreements()
    """`other`: the deliberation changed the answer."""
    vote: Agreements = Agreements()
    """A vote of the independent first answers. `missing`: there were fewer than two of them."""
    ties: int = Field(default=0, ge=0)
    """Of the votes; they are in `untold`."""
    best_draft: Agreements = Agreements()
    """The draft that the run's own judge or validator scored highest, else the one that most others agree with."""
    compared: int = Field(default=0, ge=0)
    """Runs whose costs can be compared: those with a draft that took no answer over from another run."""
    draft_tokens: int = Field(default=0, ge=0)
    """Read and written for the first drafts of those runs."""
    drafts_tokens: int = Field(default=0, ge=0)
    """For all their independent first answers."""
    run_tokens: int = Field(default=0, ge=0)
    """For all of it."""
    priced: int = Field(default=0, ge=0)
    """Of those runs, the ones whose price is known."""
    draft_usd: Usd | None = None
    """Of the priced ones, as the two below; None where there is none."""
    drafts_usd: Usd | None = None
    run_usd: Usd | None = None
    sentence: str
    """The same in words."""


class FlowTally(Contract):
    """The tally of a flow: the content that runs now, and those before it."""

    flow_id: str
    now: RunTally | None
    """Of the content that runs now; None where it has not come to an end yet."""
    before: tuple[RunTally, ...] = ()
    """Of its earlier contents, the one with the most runs first."""
    uncounted: int = Field(default=0, ge=0)
    """Completed runs that are not counted yet; they are as this is read again."""
