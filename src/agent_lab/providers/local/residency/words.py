"""Says in a sentence why a request does not get its model, and what would help."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.contracts.errors import AgentLabError, BusyError, CapacityError, RateLimitedError
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.providers.local.gpu_guard import GB
from agent_lab.providers.local.plan import LoadPlan
from agent_lab.providers.local.residency.state import Failed, Full, Late, NoRoom, Reason, Stage

DOING: dict[Stage, Sentence] = {
    "preparing": said("doing_files", "its files are still being fetched or looked at"),
    "waiting": said("doing_others", "other models that are in use take its place in memory"),
    "loading": said("doing_loading", "it is still being loaded"),
    "ready": said("doing_other_first", "another model has waited longer and comes first"),
    "leaving": said("doing_leaving", "the memory it had is still being given back"),
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
                said(
                    "local_queue_full",
                    "Too many requests wait for local models already; ask for {model!r} again in {seconds:.0f} s.",
                    model=model_key,
                    seconds=round(retry_after_s),
                ),
                retry_after_s=retry_after_s,
            )
        case Late(stage=stage, retry_after_s=retry_after_s):
            return BusyError(
                said(
                    "model_not_ready",
                    "The model {model!r} was not ready in time: {doing}; ask again later, or give it more time.",
                    model=model_key,
                    doing=DOING[stage],
                ),
                retry_after_s=retry_after_s,
            )
        case NoRoom():
            return _no_room(reason, model_key, plan, pinned)


def _no_room(reason: NoRoom, model_key: str, plan: LoadPlan | None, pinned: Sequence[str]) -> AgentLabError:
    told, advice = _lacking(reason, plan, pinned), _advice(reason, plan, pinned)
    return CapacityError(
        said("no_room", "The model {model!r} {told}. {advice}", model=model_key, told=told, advice=advice)
    )


def _lacking(reason: NoRoom, plan: LoadPlan | None, pinned: Sequence[str]) -> Sentence:
    need, room = reason.need_bytes / GB, reason.room_bytes / GB
    if reason.why == "ran_out":
        form = "was to have {need:.2f} GB, and memory ran out twice while it was loaded"
        return said("room_ran_out", form, need=need)
    beside = said("beside_pinned", " beside what is pinned ({names})", names=pinned) if pinned else ""
    if reason.why == "never":
        form = "takes {need:.2f} GB{what}, and models may take {room:.2f} GB here{beside}"
        return said("room_never", form, need=need, what=_what(plan), room=room, beside=beside)
    return said(
        "room_taken",
        "takes {need:.2f} GB{what}, and no more than {room:.2f} GB of the memory can be free{beside}: other programs "
        "hold the rest",
        need=need,
        what=_what(plan),
        room=room,
        beside=beside,
    )


def _what(plan: LoadPlan | None) -> str:
    if plan is None:
        return ""
    if plan.parallel == 1:
        return said("with_an_answer", " with an answer of {tokens:,} tokens", tokens=plan.context_tokens)
    form = " with {answers} answers of {tokens:,} tokens"
    return said("with_answers", form, answers=plan.parallel, tokens=plan.context_tokens)


def _advice(reason: NoRoom, plan: LoadPlan | None, pinned: Sequence[str]) -> Sentence:
    ways = [] if plan is None or reason.why == "ran_out" else _smaller(plan, reason.room_bytes)
    if pinned:
        ways.append(said("unpin_either", "unpin {either:or}", either=pinned))
    if reason.why == "never":
        ways.append(said("raise_memory", "raise MAX_VRAM_USAGE_GB"))
    else:
        ways.append(said("close_programs", "close other programs"))
    last = said("smaller_model", "use a smaller model")
    return said("any_of_ways", "{ways} or {last}.", ways=ways, last=last).capital()


def _smaller(plan: LoadPlan, room_bytes: int) -> list[Sentence]:
    """What of the same model would fit there."""
    footprint, ways = plan.footprint, []
    left_bytes = room_bytes - footprint.weights_bytes - footprint.margin_bytes
    tokens = left_bytes // footprint.kv_bytes_per_token if footprint.kv_bytes_per_token else 0
    if plan.parallel > 1 and tokens >= plan.context_tokens:
        ways.append(said("load_parallel", "load it with parallel = {answers}", answers=tokens // plan.context_tokens))
    elif tokens >= SHORTEST_CONTEXT_TOKENS:
        form = "load it with parallel = 1 and context = {tokens}"
        ways.append(said("load_shorter", form, tokens=tokens // 256 * 256))
    in_4_bit_bytes = footprint.weights_bytes * FOUR_BIT_SHARE[plan.dtype] + footprint.margin_bytes
    if not plan.quantised and in_4_bit_bytes + plan.context_tokens * footprint.kv_bytes_per_token <= room_bytes:
        ways.append(said("load_in_4_bit", "load it in 4 bit (the strategy 'optimized')"))
    return ways
