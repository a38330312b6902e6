"""Builds the tiny Llama and trains it on a stream of batches, at a learning rate given for each share of the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from training.batches import Batch
from training.optimiser import Optimiser
from training.team import Team

log = logging.getLogger("training")
LONGEST_GRADIENT = 1.0
REPORT_EVERY = 100


def tiny_llama(*, vocabulary: int, hidden: int, layers: int, heads: int, inner: int, context: int) -> LlamaForCausalLM:
    """An untrained Llama with tied embeddings; token 0 pads, token 1 ends a turn."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
        )
    )


def loss_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Mean loss over the tokens to learn; padding is on the right, so the causal mask alone keeps it out."""
    hidden = model.model(input_ids=batch.ids[:, :-1], use_cache=False).last_hidden_state
    learn = batch.learn[:, 1:]
    return functional.cross_entropy(model.lm_head(hidden[learn]), batch.ids[:, 1:][learn])


def fit(
    model: LlamaForCausalLM,
    optimiser: Optimiser,
    batches: Iterator[Batch],
    steps: int,
    rate: Callable[[float], float],
    team: Team | None = None,
) -> list[float]:
    """The loss of each step; `rate` maps the share of the steps done, 0 to 1, to a share of the full rate."""
    model.train()
    seen, losses, started = 0, [], time.monotonic()
    for step, batch in enumerate(islice(batches, steps)):
        loss = loss_of(model, batch)
        optimiser.zero()
        loss.backward()
        if team:
            team.average(model)
        torch.nn.utils.clip_grad_norm_(model.parameters(), LONGEST_GRADIENT)
        optimiser.step(rate(step / steps))
        seen += batch.ids.numel()
        losses.append(float(loss.detach()))
        if len(losses) % REPORT_EVERY == 0:
            mean = sum(losses[-REPORT_EVERY:]) / REPORT_EVERY
            log.info("step %d  %d tokens  loss %.4f  %.0f s", step + 1, seen, mean, time.monotonic() - started)
    return losses
