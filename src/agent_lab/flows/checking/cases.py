"""Checks the tests that a flow carries: what they expect can be looked up, and what they give is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from agent_lab.contracts.flow import Expectation, FlowCase, Predicate
from agent_lab.contracts.run import TERMINAL
from agent_lab.contracts.sentences import said
from agent_lab.flows.checking.examined import Examined, no_node
from agent_lab.flows.checking.report import pointer
from agent_lab.flows.checking.shape import never_holds

OF_THE_RUN = frozenset({"answer", "draft", "status", "calls", "cost_usd"})


def check_cases(check: Examined) -> None:
    """Every case of the flow."""
    seen: set[str] = set()
    for position, case in enumerate(check.flow.tests):
        path = pointer("tests", position)
        if case.name in seen:
            check.say(
                f"{path}/name",
                said("two_tests", "Two tests are called {test!r}; give one another name.", test=case.name),
            )
        seen.add(case.name)
        _inputs(check, case, path)
        _answers(check, case, path)
        _expectations(check, case, path)


def _inputs(check: Examined, case: FlowCase, path: str) -> None:
    others = {name: given for name, given in check.flow.inputs.items() if name != "user_input"}
    for name in case.inputs:
        if name not in others:
            hint = check.report.nearest(name, others)
            told = said("no_input", "There is no input {input!r}; {hint}", input=name, hint=hint)
            check.say(path + pointer("inputs", name), told)
    for name, given in others.items():
        if given.default is None and name not in case.inputs:
            check.say(
                f"{path}/inputs", said("input_missing", "The input {input!r} is missing; give it a value.", input=name)
            )


def _answers(check: Examined, case: FlowCase, path: str) -> None:
    parts = {name for node in check.flow.nodes for name in (node.id, node.part)}
    for name in case.answers or ():
        if name != "*" and _outer(name) not in parts:
            hint = check.report.nearest(_outer(name), parts)
            form = "There is no node or role {node!r}; {hint}"
            check.say(path + pointer("answers", name), said("no_node_or_role", form, node=_outer(name)[:80], hint=hint))
    for name in case.people:
        if _outer(name) not in check.graph:
            hint = check.report.nearest(_outer(name), check.graph.ids)
            check.say(path + pointer("people", name), no_node(_outer(name), hint).capital())


def _outer(name: str) -> str:
    """Of `sub/creator`, `sub~2/creator` or `each[2]/creator`: the node of this flow that runs the one within."""
    return name.partition("/")[0].partition("~")[0].partition("[")[0]


def _expectations(check: Examined, case: FlowCase, path: str) -> None:
    for index, expected in enumerate(case.expect):
        place = f"{path}/expect/{index}"
        if expected.value == "draft" and check.flow.draft is None:
            form = "The flow names no `draft`; name it, or expect something of a node."
            check.say(f"{place}/value", said("no_draft", form))
        elif expected.value not in OF_THE_RUN:
            problem = check.field_problem(*expected.value.split(".", 1))
            if problem:
                check.say(f"{place}/value", problem.capital())
        wrong = never_holds(Predicate.model_construct(value=expected.value, op=expected.op, than=expected.than))
        if wrong:
            check.say(f"{place}/than", wrong)
        elif expected.value == "status":
            for than, at in _statuses(expected, f"{place}/than"):
                _ends_so(check, than, at)


def _statuses(expected: Expectation, place: str) -> Iterator[tuple[object, str]]:
    """What the status is compared with as a whole, each with its place."""
    if expected.op in {"==", "!="}:
        yield expected.than, place
    elif expected.op == "in" and isinstance(expected.than, list):
        yield from ((than, f"{place}/{index}") for index, than in enumerate(expected.than))


def _ends_so(check: Examined, status: object, place: str) -> None:
    if not (isinstance(status, str) and status in TERMINAL):
        shown = repr(status)[:80]
        near = check.report.nearest(str(status), TERMINAL)
        form = "No run has the status {status} at its end; {near}"
        check.say(place, said("no_such_end", form, status=shown, near=near))
