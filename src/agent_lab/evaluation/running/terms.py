"""Says under which key an answer is kept: the same question under the same terms has the same key, whoever asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue

from agent_lab.contracts.documents import canonical_json, content_hash
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import HERE, ModelSpec, StrategySpec
from agent_lab.gateway.sizing import merged_sampling

Resolve = Callable[[GenerationRequest, str | None], tuple[ModelSpec, StrategySpec]]
"""The model that would answer the request, and how it would be loaded and sample."""
OF_A_MODEL = ("provider", "model_id", "revision", "base", "api", "prompt_format", "ignores")
OF_THE_ASKER = frozenset({"model_key", "strategy", "seed"})
VERSION = 1
"""Of how keys are made: another one, and no answer of before is taken for one of now."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The key of a question, and the row of the model that it is put to."""

    key: str
    model_key: str


@dataclass(slots=True)
class Terms:
    """Makes keys. `default_tokens`: how long answers may get where nobody says it."""

    resolve: Resolve
    default_tokens: int
    _told: dict[tuple[int, int], str] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)

    def asked(self, request: GenerationRequest, *, sticky: str | None, scope: str) -> Asked:
        """The key of an answer to this request.

        The seed belongs to it, but not where a local model answers greedily: then every seed gives the same. Where the
        answer is drawn and no seed says which draw it is, it belongs to its `scope` alone.
        """
        model, strategy = self.resolve(request, sticky)
        greedy = merged_sampling(request, strategy).temperature == 0
        document = request.model_dump(mode="json", exclude_defaults=True, exclude=set(OF_THE_ASKER))
        seed = None if greedy and model.provider in HERE else request.seed
        drawn = None if seed is not None or greedy else scope
        said = canonical_json([VERSION, self._terms(model, strategy), document, seed, drawn])
        return Asked(hashlib.sha256(said).hexdigest(), model.key)

    def _terms(self, model: ModelSpec, strategy: StrategySpec) -> str:
        """What the rows say that an answer depends on, as one hash. Rows are frozen, and told once each."""
        place = (id(model), id(strategy))
        if place not in self._told:
            self._kept += [model, strategy]  # or their ids could mean others later
            self._told[place] = content_hash([_row(model), _row_of(strategy), self.default_tokens])
        return self._told[place]


def _row(model: ModelSpec) -> JsonValue:
    dumped = model.model_dump(mode="json", include=set(OF_A_MODEL))
    return {name: sorted(value) if name == "ignores" else value for name, value in dumped.items()}


def _row_of(strategy: StrategySpec) -> JsonValue:
    dumped: JsonValue = strategy.model_dump(mode="json", exclude={"name", "description", "fallbacks"})
    return dumped
