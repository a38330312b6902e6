"""Estimates before a run what it may cost at the most: every prompt as long as it can get, every answer too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from types import MappingProxyType
from typing import Protocol

import pydantic

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Context, GenerationRequest
from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.flows.bounds import Bounds, FindFlow, bounds, most_turns
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.checking.subflows import MOST_DEEP
from agent_lab.flows.graph import graph_of
from agent_lab.nodes.generate import model_for
from agent_lab.runs.lengths import Lengths, size
from agent_lab.runs.trial import with_pins

CHARS_PER_TOKEN = 4
"""A usual figure, as the gateway's estimates have it."""
MOST_PRICED = 1_000
"""Different calls that are priced in one estimate; of further ones the price is not known."""
USD_STEPS = Decimal("0.000001")


class Prices(Protocol):
    """Knows what one request may take at the most: the gateway."""

    def worst_case_usd(self, request: GenerationRequest) -> Decimal | None:
        """None where no price is known."""
        ...

    def answer_tokens(self, request: GenerationRequest) -> int:
        """How long the answer may get."""
        ...


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The most that a run may take. `cost_usd` is None where the price of a call is not known."""

    bounds: Bounds
    cost_usd: Decimal | None
    nodes: Mapping[str, Decimal | None]
    """USD of all turns of each node."""


def worst_case(
    flow: FlowConfig, request: RunRequest, kinds: Mapping[str, NodeKind], find: FindFlow, prices: Prices
) -> WorstCase:
    """An estimate for a flow and a request that were found to be in order.

    It supposes that tokens have four characters and that no call is made twice after a failure. A limit in USD is
    exceeded by one call at the most. Raises what asking the dearest model for the shortest prompt would raise.
    """
    limits = request.options.limits
    most = bounds(flow, kinds, find, max_steps=limits.max_steps, only=request.only)
    if request.only is not None:
        flow = with_pins(flow, request)
    steps = min(flow.limits.max_steps, limits.max_steps or flow.limits.max_steps)
    told = {name: given.default or "" for name, given in flow.inputs.items()} | dict(request.inputs)
    inputs = {name: size(text) for name, text in told.items()} | {"user_input": size(request.prompt)}
    pricing = _Pricing(kinds, find, prices, request.options, steps)
    pins = {name: size(pin.model_dump_json()) for name, pin in request.pins.items() if name != request.only}
    each = pricing.flow(flow, inputs, 0, pins)
    nodes = {one.node: each[one.node].times(one.own_turns) for one in most.nodes}
    total = _dearest([(each[one.node], one.own_turns) for one in most.nodes], steps)
    allowed = [limit for limit in (flow.limits.max_cost_usd, limits.max_cost_usd) if limit is not None]
    if allowed and total.usd is not None:
        total = _Cost(min(total.usd, Decimal(str(min(allowed))) + pricing.dearest_usd))
    return WorstCase(most, total.rounded, {node: cost.rounded for node, cost in nodes.items()})


@dataclass(frozen=True, slots=True)
class _Cost:
    """USD, or None as soon as a price is not known."""

    usd: Decimal | None = Decimal(0)

    def plus(self, other: _Cost) -> _Cost:
        return _Cost(None if self.usd is None or other.usd is None else self.usd + other.usd)

    def times(self, number: int) -> _Cost:
        if number == 0:
            return _Cost()
        return _Cost(None if self.usd is None else self.usd * number)

    @property
    def rounded(self) -> Decimal | None:
        return None if self.usd is None else self.usd.quantize(USD_STEPS, ROUND_CEILING)


def _dearest(turns: Iterable[tuple[_Cost, int]], steps: int) -> _Cost:
    """What turns cost of which so many are taken at the most: the dearest ones."""
    total = _Cost()
    for cost, number in sorted(turns, key=lambda one: -(one[0].usd or 0)):
        taken = number if cost.usd is None else min(number, steps)
        total, steps = total.plus(cost.times(taken)), steps - min(number, steps)
    return total


@dataclass(slots=True)
class _Pricing:
    """Prices turns. Calls of one model with prompts of about one length are asked for once."""

    kinds: Mapping[str, NodeKind]
    find: FindFlow
    prices: Prices
    options: RunOptions
    steps: int
    dearest_usd: Decimal = Decimal(0)
    _calls: dict[tuple[str | None, str | None, int | None, int], Decimal | None] = field(default_factory=dict)
    _tokens: dict[tuple[str | None, str | None, int | None], int] = field(default_factory=dict)
    _flows: dict[tuple[str, int], _Cost] = field(default_factory=dict)

    def flow(
        self, flow: FlowConfig, inputs: Mapping[str, int], deep: int, pins: Mapping[str, int] = MappingProxyType({})
    ) -> dict[str, _Cost]:
        """What one turn of each node costs. `inputs`: the lengths of the flow's own; `pins`: of what nodes that have no
        turn are taken to have said."""
        history = sum(size(turn.content) + len(turn.role) + 3 for turn in self.options.history)
        lengths = Lengths(graph_of(flow), self.kinds, inputs, history=history, answer=self.answer_chars, pins=pins)
        costs: dict[str, _Cost] = {}
        for node in (one for one in flow.nodes if one.id not in pins):
            kind = self.kinds[node.kind]
            settings = settings_of(node, kind)
            costs[node.id] = _Cost() if settings is None else self._turn(lengths, node, kind, settings, deep)
        return costs

    def _turn(
        self, lengths: Lengths, node: NodeConfig, kind: NodeKind, settings: pydantic.BaseModel, deep: int
    ) -> _Cost:
        cost, chars = _Cost(), lengths.prompt(node, kind, settings)
        calls = kind.most_calls(settings) if kind.calls else 0
        if calls:
            each = [self._call(node, model, chars) for model in self.models(node)]
            dearest = None if None in each else max(usd for usd in each if usd is not None)
            self.dearest_usd = max(self.dearest_usd, dearest or Decimal(0))
            cost = _Cost(dearest).times(calls)
        for named in kind.flows(settings):
            cost = cost.plus(self._inner(named.name, chars, deep + 1).times(kind.most_flows(settings)))
        return cost

    def _inner(self, name: str, chars: int, deep: int) -> _Cost:
        flow = self.find(name) if deep <= MOST_DEEP else None
        chars = 1 << chars.bit_length()  # few lengths, so that a flow in many places is priced a few times
        if flow is None or (name, chars) in self._flows:
            return self._flows.get((name, chars), _Cost())
        each = self.flow(flow, dict.fromkeys((*flow.inputs, "user_input"), chars), deep)
        turns = most_turns(graph_of(flow), self.steps)
        self._flows[name, chars] = total = _dearest([(each[node], turns[node]) for node in turns], self.steps)
        return total

    def models(self, node: NodeConfig) -> list[str | None]:
        """The models that a node may ask, None for the default one."""
        kind, own = self.kinds[node.kind], node.settings.get("model")
        settings = settings_of(node, kind)
        several = [] if settings is None else [named.name for named in kind.models(settings)]
        named: list[str | None] = [*several] or [own if isinstance(own, str) else None]
        return list(dict.fromkeys(model_for(node, name, self.options) for name in named))

    def answer_chars(self, node: NodeConfig) -> int:
        """How long the text of one answer may get."""
        return CHARS_PER_TOKEN * max(self._answer_tokens(node, model) for model in self.models(node))

    def _answer_tokens(self, node: NodeConfig, model: str | None) -> int:
        request = self._request(node, model, 1)
        key = (model, request.strategy, request.max_tokens)
        if key not in self._tokens:
            self._tokens[key] = self.prices.answer_tokens(request)
        return self._tokens[key]

    def _call(self, node: NodeConfig, model: str | None, chars: int) -> Decimal | None:
        chars = _about(chars)
        key = (model, self._strategy(node), self._max_tokens(node), chars)
        if key not in self._calls:
            if len(self._calls) >= MOST_PRICED:
                return None
            self._calls[key] = self._longest(node, model, chars)
        return self._calls[key]

    def _longest(self, node: NodeConfig, model: str | None, chars: int) -> Decimal | None:
        """What the call costs; where no model reads a prompt of that length, what the longest one costs that it does:
        the run would end at a longer one."""
        try:
            return self.prices.worst_case_usd(self._request(node, model, chars))
        except AgentLabError:
            if chars == 1:
                raise
        shorter = self._longest(node, model, 1)
        fits, over = 1, chars
        while over - fits > max(1, fits // 50):
            middle = (fits + over) // 2
            try:
                shorter, fits = self.prices.worst_case_usd(self._request(node, model, middle)), middle
            except AgentLabError:
                over = middle
        return shorter

    def _request(self, node: NodeConfig, model: str | None, chars: int) -> GenerationRequest:
        return GenerationRequest(
            prompt="x" * max(1, chars),
            model_key=model,
            strategy=self._strategy(node),
            max_tokens=self._max_tokens(node),
            context=Context(history=self.options.history, role=node.part),
        )

    def _strategy(self, node: NodeConfig) -> str | None:
        own = node.settings.get("strategy")
        return self.options.strategy or (own if isinstance(own, str) else None)

    def _max_tokens(self, node: NodeConfig) -> int | None:
        own = node.settings.get("max_tokens")
        return self.options.max_tokens or (own if isinstance(own, int) else None)


def _about(chars: int) -> int:
    """Not less, by two digits: prompts of about one length are priced as one."""
    step = int(10 ** max(0, len(str(chars)) - 2))
    return min(-(-chars // step) * step, MAX_PROMPT_CHARS)
