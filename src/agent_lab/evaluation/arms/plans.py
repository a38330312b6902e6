"""Makes of every arm what is run: a flow that the checks let pass, its options, and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import (
    AnyArm,
    BestOfArm,
    BestSingleArm,
    DraftsVoteArm,
    EqualCostArm,
    FlowArm,
    ImportedArm,
    NoiseArm,
    SingleArm,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef, FlowSource, NodeKind
from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.evaluation.arms import lone as lones
from agent_lab.evaluation.arms.lone import Lone
from agent_lab.evaluation.arms.parts import parts_of
from agent_lab.evaluation.arms.surgery import without_node
from agent_lab.evaluation.arms.warmth import told_of_greed
from agent_lab.evaluation.running.terms import Resolve
from agent_lab.flows.catalog import flow_hash
from agent_lab.flows.checks import Checker
from agent_lab.runs.admission import Admission

Reading = Literal["answer", "vote", "drafts"]
"""`answer`: the run's own. `vote`: the most frequent of the samples of its one node. `drafts`: the most frequent of its
independent first answers, and nothing that came after them is counted."""
ASK = RunRequest(flow="question", prompt="?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an arm runs on each item."""

    arm: str
    flow: FlowConfig
    flow_hash: str
    subflows: Mapping[str, FlowConfig]
    options: RunOptions
    reading: Reading = "answer"
    origin: FlowRef | None = None
    """The flow that the arm was made from."""
    sentence: str = ""
    """How it was made, in words."""
    critic: str | None = None
    """The node whose words are replaced by what it said to another item."""
    k: int | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    ref: FlowRef
    subflows: Mapping[str, FlowConfig]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Makes plans. Everything that is wrong with an arm is said before anything is asked of a model."""

    flows: FlowSource
    admission: Admission
    kinds: Mapping[str, NodeKind]
    check: Checker
    resolve: Resolve

    async def plan(self, arm: AnyArm) -> Plan:
        """The plan of an arm that stands by itself, or of the flow that a derived one is made from.

        Raises NotFoundError for an unknown flow, node or model, ValidationError where the arm cannot be derived.
        """
        match arm:
            case FlowArm() | DraftsVoteArm() | NoiseArm() | WithoutArm():
                return await self._of_flow(arm)
            case SingleArm() | VoteArm() | BestOfArm():
                return await self._alone(arm)
            case EqualCostArm():
                return (await self.votes(arm)).once
            case BestSingleArm() | ImportedArm():
                raise ValidationError(said("arm_has_no_flow", "The arm {arm!r} has no flow of its own.", arm=arm.name))
            case _:
                assert_never(arm)

    async def _of_flow(self, arm: FlowArm | DraftsVoteArm | NoiseArm | WithoutArm) -> Plan:
        source = await self._source(arm.flow)
        whole = self._plan(arm.name, source, source.ref.flow, arm.options)
        match arm:
            case FlowArm():
                return whole
            case DraftsVoteArm():
                return replace(whole, reading="drafts", sentence=f"a vote of the first drafts of {arm.flow!r}")
            case NoiseArm():
                critic = parts_of(source.ref.flow, self.kinds).named_critic(arm.node)
                sentence = f"{arm.flow!r} with what {critic.id!r} said to another item in place of its words"
                return replace(whole, critic=critic.id, sentence=sentence)
            case WithoutArm():
                return self._without(arm, source)

    def _without(self, arm: WithoutArm, source: _Source) -> Plan:
        if arm.node is None:
            raise ValidationError(
                said("arm_names_no_node", "The arm {arm!r} names no node; say which one is left out.", arm=arm.name),
                where="arms",
            )
        document = without_node(source.ref.flow, arm.node, self.kinds)
        flow = self._checked(
            document, source.subflows, said("without_node", "without {node!r}", node=arm.node), arm.flow
        )
        self._asks_somebody(arm, flow)
        return self._plan(arm.name, source, flow, arm.options, sentence=f"{arm.flow!r} without {arm.node!r}")

    async def each_left_out(self, arm: WithoutArm) -> list[WithoutArm]:
        """For an arm that names no node an arm for each one that asks a model and can be left out.

        Raises NotFoundError for an unknown flow, ValidationError where none can.
        """
        source, found = await self._source(arm.flow), list[WithoutArm]()
        asking = [node.id for node in source.ref.flow.nodes if self.kinds[node.kind].calls]
        for node in asking:
            one = arm.model_copy(update={"name": f"{arm.name}/{node}"[:120], "node": node})
            with suppress(ValidationError):  # one without which nothing is left; the others may go
                self._without(one, source)
                found.append(one)
        if not found:
            raise ValidationError(
                said(
                    "nothing_to_leave_out",
                    "No node of the flow {flow!r} can be left out; each is all of it.",
                    flow=arm.flow,
                ),
                where="arms",
            )
        return found

    def _asks_somebody(self, arm: WithoutArm, flow: FlowConfig) -> None:
        kinds = [(self.kinds[node.kind], node.settings) for node in flow.nodes]
        if not any(kind.calls or any(kind.flows(kind.settings.model_validate(own))) for kind, own in kinds):
            raise ValidationError(
                said(
                    "nobody_left_to_ask",
                    "The node {node!r} cannot be left out of the flow {flow!r}: no model would be asked "
                    "any more. Leave out another one.",
                    node=arm.node or "",
                    flow=arm.flow,
                ),
                where="arms",
            )

    async def _alone(self, arm: SingleArm | VoteArm | BestOfArm) -> Plan:
        source, lone, options = await self._lone(arm)
        if not isinstance(arm, SingleArm):
            lone, options = told_of_greed(lone, options, self.resolve)
        what = lone.sentence
        match arm:
            case SingleArm():
                return self.of_lone(arm.name, source, lones.once(lone), options, what)
            case VoteArm():
                document, note = lones.sampled(lone, arm.k)
                sentence = f"a vote of {arm.k} answers, each {what}.{note}"
                plan = self.of_lone(arm.name, source, document, options, sentence)
                return replace(plan, reading="vote", k=arm.k)
            case BestOfArm():
                document, note = lones.judged(lone, arm.k, arm.judge)
                if arm.judge is not None:
                    options = options.model_copy(update={"models": {**options.models, lones.JUDGE_ID: arm.judge}})
                sentence = f"the one of {arm.k} answers that a judge prefers, each {what}.{note}"
                return replace(self.of_lone(arm.name, source, document, options, sentence), k=arm.k)

    async def votes(self, arm: EqualCostArm) -> Votes:
        """What an equal-cost baseline may be made of."""
        source = await self._source(arm.flow)
        lone = lones.lone_of(source.ref.flow, self.kinds, source.subflows)
        lone, options = told_of_greed(lone, arm.options, self.resolve)
        return Votes(self, arm.model_copy(update={"options": options}), source, lone)

    async def single(self, arm: BestSingleArm, model: str, like: str | None) -> Plan:
        """One member asked once: the first draft of that flow, or the bare question."""
        one = SingleArm(name=arm.name, like=like, model=model, options=arm.options)
        return await self._alone(one)

    def models(self, plan: Plan) -> tuple[str | None, ...]:
        """The models that the plan's nodes name, as its options have it; None for the default one."""
        found: dict[str | None, None] = {}
        for flow in (plan.flow, *plan.subflows.values()):
            for node in flow.nodes:
                kind = self.kinds[node.kind]
                if not kind.calls:
                    continue
                settings = kind.settings.model_validate(node.settings)
                named = node.settings.get("model")
                own: list[str | None] = [one.name for one in kind.models(settings)]
                own = own or [named if isinstance(named, str) else None]
                override = plan.options.models.get(node.id) or plan.options.models.get(node.part) or plan.options.model
                found.update(dict.fromkeys([override] if override else own))
        return tuple(found)

    # --- the parts of it ----------------------------------------------------------------------------------------------
    async def _source(self, name: str) -> _Source:
        ref = await self.flows.resolve(name)
        return _Source(ref, await self.admission.subflows(ref.flow, self.flows))

    async def _lone(self, arm: SingleArm | VoteArm | BestOfArm) -> tuple[_Source | None, Lone, RunOptions]:
        options = arm.options
        for model in (arm.model, arm.judge if isinstance(arm, BestOfArm) else None):
            if model is not None:
                self.admission.model(model)
        if arm.model is not None:  # the arm's word is the last one
            options = options.model_copy(update={"model": arm.model, "models": {}})
        if arm.like is None:
            return None, lones.bare_question(arm.model), options
        source = await self._source(arm.like)
        lone = lones.lone_of(source.ref.flow, self.kinds, source.subflows)
        return source, lones.with_model(lone, arm.model), options

    def of_lone(
        self, name: str, source: _Source | None, document: dict[str, Any], options: RunOptions, sentence: str
    ) -> Plan:
        flow = self._checked(document, {}, said("asked_alone", "asked alone"), document["id"])
        parts = {part for node in flow.nodes for part in (node.id, node.part)}
        kept = {part: model for part, model in options.models.items() if part in parts}
        own = options.model_copy(update={"models": kept})
        ref = None if source is None else source.ref
        return self._plan(name, _Source(FlowRef(flow=flow, flow_hash=""), {}), flow, own, sentence=sentence, origin=ref)

    def _plan(
        self,
        name: str,
        source: _Source,
        flow: FlowConfig,
        options: RunOptions,
        *,
        sentence: str = "",
        origin: FlowRef | None = None,
    ) -> Plan:
        inputs = {key: "?" for key, given in flow.inputs.items() if key != "user_input" and given.default is None}
        request = ASK.model_copy(update={"flow": flow.id, "options": options, "inputs": inputs})
        self.admission.check(flow, request, source.subflows.values())
        of_flow = origin if origin is not None or not source.ref.flow_hash else source.ref
        return Plan(
            arm=name,
            flow=flow,
            flow_hash=flow_hash(flow),
            subflows=source.subflows,
            options=options,
            origin=of_flow,
            sentence=sentence,
        )

    def _checked(
        self, document: dict[str, Any], subflows: Mapping[str, FlowConfig], how: str, flow_id: str
    ) -> FlowConfig:
        """The derived flow. Raises ValidationError where the checks find something wrong with it."""
        flow, problems = self.check(document, flows=subflows.get)
        wrong = [problem for problem in problems if problem.severity == "error"]
        if flow is None or wrong:
            first = wrong[0].message if wrong else said("nothing_left", "nothing is left that could be run.")
            told = Sentence(first.rstrip("."), first.told)
            raise ValidationError(
                said(
                    "derived_unsound",
                    "The flow {flow!r} {how} is no sound flow ({problem}); take another node or another arm.",
                    flow=flow_id,
                    how=how,
                    problem=told,
                ),
                where="arms",
            )
        return flow


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of any number of answers, for the baseline of one flow."""

    planner: Planner
    arm: EqualCostArm
    source: _Source
    lone: Lone

    @property
    def once(self) -> Plan:
        """A single answer."""
        return self.of(1)

    def of(self, k: int) -> Plan:
        """A vote of k answers. Raises ValidationError where there can be none."""
        document, note = lones.sampled(self.lone, k)
        # Whether the temperature is raised must not depend on k: a single answer is the first of many here.
        if k == 1:
            several, note = lones.sampled(self.lone, 2)
            temperature = next(node for node in several["nodes"] if node["id"] == self.lone.node.id).get("temperature")
            for node in document["nodes"]:
                if node["id"] == self.lone.node.id and temperature is not None:
                    node["temperature"] = temperature
        sentence = f"a vote of answers, each {self.lone.sentence}.{note}"
        plan = self.planner.of_lone(self.arm.name, self.source, document, self.arm.options, sentence)
        return replace(plan, reading="vote", k=k)
