"""Checks the tests that a flow carries: what they expect can be looked up, and what they give is asked for."""

from __future__ import annotations

from agent_lab.contracts.flow import FlowCase, Predicate
from agent_lab.flows.checking.examined import Examined
from agent_lab.flows.checking.report import pointer
from agent_lab.flows.checking.shape import never_holds

OF_THE_RUN = frozenset({"answer", "draft", "status", "calls", "cost_usd"})


def check_cases(check: Examined) -> None:
    """Every case of the flow."""
    seen: set[str] = set()
    for position, case in enumerate(check.flow.tests):
        path = pointer("tests", position)
        if case.name in seen:
            check.say(f"{path}/name", f"Two tests are called {case.name!r}; give one another name.")
        seen.add(case.name)
        _inputs(check, case, path)
        _answers(check, case, path)
        _expectations(check, case, path)


def _inputs(check: Examined, case: FlowCase, path: str) -> None:
    others = {name: given for name, given in check.flow.inputs.items() if name != "user_input"}
    for name in case.inputs:
        if name not in others:
            hint = check.report.nearest(name, others)
            check.say(path + pointer("inputs", name), f"There is no input {name!r}; {hint}")
    for name, given in others.items():
        if given.default is None and name not in case.inputs:
            check.say(f"{path}/inputs", f"The input {name!r} is missing; give it a value.")


def _answers(check: Examined, case: FlowCase, path: str) -> None:
    parts = {name for node in check.flow.nodes for name in (node.id, node.part)}
    for name in case.answers or ():
        # `sub/creator`, `each[2]/creator`: a node of a flow that a node of this one runs.
        first = name.partition("/")[0].partition("[")[0]
        if name != "*" and first not in parts:
            hint = check.report.nearest(first, parts)
            check.say(path + pointer("answers", name), f"There is no node or role {first[:80]!r}; {hint}")
    for name in case.people:
        if name not in check.graph:
            hint = check.report.nearest(name, check.graph.ids)
            check.say(path + pointer("people", name), f"There is no node {name!r}; {hint}")


def _expectations(check: Examined, case: FlowCase, path: str) -> None:
    for index, expected in enumerate(case.expect):
        place = f"{path}/expect/{index}"
        if expected.value == "draft" and check.flow.draft is None:
            check.say(f"{place}/value", "The flow names no `draft`; name it, or expect something of a node.")
        elif expected.value not in OF_THE_RUN:
            problem = check.field_problem(*expected.value.split(".", 1))
            if problem:
                check.say(f"{place}/value", problem[0].upper() + problem[1:])
        wrong = never_holds(Predicate.model_construct(value=expected.value, op=expected.op, than=expected.than))
        if wrong:
            check.say(f"{place}/than", wrong)
