"""Opens the engine of a loaded model: tries whether its answers can share forward passes, and arranges them so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agent_lab.providers.local.adapters import Adapters
from agent_lab.providers.local.batching.grammar import Grammar
from agent_lab.providers.local.engine import Engine
from agent_lab.providers.local.plan import LoadPlan
from agent_lab.providers.local.threads import threads_for

ALONE = (
    "The layers of {key!r} keep more than keys and values: its answers take turns and share neither passes nor prompts."
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An engine at work, and what its user should know."""

    engine: Engine
    notes: tuple[str, ...]


def open_engine(model_key: str, model: Any, tokenizer: Any, plan: LoadPlan, end_ids: Sequence[int]) -> Opened:
    """Start the loop for a model in memory; it goes on until the engine is closed."""
    import torch

    from agent_lab.providers.local.batching.engine import BatchEngine
    from agent_lab.providers.local.batching.forward import Forward, OwnForward, SlotForward, agrees

    vocabulary = int(model.config.get_text_config().vocab_size)
    with torch.inference_mode():
        shared = SlotForward(model, rows=plan.parallel, places=plan.context_tokens)
        is_shared = agrees(model, shared, [(number * 7 + 3) % vocabulary for number in range(5)])
    forward: Forward = shared if is_shared else OwnForward(model)
    on_demand = is_shared and plan.device == "cpu"
    engine = BatchEngine(
        model_key,
        forward,
        rows=plan.parallel,
        places=plan.context_tokens,
        threads=threads_for(model),
        lazy_bytes=plan.footprint.kv_bytes_per_token if on_demand else 0,
        decode=decoder(tokenizer),
        end_ids=end_ids,
        grammar=Grammar(tokenizer, end_ids, vocabulary),
        adapters=Adapters(model),
    )
    return Opened(engine, () if is_shared else (ALONE.format(key=model_key),))


def decoder(tokenizer: Any) -> Callable[[Sequence[int]], str]:
    """Ids to text without special tokens and without a change to spaces."""
    core = getattr(tokenizer, "backend_tokenizer", None)
    if core is not None:
        # The same words as below, without what the wrapper looks up for each of thousands of calls.
        return lambda ids: str(core.decode(list(ids), skip_special_tokens=True))
    return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))
