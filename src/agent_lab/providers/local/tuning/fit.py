"""Trains the two matrices of each layer by gradient descent, a step at a time, the same however often it is resumed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agent_lab.contracts.errors import UnusableError
from agent_lab.providers.local.tuning.encoding import Encoded
from agent_lab.providers.local.tuning.plan import TuningPlan, batches, rate

ADAPTER = "default"
IGNORED = -100
STRIDE = 1_000_003
"""Between the seeds of two trainings, so that their steps draw differently."""
LARGE_PARAMETERS = 500_000_000
"""From here on a step computes activations twice rather than keep them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step did."""

    done: int
    """Steps so far."""
    loss: float
    seconds: float


class Training:
    """One adapter in training on a model in memory. `close` gives the model back as it was.

    Trainer of transformers was looked at and left: what it adds to this loop (its own files, pickles among them, its
    own reporting and seeding) is more than the loop, and its resuming repeats no step's chance.
    """

    def __init__(self, model: Any, plan: TuningPlan, examples: Sequence[Encoded], pad_id: int) -> None:
        import torch
        from peft import LoraConfig, get_peft_model

        self._torch, self._plan, self._examples, self._pad_id = torch, plan, examples, pad_id
        self.steps = plan.steps(len(examples))
        self._base = model
        self._frozen = {name: one.requires_grad for name, one in model.named_parameters()}
        _unpack(model)
        torch.manual_seed(plan.seed)
        self.config = LoraConfig(
            r=plan.rank, lora_alpha=2 * plan.rank, target_modules="all-linear", task_type="CAUSAL_LM", lora_dropout=0.0
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # what peft calls by its old name is no user's affair
                self.peft = get_peft_model(model, self.config)
        except ValueError as error:
            reason = str(error).splitlines()[0][:200]
            raise UnusableError(f"No adapter can be put on this model ({reason}); take another base.") from error
        self._weights = {name: one for name, one in self.peft.named_parameters() if one.requires_grad}
        self._descent = torch.optim.AdamW(self._weights.values(), lr=plan.learning_rate, weight_decay=0.0)

    def run(self, done: int = 0) -> Iterator[Step]:
        """Take the steps after the first `done`, and tell of each."""
        plan = self._plan
        with self._learning():
            order = batches(len(self._examples), plan.batch, plan.seed, done, self.steps)
            for step, chosen in enumerate(order, start=done):
                began = time.monotonic()
                loss = self._step(step, [self._examples[number] for number in chosen])
                yield Step(done=step + 1, loss=loss, seconds=time.monotonic() - began)

    def matrices(self) -> dict[str, Any]:
        """What was trained, by the names that peft gives it in files.

        Not by peft's own means: those ask every layer for its state, which spoils one in 4 bit on a CPU, and the hub
        for the base's configuration.
        """
        return {name.replace(f".{ADAPTER}.", "."): one.detach().cpu() for name, one in self._weights.items()}

    def state(self) -> dict[str, Any]:
        """What `restore` goes on from: the matrices and what the descent remembers of them."""
        state = {f"weight/{name}": one.detach().cpu() for name, one in self._weights.items()}
        for name, one in self._weights.items():
            for kind, value in self._descent.state.get(one, {}).items():
                state[f"{kind}/{name}"] = value.detach().cpu()
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state. Raises UnusableError where it is not one of this training."""
        kinds: dict[str, dict[str, Any]] = {name: {} for name in self._weights}
        try:
            for full, value in state.items():
                kind, _, name = full.partition("/")
                kinds[name][kind] = value
            for name, one in self._weights.items():
                self._put_back(one, kinds[name])
        except (KeyError, RuntimeError) as error:
            raise UnusableError("The checkpoint does not fit this base; train from the start.") from error

    def _put_back(self, weight: Any, state: dict[str, Any]) -> None:
        with self._torch.no_grad():
            weight.copy_(state.pop("weight"))
        if state:
            # What counts the steps stays on the CPU, where AdamW keeps it.
            moved = {kind: value if kind == "step" else value.to(weight.device) for kind, value in state.items()}
            self._descent.state[weight] = moved

    def close(self) -> None:
        """Take the adapter off; the model is what it was."""
        self.peft.unload()
        for name, one in self._base.named_parameters():
            one.requires_grad_(self._frozen.get(name, False))
            one.grad = None
        self._base.eval()

    def _step(self, step: int, chosen: Sequence[Encoded]) -> float:
        torch = self._torch
        torch.manual_seed(self._plan.seed * STRIDE + step)
        for group in self._descent.param_groups:
            group["lr"] = rate(step, self.steps, self._plan.learning_rate)
        loss = self.peft(**padded(chosen, self._pad_id, self._base.device)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._weights.values(), 1.0)
        self._descent.step()
        self._descent.zero_grad(set_to_none=True)
        return float(loss.detach())

    @contextmanager
    def _learning(self) -> Iterator[None]:
        is_large = sum(one.numel() for one in self._base.parameters()) >= LARGE_PARAMETERS
        self.peft.train()
        if is_large:
            self._base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        try:
            yield
        finally:
            if is_large:
                self._base.gradient_checkpointing_disable()
            self.peft.eval()


def _unpack(model: Any) -> None:
    # On a CPU bitsandbytes packs 4-bit weights anew at the first answer, and from then on hands back no gradient, in
    # silence. A layer that is asked for its state unpacks them, but rounds their scales again or leaves them in the
    # packed order: so those are put back as they were used.
    for module in model.modules():
        state: Any = getattr(getattr(module, "weight", None), "quant_state", None)
        if getattr(state, "packing_format_for_cpu", False):
            scales = state.absmax.T.reshape(-1).float()
            module.state_dict()
            state.absmax, state.nested, state.state2, state.offset = scales, False, None, None


def padded(chosen: Sequence[Encoded], pad_id: int, device: Any) -> dict[str, Any]:
    """A batch for the model: rows filled up at their ends, and labels that hide prompts and filling."""
    import torch

    width = max(one.tokens for one in chosen)
    rows = [(*one.prompt_ids, *one.completion_ids) for one in chosen]
    labels = [(*[IGNORED] * len(one.prompt_ids), *one.completion_ids) for one in chosen]

    def filled(lists: Sequence[Sequence[int]], value: int) -> Any:
        return torch.tensor([[*row, *[value] * (width - len(row))] for row in lists], device=device)

    return {
        "input_ids": filled(rows, pad_id),
        "attention_mask": filled([[1] * len(row) for row in rows], 0),
        "labels": filled(labels, IGNORED),
    }


def mean_loss(model: Any, examples: Sequence[Encoded], pad_id: int, batch: int, tell: Callable[[int], None]) -> float:
    """Mean of -ln p over the tokens of all completions. `tell` is given the examples that are done."""
    import torch

    total = tokens = 0.0
    with torch.no_grad():
        for first in range(0, len(examples), batch):
            chosen = examples[first : first + batch]
            counted = sum(len(one.completion_ids) for one in chosen)
            total += float(model(**padded(chosen, pad_id, model.device)).loss) * counted
            tokens += counted
            tell(first + len(chosen))
    return total / tokens
