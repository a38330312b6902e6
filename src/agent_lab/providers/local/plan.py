"""The words in which loading is spoken of: devices, what a model takes of them, how it is loaded and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Dtype = Literal["float32", "bfloat16", "float16"]
Placement = Mapping[str, int]
"""Bytes by the name of the device (`cpu`, `cuda:0`, ...) that a model is put on; several where it is spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU, or the RAM of a machine without any, as it is at this moment. Bytes."""

    name: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a model takes of memory. Bytes."""

    weights_bytes: int
    kv_bytes_per_token: int
    """Keys and values of all layers for one token of one conversation."""
    margin_bytes: int
    """For activations, buffers and what the device itself keeps."""

    def bytes_for(self, tokens: int) -> int:
        """With room for that many tokens of conversations."""
        return self.weights_bytes + self.margin_bytes + tokens * self.kv_bytes_per_token


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How the weights go into memory."""

    device: Literal["cpu", "cuda"]
    dtype: Dtype
    quantised: bool
    """True: to 4 bit (NF4), while they are loaded."""
    attention: str
    compile: bool
    context_tokens: int
    """What one answer may read and write together."""
    parallel: int
    """Answers that are written at the same time."""
    footprint: Footprint
    notes: tuple[str, ...] = ()
    """What differs from what the strategy says, in sentences for the user."""

    @property
    def need_bytes(self) -> int:
        """What is reserved for it."""
        return self.footprint.bytes_for(self.context_tokens * self.parallel)
