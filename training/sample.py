"""Batched sampling: many prompts of one role at once, through `generate` and its key-value cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

Message = dict[str, str]
BATCH = 256
LONGEST_REPLY = 256


@dataclass(frozen=True, slots=True)
class Reply:
    """A sampled text with the tokens that it cost."""

    text: str
    prompt_tokens: int
    new_tokens: int


class Speaker:
    """Samples turns of a model; drawings are reproducible through torch's seed."""

    def __init__(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
        self.model, self.tokenizer = model, tokenizer

    def say(self, chats: list[list[Message]], role: str, temperature: float = 0.0) -> list[Reply]:
        """One reply to each chat; a temperature of 0 is greedy."""
        prompts = [
            self.tokenizer.apply_chat_template(chat, role=role, add_generation_prompt=True, tokenize=False)
            for chat in chats
        ]
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        replies: dict[int, Reply] = {}
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            replies.update(zip(chosen, self._batch([prompts[index] for index in chosen], temperature), strict=True))
        return [replies[index] for index in range(len(prompts))]

    def _batch(self, prompts: list[str], temperature: float) -> list[Reply]:
        self.model.eval()
        asked = self.tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        chance = (
            {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
            if temperature
            else {"do_sample": False}
        )
        out = self.model.generate(**asked, max_new_tokens=LONGEST_REPLY, **chance)
        said = out[:, asked["input_ids"].shape[1] :]
        lengths = asked["attention_mask"].sum(1).tolist()
        return [self._reply(row, length) for row, length in zip(said, lengths, strict=True)]

    def _reply(self, row: torch.Tensor, prompt_tokens: int) -> Reply:
        kept = row[row != self.tokenizer.pad_token_id]
        return Reply(self.tokenizer.decode(kept, skip_special_tokens=True), prompt_tokens, len(kept))
