"""Says how long a model may be silent before it is given up; pure."""

from __future__ import annotations

from dataclasses import dataclass

from agent_lab.contracts.registry import ModelSpec

HEADER_S = 30.0
FIRST_TOKEN_S = 10.0
IDLE_S = 60.0
IDLE_WITH_FALLBACK_S = 20.0
WHOLE_ANSWER_S = 30.0
SLOWEST_TOKENS_PER_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds; None sets no bound besides the request's own deadline.

    `header_s`: until the provider has begun to answer. `first_token_s`: until the first token. `idle_s`: between two.
    """

    header_s: float | None = None
    first_token_s: float | None = None
    idle_s: float | None = None


def patience(model: ModelSpec, *, elsewhere: bool, streamed: bool, max_tokens: int) -> Patience:
    """How long to wait for this model: what its row says, else by where it runs.

    A local model may be loading, which is no silence. A hosted one is left early only where there is another to ask
    (`elsewhere`): a model that thinks for minutes and has no fallback is waited for. An answer in one piece (not
    `streamed`) begins when it is whole, so its headers may take as long as the slowest writing of it.
    """
    row = model.timeouts
    if model.runs_here:
        return Patience(header_s=row.header_s, first_token_s=row.first_token_s, idle_s=row.idle_s)
    if not streamed:
        whole_s = WHOLE_ANSWER_S + max_tokens / SLOWEST_TOKENS_PER_S
        return Patience(
            header_s=row.header_s or (whole_s if elsewhere else None),
            idle_s=row.idle_s or (IDLE_WITH_FALLBACK_S if elsewhere else None),
        )
    return Patience(
        header_s=row.header_s or (HEADER_S if elsewhere else None),
        first_token_s=row.first_token_s or (FIRST_TOKEN_S if elsewhere else None),
        idle_s=row.idle_s or (IDLE_WITH_FALLBACK_S if elsewhere else IDLE_S),
    )
