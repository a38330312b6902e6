"""What a kind of node says of itself is held to: its fields, templates, names, the nodes and flows that it names."""

import copy
from typing import Any

import pytest
from pydantic import Field, JsonValue

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import Named, NodeKind
from agent_lab.flows.bounds import bounds
from agent_lab.flows.checks import check_flow
from agent_lab.nodes.settings import NodeSettings
from support.flows import KINDS


class EachSettings(NodeSettings):
    """Settings of a kind that uses everything that a row of the table can say."""

    of: tuple[str, ...] = ()
    flow: str | None = None
    most: int = 2
    asks: int = 3
    leaves: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    table: dict[str, JsonValue] = Field(default_factory=dict)
    forbidden: bool = False


async def _silent(state: Any, settings: Any, step: Any) -> Any:
    raise AssertionError("no node is run here")


EACH = NodeKind(
    name="each",
    summary="Uses everything.",
    settings=EachSettings,
    run=_silent,
    fields={"fixed": "always there"},
    templates=("texts", "table"),
    binds=("item",),
    calls=True,
    declares=lambda its: dict.fromkeys(its.leaves, "declared"),
    most_calls=lambda its: its.asks,
    nodes=lambda its: [Named(pointer=f"/of/{i}", name=name) for i, name in enumerate(its.of)],
    flows=lambda its: [Named(pointer="/flow", name=its.flow)] if its.flow else [],
    most_flows=lambda its: its.most,
    problems=lambda its: [("/forbidden", "That is not allowed; leave it out.")] if its.forbidden else [],
)
ALL = {**KINDS, "each": EACH}


def document(flow_id: str = "outer", *, edges: str = "ab bc", **each: Any) -> dict[str, Any]:
    """`a` (generate), `b` (each, as given), `c` (generate); the edges are pairs of letters."""
    return {
        "id": flow_id,
        "name": flow_id,
        "nodes": [
            {"id": "a", "kind": "generate", "prompt": "{user_input}"},
            {"id": "b", "kind": "each", **each},
            {"id": "c", "kind": "generate", "prompt": "{b_output}"},
        ],
        "edges": [{"from": pair[0], "to": pair[1]} for pair in edges.split()],
    }


def told(given: dict[str, Any], *others: dict[str, Any]) -> dict[str, str]:
    flows = {other["id"]: FlowConfig.model_validate(other) for other in others}
    _, problems = check_flow(given, kinds=ALL, models=[], strategies=[], flows=flows.get)
    return {problem.path: problem.message for problem in problems}


def test_fields_that_the_settings_declare_may_be_named() -> None:
    given = document(leaves=["severity_max"])
    given["nodes"][2]["prompt"] = "{b.severity_max} {b.fixed} {b.text} {b.visits} {b.severity}"
    given["tests"] = [
        {"name": "t", "prompt": "p", "expect": [{"value": "b.severity_max", "op": "<", "than": 2}]},
    ]
    assert list(told(given)) == ["/nodes/2/prompt"]
    assert "no field 'severity'; did you mean 'severity_max'" in told(given)["/nodes/2/prompt"]


@pytest.mark.parametrize("field", ["text", "visits", "fixed"])
def test_conditions_may_name_what_every_node_has(field: str) -> None:
    given = document()
    given["edges"][1]["when"] = {"value": f"b.{field}", "op": "!=", "than": ""}
    given["edges"].append({"from": "b", "to": "c", "otherwise": True})
    assert told(given) == {}


def test_templates_in_lists_and_mappings_are_read_and_what_is_deeper_stands_as_it_is() -> None:
    table = {"wrong": "{", "deep": {"like": "{any}", "list": ["{"]}, "n": 1}
    found = told(document(texts=["fine {a_output} {item}", "{x_output}"], table=table))
    assert set(found) == {"/nodes/1/texts/1", "/nodes/1/table/wrong"}


def test_names_of_a_kind_are_its_own() -> None:
    given = document()
    given["nodes"][2]["prompt"] = "{item}"
    assert "no name that 'c' can use" in told(given)["/nodes/2/prompt"]


def test_nodes_that_the_settings_name_have_run_on_every_path() -> None:
    found = told(document(of=["a", "c", "d"]))
    assert set(found) == {"/nodes/1/of/1", "/nodes/1/of/2"}
    assert "has not run on every path to 'b'" in found["/nodes/1/of/1"]
    assert "Sure here: 'a'" in found["/nodes/1/of/1"]
    assert "There is no node 'd'" in found["/nodes/1/of/2"]


def test_what_a_kind_forbids_is_told_at_its_place() -> None:
    assert told(document(forbidden=True)) == {"/nodes/1/forbidden": "That is not allowed; leave it out."}


def test_flows_that_a_node_runs_exist_and_come_to_an_end() -> None:
    assert told(document(flow="inner"), document("inner")) == {}
    assert "no flow 'inner'" in told(document(flow="inner"))["/nodes/1/flow"]
    assert "itself" in told(document(flow="outer@2"))["/nodes/1/flow"]
    circle = told(document(flow="inner"), document("inner", flow="third"), document("third", flow="inner"))
    assert "comes back" in circle["/nodes/1/flow"]
    around = told(document(flow="inner"), document("inner", flow="outer"), document("outer"))
    assert "comes back" in around["/nodes/1/flow"]


@pytest.mark.parametrize("deep", [4, 5])
def test_flows_stand_four_deep_in_each_other_at_the_most(deep: int) -> None:
    inner = [document(f"f{i}", flow=f"f{i + 1}" if i < deep else None) for i in range(1, deep + 1)]
    found = told(document(flow="f1"), *inner)
    assert ("more than 4 deep" in found.get("/nodes/1/flow", "")) is (deep > 4)


def test_the_bounds_count_samples_and_the_flows_within() -> None:
    inner = FlowConfig.model_validate(document("inner"))
    outer = FlowConfig.model_validate(document(flow="inner", asks=0, most=4) | {"limits": {"max_steps": 100}})
    alone, both = bounds(inner, ALL), bounds(outer, ALL, {"inner": inner}.get)
    assert (alone.turns, alone.calls) == (3, 5)
    assert (both.turns, both.calls) == (3 + 4 * 3, 2 + 4 * 5)
    assert [(one.node, one.turns, one.calls) for one in both.nodes] == [("a", 1, 1), ("b", 13, 20), ("c", 1, 1)]
    assert [one.own_turns for one in both.nodes] == [1, 1, 1]
    assert both.sentence() == "At most 15 turns and 22 model calls."


def test_the_bounds_keep_to_the_steps_that_a_run_may_take() -> None:
    flow = FlowConfig.model_validate(document(asks=10))
    assert bounds(flow, ALL, max_steps=2).calls == 11  # the dearest two


def test_what_is_given_to_a_test_is_asked_for() -> None:
    given = copy.deepcopy(document(flow="inner"))
    given["inputs"] = {"user_input": {}, "tone": {}}
    given["tests"] = [
        {
            "name": "t",
            "prompt": "p",
            "answers": {"*": "x", "b/a": "y", "b[2]/a": "z", "a": "w", "d": "v"},
            "people": {"e": "yes", "e/ok": "yes", "b[2]/ok": "yes"},
            "expect": [{"value": "d.text", "op": "==", "than": ""}, {"value": "answer", "op": "<", "than": []}],
        }
    ]
    assert set(told(given, document("inner"))) == {
        "/tests/0/inputs",
        "/tests/0/answers/d",
        "/tests/0/people/e",
        "/tests/0/people/e~1ok",
        "/tests/0/expect/0/value",
        "/tests/0/expect/1/than",
    }


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"answer": "b", "edges": [{"from": "a", "to": "b", "when": {"value": "a.tokens", "op": ">", "than": 1}}]},
         "/answer", "may leave out 'b'"),
        ({"inputs": {"user_input": {}, "a_output": {"default": ""}}}, "/nodes/0/id", "rename one of them"),
        ({"limits": {"max_steps": 1}}, "/limits/max_steps", "at least"),
        ({"limits": {"max_steps": 0}}, "/limits/max_steps", "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_whole_is_told(change: dict[str, Any], path: str, says: str) -> None:
    given = {**document(), **change}
    if "edges" in change:
        given["nodes"] = given["nodes"][:2]
    assert says in told(given)[path]


def test_warnings_keep_no_flow_from_running() -> None:
    given = document()
    given["edges"] = [
        {"from": "a", "to": "b", "when": {"value": "a.tokens", "op": ">", "than": 1}},
        {"from": "a", "to": "c", "otherwise": True},
        {"from": "b", "to": "b", "max_rounds": 50},
    ]
    given["nodes"][2]["prompt"] = "x"
    given |= {"answer": "b", "limits": {"max_steps": 20}}
    _, problems = check_flow(given, kinds=ALL, models=[], strategies=[])
    assert [(one.path, one.severity) for one in problems] == [("/answer", "warning")]
    given["edges"][2:] = [{"from": "b", "to": "b", "max_rounds": 50, "when": given["edges"][0]["when"]}]
    given["edges"].append({"from": "b", "to": "c", "otherwise": True})
    _, problems = check_flow(given | {"answer": "c"}, kinds=ALL, models=[], strategies=[])
    assert [(one.path, one.severity) for one in problems] == [("/limits/max_steps", "warning")]
    assert "53 turns and is ended after 20" in problems[0].message


def test_a_flow_that_a_node_runs_takes_its_inputs_and_leaves_the_fields_that_are_read() -> None:
    inner = document("inner") | {"inputs": {"tone": {}, "length": {"default": "short"}}}
    outer = document()

    def found(**settings: Any) -> str:
        outer["nodes"][1] = {"id": "b", "kind": "subflow", "flow": "inner", **settings}
        return told(outer, inner).get("/nodes/1/flow", "")

    assert "needs a value for its input 'tone'" in found()
    assert "no input 'tome'; did you mean 'tone'" in found(inputs={"tone": "dry", "tome": "dry"})
    assert "no field 'tokns'; did you mean 'tokens'" in found(inputs={"tone": "dry"}, fields=["model", "tokns"])
    assert found(inputs={"tone": "{user_input}"}, fields=["model"]) == ""
    outer["nodes"][1] = {"id": "b", "kind": "map", "lines": "{user_input}", "flow": "inner"}
    assert "needs a value for its input 'tone'" in told(outer, inner)["/nodes/1/flow"]
