"""One forward pass for several answers: tokens in, the scores of the next token of each out."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from agent_lab.providers.local.batching.seats import Memory
from agent_lab.providers.local.batching.slots import SlotCache, Window, causal_mask


class Forward(Protocol):
    """Runs passes of one model over a memory of rows."""

    model: Any

    @property
    def memory(self) -> Memory: ...

    def run(self, tokens: Sequence[Sequence[int]], first: int, starts: Sequence[int], extra: dict[str, Any]) -> Any:
        """Scores after the last token of each row: [rows, vocabulary], float32, on the model's device.

        Row `first + i` reads `tokens[i]` from place `starts[i]` on. `extra` is handed to the model as it is.
        """
        ...


class SlotForward:
    """Passes over a SlotCache, for every model whose layers keep nothing but keys and values."""

    def __init__(self, model: Any, *, rows: int, places: int) -> None:
        self.model = model
        self.rows = rows
        self._config = model.config.get_text_config()
        self._last_place = places - 1
        self.memory = SlotCache(self._config.num_hidden_layers, rows, places)
        self._keeps_some_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._sliding = _sliding(self._config)

    def run(self, tokens: Sequence[Sequence[int]], first: int, starts: Sequence[int], extra: dict[str, Any]) -> Any:
        """Scores after the last token of each row: [rows, vocabulary], float32, on the model's device.

        Row `first + i` reads `tokens[i]` from place `starts[i]` on. `extra` is handed to the model as it is.
        """
        window = Window(first, tuple(starts), tuple(map(len, tokens)))
        self.memory.open(window)
        device = self.model.device
        widest = max(window.counts)
        padded = [[*row, *[0] * (widest - len(row))] if len(row) < widest else row for row in tokens]
        ids = torch.tensor(padded, device=device)
        begins = torch.tensor(window.starts, device=device)[:, None]
        positions = begins if widest == 1 else begins + torch.arange(widest, device=device)[None, :]
        if not window.is_even:  # what fills up the shorter rows is read by nobody, but must be a place that exists
            positions = positions.clamp(max=self._last_place)
        kept, picked = ({}, None) if window.is_step else self._kept(window.counts, device)
        output = self.model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=self._mask(window, device),
            past_key_values=self.memory,
            use_cache=True,
            **kept,
            **extra,
        )
        if picked is None:
            return output.logits[:, -1].float()
        return output.logits[torch.arange(len(tokens), device=device), picked].float()

    def _kept(self, counts: tuple[int, ...], device: Any) -> tuple[dict[str, Any], Any]:
        """What tells the model for which tokens to compute scores, and where each row's own are among them."""
        lasts = [count - 1 for count in counts]
        if not self._keeps_some_logits:
            return {}, torch.tensor(lasts, device=device)
        distinct = sorted(set(lasts))
        places = torch.tensor([distinct.index(last) for last in lasts], device=device)
        return {"logits_to_keep": torch.tensor(distinct, device=device)}, places

    def _mask(self, window: Window, device: Any) -> Any:
        if window.is_even:
            return None

        def mask(sliding: int | None) -> Any:
            return causal_mask(window, sliding=sliding, dtype=self.model.dtype, device=device)

        kinds = set(getattr(self._config, "layer_types", None) or ())
        if kinds <= {"full_attention"}:
            return mask(self._sliding if not kinds else None)
        return {kind: mask(self._sliding if kind == "sliding_attention" else None) for kind in kinds}


def _sliding(config: Any) -> int | None:
    """Places that a layer with a sliding window looks back, itself included; None where there is no such layer."""
    if getattr(config, "use_sliding_window", True) is False:
        return None
    width = getattr(config, "sliding_window", None)
    return int(width) if width else None


class OwnForward:
    """One answer a pass, each over a cache of transformers' own making: for models that keep other things than keys.

    Rows are only names here: nothing is shared between them.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.memory = self
        self._caches: dict[int, Any] = {}

    def run(self, tokens: Sequence[Sequence[int]], first: int, starts: Sequence[int], extra: dict[str, Any]) -> Any:
        """As `SlotForward.run`, row after row."""
        scores = []
        for number, (row, start) in enumerate(zip(tokens, starts, strict=True)):
            output = self.model(
                input_ids=torch.tensor([list(row)], device=self.model.device),
                past_key_values=self._cache(first + number, start),
                use_cache=True,
                **{name: value[number : number + 1] for name, value in extra.items()},
            )
            scores.append(output.logits[0, -1].float())
        return torch.stack(scores)

    def _cache(self, row: int, start: int) -> Any:
        from transformers import DynamicCache

        if start == 0:
            self._caches[row] = DynamicCache(config=self.model.config)
        return self._caches[row]

    @property
    def can_share(self) -> bool:
        """What such models keep is no longer the beginning's alone once they have read on."""
        return False

    def copy(self, source: int, target: int, places: int) -> None:
        """Never asked for: nothing can be shared."""
        raise NotImplementedError

    def swap(self, one: int, other: int, places: int) -> None:
        """Exchange two rows."""
        self._caches[one], self._caches[other] = self._caches.get(other), self._caches.get(one)

    def clear(self, row: int, places: int) -> None:
        """Let go of what the row keeps."""
        self._caches.pop(row, None)


def agrees(model: Any, forward: SlotForward, ids: Sequence[int]) -> bool:
    """Whether passes over the slots give what the model gives without any memory: tried on two rows of two lengths
    (on one, where the memory has no more)."""
    rows = [list(ids[:5]), list(ids[2:5])][: forward.rows]
    begun = [row[:-1] for row in rows]
    try:
        first = forward.run(begun, 0, [0] * len(begun), {})
        second = forward.run([row[-1:] for row in rows], 0, [len(row) for row in begun], {})
        return _all_alike(first, begun, model) and _all_alike(second, rows, model)
    except (TypeError, ValueError, AttributeError, RuntimeError, IndexError, NotImplementedError, KeyError):
        return False  # its layers want another memory than keys and values, or another mask


def _all_alike(scores: Any, rows: Sequence[Sequence[int]], model: Any) -> bool:
    wholes = [model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits[0, -1] for row in rows]
    return all(_alike(mine, whole.float()) for mine, whole in zip(scores, wholes, strict=True))


def _alike(one: Any, other: Any) -> bool:
    spread = float((other - other.mean()).abs().mean()) or 1.0
    return bool((one - other).abs().mean() <= 0.05 * spread)
