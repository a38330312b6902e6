"""Runs the test cases that a flow carries, and says what came out otherwise than they expect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from pydantic import Field

from agent_lab.contracts.errors import (
    AgentLabError,
    ConflictError,
    UnusableError,
    ValidationError,
    in_flow,
    unknown_name,
)
from agent_lab.contracts.flow import FlowCase, FlowConfig
from agent_lab.contracts.flow_ports import FlowRef
from agent_lab.contracts.generation import Contract
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import RunOptions, RunRequest, RunStatus, RunView
from agent_lab.contracts.sentences import said
from agent_lab.runs.expectations import UnmetExpectation, differences, shortened
from agent_lab.runs.service import RunService
from agent_lab.runs.step import asking


class CaseResult(Contract):
    """How a test case came out."""

    name: str
    passed: bool
    scripted: bool
    """True where the case itself says what the models answer."""
    status: RunStatus | None = None
    """How its run ended; None where it could not begin."""
    seconds: float = 0.0
    run_id: str | None = None
    """The run on the real models; None for a scripted one, of which nothing is kept."""
    differences: tuple[UnmetExpectation, ...] = ()
    problem: str | None = None
    """Why the run could not begin or ended without an answer, in one sentence."""
    transcript: dict[str, str] = Field(default_factory=dict)
    """What each node said last, cut where it is long."""


class CaseScript:
    """Answers as a case says: by node, else by role, else by `*`; call by call, the last one again and again."""

    def __init__(self, answers: Mapping[str, str | tuple[str, ...]]) -> None:
        self._answers = answers
        self._asked: Counter[str] = Counter()

    def __call__(self, call: ModelCall) -> str:
        """The answer to this call. Raises UnusableError where the case has none."""
        path = asking.get()
        name = next((one for one in _names(path, call.request.context.role) if one in self._answers), None)
        if name is None:
            raise UnusableError(
                f"The case has no answer for {path!r}; give one under `answers`, by node, by role or by '*'."
            )
        answer = self._answers[name]
        if isinstance(answer, str):
            return answer
        self._asked[name] += 1
        return answer[min(self._asked[name], len(answer)) - 1] if answer else ""


Aside = Callable[[FlowConfig, CaseScript], AbstractAsyncContextManager[RunService]]
"""Opens a service that runs this flow on these answers and leaves nothing behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRunner:
    """Runs cases one after the other. `real` gives the service that runs a flow on the real models."""

    aside: Aside
    real: Callable[[FlowRef], RunService]

    async def run(self, found: FlowRef, *, only: str | None = None, caller: str = "") -> list[CaseResult]:
        """The result of each case, or of the one that is called `only`. Runs on the real models are the caller's.

        Raises ValidationError where the flow has no cases, NotFoundError where it has none of that name.
        """
        flow = found.flow
        if not flow.tests:
            raise ValidationError(
                said(
                    "no_cases",
                    "The flow {flow!r} has no test cases; write some under `tests` in its document.",
                    flow=flow.id,
                )
            )
        cases = [case for case in flow.tests if only in (None, case.name)]
        if not cases and only is not None:
            raise unknown_name("case", only, [case.name for case in flow.tests], place=in_flow(flow.id))
        return [await self._result(found, case, caller) for case in cases]

    async def _result(self, found: FlowRef, case: FlowCase, caller: str) -> CaseResult:
        if case.answers is None:
            return await _carried_out(self.real(found), found.flow, case, caller)
        script = CaseScript(case.answers)
        async with self.aside(found.flow, script) as service:
            return await _carried_out(service, found.flow, case)


def _names(path: str, role: str | None) -> Iterator[str]:
    """What a case may call the node there, the most exact name first: in its place, or wherever it stands."""
    place, slash, node = path.rpartition("/")
    for at in (*_places(place + slash), ""):
        yield at + node
        if role is not None:
            yield at + role
    yield "*"


def _places(path: str) -> tuple[str, str]:
    """The path itself, and as it is for all branches of a map and for each turn: `each/ok` for `each~2[1]/ok`."""
    return path, re.sub(r"~\d+|\[\d+\]", "", path)


async def _carried_out(service: RunService, flow: FlowConfig, case: FlowCase, caller: str = "") -> CaseResult:
    scripted = case.answers is not None
    options = RunOptions(language=case.language)
    request = RunRequest(flow=flow.id, prompt=case.prompt, inputs=case.inputs, options=options)
    try:
        info = await service.start(request, caller=caller)
    except AgentLabError as error:  # a case that cannot begin is one result among others
        return CaseResult(name=case.name, passed=False, scripted=scripted, problem=error.message)
    try:
        view, problem = await _ended(service, info.run_id, case)
    except BaseException:
        await _cancelled(service, info.run_id)
        raise
    told = differences(case.expect, view)
    return CaseResult(
        name=case.name,
        passed=not told and problem is None,
        scripted=scripted,
        status=view.status,
        seconds=view.totals.seconds,
        run_id=None if scripted else view.run_id,
        differences=told,
        problem=problem or (view.fault.message if view.fault else None),
        transcript=_transcript(view),
    )


async def _ended(service: RunService, run_id: str, case: FlowCase) -> tuple[RunView, str | None]:
    """The run at its end, people's answers given; and why it was ended, where nobody has an answer."""
    view = await service.wait(run_id)
    while view.status == "waiting":
        asking = next(node for node in view.nodes if node.question is not None)
        try:
            await service.answer(run_id, asking.id, _persons_word(case, asking.id), visit=asking.visits)
        except ValidationError as error:
            await _cancelled(service, run_id)
            return await service.view(run_id), error.message
        view = await service.wait(run_id)
    return view, None


def _persons_word(case: FlowCase, node: str) -> str:
    for name in _places(node):
        if name in case.people:
            return case.people[name]
    raise ValidationError(
        said(
            "case_has_no_answer",
            "A person is asked at {node!r}, and the case has no answer; give one under `people`.",
            node=node,
        )
    )


async def _cancelled(service: RunService, run_id: str) -> None:
    with suppress(ConflictError):  # it ended in this very moment
        await service.cancel(run_id)


def _transcript(view: RunView) -> dict[str, str]:
    return {node.id: str(shortened(node.text)) for node in view.nodes if node.visits}
