"""Says in a sentence why a request does not get its model, and what would help."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.contracts.errors import AgentLabError, BusyError, CapacityError, RateLimitedError
from agent_lab.providers.local.gpu_guard import GB
from agent_lab.providers.local.plan import LoadPlan
from agent_lab.providers.local.residency.state import Failed, Full, Late, NoRoom, Reason, Stage

DOING: dict[Stage, str] = {
    "preparing": "its files are still being fetched or looked at",
    "waiting": "other models that are in use take its place in memory",
    "loading": "it is still being loaded",
    "ready": "another model has waited longer and comes first",
    "leaving": "the memory it had is still being given back",
}
SHORTEST_CONTEXT_TOKENS = 512
"""A context that is shorter is no use to anybody, and is not proposed."""
FOUR_BIT_SHARE = {"float32": 0.16, "bfloat16": 0.32, "float16": 0.32}
"""Of its size in that type, what a model takes in 4 bit, with the layers that stay whole."""


def refusal(reason: Reason, model_key: str, plan: LoadPlan | None, pinned: Sequence[str] = ()) -> Exception:
    """The error for the one who asked. `pinned`: keys of the models that are pinned."""
    match reason:
        case Failed(error=error):
            return error
        case Full(retry_after_s=retry_after_s):
            return RateLimitedError(
                f"Too many requests wait for local models already; ask for {model_key!r} again in "
                f"{retry_after_s:.0f} s.",
                retry_after_s=retry_after_s,
            )
        case Late(stage=stage, retry_after_s=retry_after_s):
            return BusyError(
                f"The model {model_key!r} was not ready in time: {DOING[stage]}; ask again later, or give it more "
                "time.",
                retry_after_s=retry_after_s,
            )
        case NoRoom():
            return _no_room(reason, model_key, plan, pinned)


def _no_room(reason: NoRoom, model_key: str, plan: LoadPlan | None, pinned: Sequence[str]) -> AgentLabError:
    need, room = f"{reason.need_bytes / GB:.2f} GB", f"{reason.room_bytes / GB:.2f} GB"
    beside = f" beside what is pinned ({', '.join(pinned)})" if pinned else ""
    told = {
        "never": f"takes {need}{_what(plan)}, and models may take {room} here{beside}",
        "taken": f"takes {need}{_what(plan)}, and no more than {room} of the memory can be free{beside}: other "
        "programs hold the rest",
        "ran_out": f"was to have {need}, and memory ran out twice while it was loaded",
    }[reason.why]
    return CapacityError(f"The model {model_key!r} {told}. {_advice(reason, plan, pinned)}")


def _what(plan: LoadPlan | None) -> str:
    if plan is None:
        return ""
    answers = "an answer" if plan.parallel == 1 else f"{plan.parallel} answers"
    return f" with {answers} of {plan.context_tokens:,} tokens"


def _advice(reason: NoRoom, plan: LoadPlan | None, pinned: Sequence[str]) -> str:
    ways = [] if plan is None or reason.why == "ran_out" else _smaller(plan, reason.room_bytes)
    if pinned:
        ways.append(f"unpin {' or '.join(map(repr, pinned))}")
    if reason.why == "never":
        ways.append("raise MAX_VRAM_USAGE_GB")
    else:
        ways.append("close other programs")
    ways.append("use a smaller model")
    listed = ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
    return f"{listed[0].upper()}{listed[1:]}."


def _smaller(plan: LoadPlan, room_bytes: int) -> list[str]:
    """What of the same model would fit there."""
    footprint, ways = plan.footprint, []
    left_bytes = room_bytes - footprint.weights_bytes - footprint.margin_bytes
    tokens = left_bytes // footprint.kv_bytes_per_token if footprint.kv_bytes_per_token else 0
    if plan.parallel > 1 and tokens >= plan.context_tokens:
        ways.append(f"load it with parallel = {tokens // plan.context_tokens}")
    elif tokens >= SHORTEST_CONTEXT_TOKENS:
        ways.append(f"load it with parallel = 1 and context = {tokens // 256 * 256}")
    in_4_bit_bytes = footprint.weights_bytes * FOUR_BIT_SHARE[plan.dtype] + footprint.margin_bytes
    if not plan.quantised and in_4_bit_bytes + plan.context_tokens * footprint.kv_bytes_per_token <= room_bytes:
        ways.append("load it in 4 bit (the strategy 'optimized')")
    return ways
