"""One answer of one model, written in a worker thread: piece by piece, and stopped within a step when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent_lab.contracts.errors import AgentLabError, CapacityError, TooLargeError, UnusableError
from agent_lab.contracts.generation import FinishReason
from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.local.batching.decoding import Unfolding
from agent_lab.providers.local.gpu_guard import GB, import_torch
from agent_lab.providers.local.loader import Loaded
from agent_lab.providers.local.prompt import Reading, prompt_ids
from agent_lab.providers.local.templates.sandbox import Templates

COLDEST = 1e-4
"""Below this temperature the likeliest token is taken: dividing by it would overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An answer as the worker thread wrote it. Seconds, tokens, GB."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    queue_s: float
    first_token_s: float | None
    inference_s: float
    gpu_memory_used_gb: float
    notes: tuple[str, ...] = ()


class Writer:
    """Writes one answer. `show` is called in the worker thread with each piece; `stop` from any thread."""

    def __init__(self, call: ModelCall, loaded: Loaded, templates: Templates, show: Callable[[str], None]) -> None:
        self._call = call
        self._loaded = loaded
        self._reading = Reading(model_key=call.model.key, tokenizer=loaded.tokenizer, templates=templates)
        self._show = show
        self._stopped = threading.Event()
        self._queued_at = time.monotonic()
        self._first_at: float | None = None
        self._awaits_prompt = True
        self._ids: list[int] = []
        self._text = Unfolding(self._decode, call.request.stop)

    def stop(self) -> None:
        """End after the step that is being computed."""
        self._stopped.set()

    def write(self) -> Written:
        """The whole answer. Raises TooLargeError, ValidationError, CapacityError and UnusableError."""
        begun = time.monotonic()
        ids = prompt_ids(self._reading, self._call.request, self._call.model.prompt_format)
        max_tokens, notes = self._budget(len(ids))
        try:
            memory_gb = self._generate(ids, max_tokens)
        except AgentLabError:
            raise
        except Exception as error:  # torch and transformers raise whatever the weights lead them into
            raise self._translated(error) from error
        self._emit(self._text.flush())
        ended_itself = self._text.finished or (bool(self._ids) and self._ids[-1] in self._loaded.end_ids)
        ended = time.monotonic()
        return Written(
            text=self._text.text,
            finish_reason="stop" if ended_itself else "length",
            prompt_tokens=len(ids),
            completion_tokens=len(self._ids),
            queue_s=begun - self._queued_at,
            first_token_s=None if self._first_at is None else self._first_at - self._queued_at,
            inference_s=ended - begun,
            gpu_memory_used_gb=memory_gb,
            notes=notes,
        )

    # --- what transformers calls: a streamer (put, end) and a stopping criterion --------------------------------
    def put(self, ids: Any) -> None:
        """Take the next token (the prompt comes first, and is left aside)."""
        if self._awaits_prompt:
            self._awaits_prompt = False
            return
        if self._first_at is None:
            self._first_at = time.monotonic()
        for token_id in ids.tolist():
            self._ids.append(token_id)
            self._emit(self._text.add(token_id))

    def end(self) -> None:
        """Nothing is left to do: `write` flushes."""

    def _should_stop(self, ids: Any, _scores: Any, **_: Any) -> Any:
        import torch

        stopping = self._stopped.is_set() or self._text.finished
        return torch.full((ids.shape[0],), stopping, dtype=torch.bool, device=ids.device)

    # ------------------------------------------------------------------------------------------------------------
    def _generate(self, ids: list[int], max_tokens: int) -> float:
        torch = import_torch()
        from transformers import GenerationConfig, StoppingCriteriaList

        sampling = self._call.sampling
        drawn = sampling.temperature >= COLDEST
        choice = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
        config = GenerationConfig(
            max_new_tokens=max_tokens,
            do_sample=drawn,
            eos_token_id=list(self._loaded.end_ids) or None,
            pad_token_id=self._padding_id(),
            **(choice if drawn else {}),
        )
        # The generator of torch is the process's own: seeded here, and used by this one worker thread alone.
        if self._call.request.seed is None:
            torch.seed()
        else:
            torch.manual_seed(self._call.request.seed)
        if self._stopped.is_set():
            return 0.0
        with torch.inference_mode():
            prompt = torch.tensor([ids], device=self._loaded.plan.device)
            self._loaded.model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=config,
                streamer=self,
                stopping_criteria=StoppingCriteriaList([self._should_stop]),
            )
        return float(torch.cuda.memory_allocated() / GB) if self._loaded.plan.device == "cuda" else 0.0

    def _budget(self, prompt_tokens: int) -> tuple[int, tuple[str, ...]]:
        window = self._loaded.window_tokens
        room = window - prompt_tokens
        if room < 1:
            raise TooLargeError(
                f"The prompt has {prompt_tokens} tokens and {self._call.model.key!r} reads {window} with the answer; "
                "shorten it or use a model with a larger context window.",
                where="/prompt",
            )
        asked = self._call.max_tokens
        if asked <= room or self._call.request.max_tokens is None:
            return min(asked, room), ()
        note = f"The answer may have {room} tokens, not {asked}: the prompt takes {prompt_tokens} of the {window}."
        return room, (note,)

    def _padding_id(self) -> int:
        for found in (self._loaded.tokenizer.pad_token_id, *self._loaded.end_ids):
            if found is not None:
                return int(found)
        return 0

    def _decode(self, ids: Any) -> str:
        return str(
            self._loaded.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def _emit(self, text: str) -> None:
        if text and not self._stopped.is_set():
            self._show(text)

    def _translated(self, error: Exception) -> AgentLabError:
        torch = import_torch()
        key = self._call.model.key
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return CapacityError(f"Memory ran out while {key!r} was answering; shorten the prompt or unload models.")
        reason = str(error).strip().splitlines()
        return UnusableError(
            f"The model {key!r} failed while it was answering ({reason[0][:200] if reason else error!r}); "
            "try again or use another model."
        )
