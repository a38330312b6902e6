"""Turns examples into what the model is trained on: the very prompt that it will be asked, and what it is to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pydantic

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import Context, GenerationRequest, Message
from agent_lab.providers.local.prompt import Reading, prompt_ids
from agent_lab.providers.local.tuning.examples import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """An example in tokens."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    """With the token that ends an answer."""
    completion: str

    @property
    def tokens(self) -> int:
        """Both together."""
        return len(self.prompt_ids) + len(self.completion_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """Encodes examples for one model."""

    reading: Reading
    prompt_format: Literal["chat", "turns"]
    end_ids: Sequence[int]
    most_tokens: int

    def encode(self, examples: Sequence[Example]) -> tuple[list[Encoded], int]:
        """Those that fit, and how many are longer than `most_tokens`. Raises ValidationError with the line."""
        encoded = [self._one(example) for example in examples]
        fitting = [one for one in encoded if one.tokens <= self.most_tokens]
        return fitting, len(encoded) - len(fitting)

    def _one(self, example: Example) -> Encoded:
        if self.prompt_format == "turns" and (example.system or example.history):
            raise ValidationError(
                f"Line {example.line} has more than a question, and this model reads one question only; leave out the "
                "system message and what was said before."
            )
        try:
            request = GenerationRequest(
                prompt=example.prompt,
                context=Context(
                    system=example.system or None,
                    history=tuple(Message(role=role, content=text) for role, text in example.history),
                ),
            )
            asked = prompt_ids(self.reading, request, self.prompt_format)
        except (ValidationError, pydantic.ValidationError) as error:
            said = error.message if isinstance(error, ValidationError) else error.errors()[0]["msg"]
            raise ValidationError(f"Line {example.line} cannot be asked of this model: {said}") from error
        tokenizer = self.reading.tokenizer
        said_ids = map(int, tokenizer.encode(example.completion, add_special_tokens=False, split_special_tokens=True))
        return Encoded(prompt_ids=tuple(asked), completion_ids=(*said_ids, *self._end()), completion=example.completion)

    def _end(self) -> tuple[int, ...]:
        own = self.reading.tokenizer.eos_token_id
        return (own,) if own in self.end_ids else tuple(self.end_ids[:1])
