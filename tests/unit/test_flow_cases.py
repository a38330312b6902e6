"""A flow carries its own test cases; they run on their own answers and tell exactly what came out otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import NotFoundError, ValidationError
from agent_lab.contracts.flow import Expectation, FlowConfig
from agent_lab.contracts.flow_ports import FlowRef, NodeKind, Step
from agent_lab.contracts.run import NodeOutput, NodeView, RunTotals, RunView
from agent_lab.flows.state import AgentState
from agent_lab.nodes.settings import NodeSettings
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.aside import ref_of, with_flow
from agent_lab.runs.cases import CaseResult, CaseRunner
from agent_lab.runs.expectations import SHOWN_CHARS, difference_line, differences, found_value
from support.flows import KINDS, LIBRARY
from support.library import ASIDE, CATALOG
from support.runs import Bench, bench

NODES = [
    {"id": "draft", "kind": "generate", "role": "creator", "prompt": "{user_input}"},
    {"id": "better", "kind": "generate", "prompt": "{draft_output}", "model": "other"},
]


def flow(*tests: Mapping[str, Any]) -> FlowConfig:
    return FlowConfig.model_validate(
        {
            "id": "pair",
            "name": "Pair",
            "nodes": NODES,
            "edges": [{"from": "draft", "to": "better"}],
            "draft": "draft",
            "tests": tests,
        }
    )


def ref(*tests: Mapping[str, Any]) -> FlowRef:
    return ref_of(flow(*tests))


def case(expect: Any, **more: Any) -> dict[str, Any]:
    checks = [dict(zip(("value", "op", "than"), one, strict=True)) for one in expect]
    return {"name": "one", "prompt": "What?", "answers": {"*": "said"}, "expect": checks, **more}


def runner(lab: Bench | None = None) -> CaseRunner:
    def real(wanted: FlowRef) -> Any:
        assert lab is not None, "this case must not reach the real models"
        return with_flow(lab.runs, wanted)

    return CaseRunner(aside=ASIDE, real=real)


async def result(test: Mapping[str, Any], lab: Bench | None = None) -> CaseResult:
    (only,) = await runner(lab).run(ref(test))
    return only


@pytest.mark.parametrize("name", LIBRARY)
async def test_every_case_of_the_library_comes_out_as_it_expects(name: str) -> None:
    library_flow = CATALOG.get(name)
    results = await runner().run(ref_of(library_flow))
    assert [(one.name, one.differences, one.problem) for one in results if not one.passed] == []
    assert len(results) >= 2
    assert {test.language for test in library_flow.tests} == {"en", "es"}


async def test_what_came_out_otherwise_is_told_with_what_was_expected() -> None:
    told = await result(
        case(
            [
                ("answer", "==", "said"),
                ("answer", "contains", "nothing of it"),
                ("calls", "<", 2),
                ("better.tokens", "==", 1),
                ("better.nothing", "==", 1),
                ("nobody.text", "!=", "x"),
            ]
        )
    )
    assert not told.passed
    assert told.status == "completed"
    assert [difference_line(one) for one in told.differences] == [
        'answer contains "nothing of it" was expected, and it is "said".',
        "calls < 2 was expected, and it is 2.",
        "better.nothing == 1 was expected, and it is null.",
    ]
    assert told.transcript == {"draft": "said", "better": "said"}
    assert told.run_id is None


async def test_answers_go_by_node_then_by_role_then_to_whoever_asks_call_by_call() -> None:
    by_role = await result(case([("draft.text", "==", "by role")], answers={"creator": "by role", "*": "any"}))
    by_node = await result(
        case([("draft.text", "==", "by node")], answers={"creator": "role", "draft": "by node", "*": ""})
    )
    in_turn = await result(case([("answer", "==", "second")], answers={"*": ["first", "second"]}))
    last = await result(case([("answer", "==", "first")], answers={"*": ["first"]}))
    assert all(one.passed for one in (by_role, by_node, in_turn, last))


INNER = {"id": "inner", "name": "Inner", "nodes": [{"id": "say", "kind": "generate", "role": "speaker", "prompt": "x"}]}
OUTER = [
    {"id": "one", "kind": "subflow", "flow": "inner"},
    {"id": "two", "kind": "subflow", "flow": "inner"},
    {"id": "each", "kind": "map", "lines": "a\nb", "flow": "inner"},
    {"id": "say", "kind": "generate", "prompt": "x"},
]


class Inner:
    """Finds the inner flow."""

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        return ref_of(FlowConfig.model_validate(INNER))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"one/say": "1", "two/say": "2", "each/say": "e", "say": "s"}, ["1", "2", ["e", "e"], "s"]),
        ({"one/say": "1", "two/speaker": "2", "*": "any"}, ["1", "2", ["any", "any"], "any"]),
        ({"each[2]/say": "e2", "each/say": "e", "say": "s"}, ["s", "s", ["e", "e2"], "s"]),
        ({"one/say": ["1", "no more"], "say": ["first"]}, ["1", "first", ["first", "first"], "first"]),
    ],
)
async def test_a_node_of_a_flow_within_this_one_is_named_with_its_place_or_without(
    answers: dict[str, Any], said: list[Any]
) -> None:
    names = ["one.text", "two.text", "each.results", "say.text"]
    test = case([(name, "==", than) for name, than in zip(names, said, strict=True)], answers=answers)
    edges = [{"from": a["id"], "to": b["id"]} for a, b in pairwise(OUTER)]
    document = {"id": "outer", "name": "Outer", "nodes": OUTER, "edges": edges, "tests": [test]}
    found, problems = CATALOG.check(document)
    assert found
    assert [one for one in problems if one.severity == "error"] == []
    (told,) = await CaseRunner(aside=replace(ASIDE, flows=Inner()), real=runner().real).run(ref_of(found))
    assert told.passed, told


@pytest.mark.parametrize("answers", [{"sub/say": ["1", "2"]}, {"sub/say": "1", "sub~2/say": "2"}])
async def test_a_second_turn_of_a_flow_within_is_answered_as_its_first_unless_the_case_tells_them_apart(
    answers: dict[str, Any],
) -> None:
    test = case([("sub.text", "==", "2"), ("sub.visits", "==", 2)], answers=answers)
    when = {"value": "sub.visits", "op": "<", "than": 2}
    document = {
        "id": "outer",
        "name": "Outer",
        "nodes": [{"id": "sub", "kind": "subflow", "flow": "inner"}],
        "edges": [{"from": "sub", "to": "sub", "max_rounds": 1, "when": when}],
        "tests": [test],
    }
    aside = replace(ASIDE, flows=Inner())
    (told,) = await CaseRunner(aside=aside, real=runner().real).run(ref_of(FlowConfig.model_validate(document)))
    assert told.passed, told


async def test_a_case_without_an_answer_for_a_node_fails_with_a_sentence_that_says_so() -> None:
    told = await result(case([("answer", "==", "x")], answers={"draft": "x"}))
    assert not told.passed
    assert told.status == "failed"
    assert told.problem == "The case has no answer for 'better'; give one under `answers`, by node, by role or by '*'."


async def test_a_case_that_cannot_begin_is_a_result_and_the_others_still_run() -> None:
    wrong = case([("answer", "==", "x")], inputs={"tone": "dry"})
    results = await runner().run(ref({**wrong, "name": "wrong"}, case([("answer", "==", "said")])))
    assert [(one.name, one.passed, one.status) for one in results] == [
        ("wrong", False, None),
        ("one", True, "completed"),
    ]
    assert "There is no input 'tone'" in (results[0].problem or "")


async def test_a_failure_may_be_what_a_case_expects() -> None:
    told = await result(case([("status", "==", "failed"), ("answer", "==", None)], answers={"draft": "x"}))
    assert told.passed


async def test_only_the_case_that_is_named_runs_and_an_unknown_one_is_told_with_the_nearest() -> None:
    one, other = case([("status", "==", "completed")]), case([("status", "==", "completed")], name="other")
    assert [told.name for told in await runner().run(ref(one, other), only="other")] == ["other"]
    with pytest.raises(NotFoundError, match=r"no case 'othr' in the flow 'pair'; did you mean 'other'"):
        await runner().run(ref(one, other), only="othr")


async def test_a_flow_without_cases_never_passes_in_silence() -> None:
    with pytest.raises(ValidationError, match=r"has no test cases; write some under `tests`"):
        await runner().run(ref())


async def test_a_scripted_case_leaves_nothing_among_the_users_runs(tmp_path: Path) -> None:
    lab = bench(tmp_path)
    (told,) = await runner(lab).run(ref(case([("answer", "==", "said")])))
    assert told.passed
    assert await lab.runs.list() == []
    assert lab.provider.calls == []
    assert not (tmp_path / "outputs").exists()


async def test_a_case_without_answers_asks_the_real_models_and_names_its_run(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "really said"}))
    (told,) = await runner(lab).run(ref(case([("answer", "==", "really said")], answers=None, language="es")))
    assert told.passed
    assert not told.scripted
    view = await lab.runs.view(told.run_id or "")
    assert view.answer == "really said"
    assert len(lab.provider.calls) == 2
    await lab.runs.close()


async def ask(state: AgentState, settings: NodeSettings, step: Step) -> NodeOutput:
    return NodeOutput(text=await step.ask("Which one?", choices=("this", "that")))


ASKING = NodeKind(name="asking", summary="Asks a person.", settings=NodeSettings, run=ask, steady=False)


async def asked_people(**people: str) -> CaseResult:
    document = flow(case([("answer", "==", "that")], people=people)).model_dump(mode="json", by_alias=True)
    document["nodes"] = [{"id": "first", "kind": "asking"}, {"id": "second", "kind": "asking"}]
    document["edges"] = [{"from": "first", "to": "second"}]
    document["draft"] = None
    aside = replace(ASIDE, kinds={**KINDS, "asking": ASKING})
    (told,) = await CaseRunner(aside=aside, real=runner().real).run(ref_of(FlowConfig.model_validate(document)))
    return told


async def test_what_people_say_is_given_at_their_nodes() -> None:
    told = await asked_people(first="this", second="that")
    assert told.passed, told
    assert told.transcript == {"first": "this", "second": "that"}


async def test_what_people_say_is_given_within_inner_flows_too() -> None:
    inner = {"id": "inner", "name": "Inner", "nodes": [{"id": "ok", "kind": "asking"}]}
    document = flow(case([("each.results", "==", ["that", "this"])], people={"each/ok": "this", "each[1]/ok": "that"}))
    outer = document.model_dump(mode="json", by_alias=True) | {"edges": [], "draft": None}
    outer["nodes"] = [{"id": "each", "kind": "map", "lines": "one\ntwo", "flow": "inner"}]

    class Flows:
        async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
            return ref_of(FlowConfig.model_validate(inner))

    aside = replace(ASIDE, kinds={**KINDS, "asking": ASKING}, flows=Flows())
    (told,) = await CaseRunner(aside=aside, real=runner().real).run(ref_of(FlowConfig.model_validate(outer)))
    assert told.passed, told


async def test_a_person_without_an_answer_ends_the_case_with_a_sentence() -> None:
    told = await asked_people(first="this")
    assert not told.passed
    assert told.status == "cancelled"
    assert told.problem == "A person is asked at 'second', and the case has no answer; give one under `people`."


async def test_an_answer_that_is_no_choice_ends_the_case_with_a_sentence() -> None:
    told = await asked_people(first="neither", second="that")
    assert not told.passed
    assert "'neither' is no choice" in (told.problem or "")


async def test_no_prompt_is_too_long_for_a_scripted_case_whatever_the_models_window_is() -> None:
    told = await result(case([("answer", "==", "said")], prompt="word " * 19_000))
    assert told.passed


VIEW = RunView(
    run_id="r",
    request_id="q",
    flow_id="f",
    flow_hash="h",
    prompt="p",
    status="completed",
    answer="a",
    nodes=(
        NodeView(id="one", kind="generate", label="", role="one", visits=2, text="t", fields={"n": 3, "l": ["x"]}),
        NodeView(id="off", kind="generate", label="", role="off", status="skipped"),
    ),
    totals=RunTotals(calls=2),
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("answer", "a"),
        ("draft", None),
        ("status", "completed"),
        ("calls", 2),
        ("cost_usd", None),
        ("one.text", "t"),
        ("one.visits", 2),
        ("one.n", 3),
        ("one.l", ["x"]),
        ("one.none", None),
        ("off.text", None),
        ("off.visits", 0),
        ("who.text", None),
    ],
)
def test_a_value_is_found_where_the_run_has_one(name: str, found: Any) -> None:
    assert found_value(name, VIEW) == found


@pytest.mark.parametrize("long", ["x" * 100_000, ["y" * 1_000] * 100])
def test_what_is_long_is_cut_where_it_is_shown(long: Any) -> None:
    node = NodeView(id="one", kind="generate", label="", role="one", visits=1, fields={"long": long})
    (told,) = differences(
        [Expectation(value="one.long", op="==", than="y")], VIEW.model_copy(update={"nodes": (node,)})
    )
    assert isinstance(told.found, str)
    assert len(told.found) == SHOWN_CHARS


OPS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "contains"])
ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(st.sampled_from(["answer", "calls", "one.n", "one.l", "who.text"]), OPS, ANYTHING)
def test_no_expectation_ever_raises_and_its_contrary_never_holds_with_it(name: str, op: Any, than: Any) -> None:
    def holds(op: Any) -> bool:
        return not differences([Expectation(value=name, op=op, than=than)], VIEW)

    contrary = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
    assert not (holds(op) and op in contrary and holds(contrary[op]))
