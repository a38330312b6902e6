import copy
import json
import random
import time
from typing import Any

import pytest

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.flows.checks import Problem, check_flow
from support.flows import KINDS, LIBRARY, library_document


def problems(document: Any) -> list[Problem]:
    return check_flow(document, kinds=KINDS, models=["demo", "mistral7b"], strategies=["standard"])[1]


def challenge(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(library_document("challenge")), **changes}


@pytest.mark.parametrize("name", LIBRARY)
def test_every_flow_of_the_library_is_without_fault(name: str) -> None:
    assert problems(library_document(name)) == []


@pytest.mark.parametrize("name", LIBRARY)
def test_every_prompt_of_the_library_is_there_in_english_and_spanish(name: str) -> None:
    for node in library_document(name)["nodes"]:
        for field in ("label", "prompt", "system"):
            if field in node:
                assert set(node[field]) == {"en", "es"}, f"{name}/{node['id']}/{field}"


def test_all_problems_are_told_at_once_each_with_its_place() -> None:
    document = challenge()
    document["nodes"][0]["kind"] = "generat"
    document["nodes"][1]["modle"] = "demo"
    document["nodes"][2]["prompt"] = "Mend {creater_output} {"
    document["edges"].append({"from": "refiner", "to": "nobody"})
    document["answer"] = "refinr"
    found = {problem.path: problem.message for problem in problems(document)}
    assert "did you mean 'generate'" in found["/nodes/0/kind"]
    assert "did you mean 'model'" in found["/nodes/1/modle"]
    assert "character 23" in found["/nodes/2/prompt"]
    assert "no node 'nobody'" in found["/edges/2/to"]
    assert "did you mean 'refiner'" in found["/answer"]


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"prompt": "x {creater_output}"}, "/nodes/0/prompt", "did you mean 'creator_output'"),
        ({"prompt": "x {refiner_output}"}, "/nodes/0/prompt", "has not run on every path"),
        ({"prompt": "x {refiner.model}"}, "/nodes/0/prompt", "has not run on every path"),
        ({"prompt": "x {refiner.modle}"}, "/nodes/0/prompt", "no field 'modle'; did you mean 'model'"),
        ({"prompt": "x {previous_output}"}, "/nodes/0/prompt", "starts the flow"),
        ({"prompt": "x {history}"}, "/nodes/0/prompt", "may have no value"),
        ({"prompt": {"en": "fine", "es": "{mal"}}, "/nodes/0/prompt/es", "brace"),
        ({"model": "mistral7"}, "/nodes/0/model", "did you mean 'mistral7b'"),
        ({"strategy": "standart"}, "/nodes/0/strategy", "did you mean 'standard'"),
        ({"temperature": 9}, "/nodes/0/temperature", "less than or equal to 2"),
        ({"id": "Creator!"}, "/nodes/0/id", "small letters"),
        ({"id": "challenger"}, "/nodes/1/id", "Two nodes"),
        ({"id": "user_input"}, "/nodes/0/id", "input's name"),
    ],
)
def test_a_wrong_node_is_told_with_a_way_out(change: dict[str, Any], path: str, says: str) -> None:
    document = challenge()
    document["nodes"][0].update(change)
    found = [problem for problem in problems(document) if problem.path == path]
    assert found, problems(document)
    assert says in found[0].message


@pytest.mark.parametrize(
    ("edges", "says"),
    [
        ([{"from": "creator", "to": "challenger"}, {"from": "challenger", "to": "creator"}], "has no bound"),
        ([{"from": "creator", "to": "refiner"}, {"from": "refiner", "to": "creator"}], "No node starts|no bound"),
        ([{"from": "creator", "to": "challenger", "otherwise": True}], "beside no condition"),
        (
            [{"from": "creator", "to": "challenger", "when": {"value": "creator.secnds", "op": "<", "than": 1}}],
            "did you mean 'seconds'",
        ),
        (
            [{"from": "creator", "to": "challenger", "when": {"value": "refiner.tokens", "op": "<", "than": 1}}],
            "has not run on every path",
        ),
        ([{"from": "creator", "to": "challenger", "when": {"value": "x", "op": "<", "than": 1}}], "<node>.<field>"),
        ([{"from": "creator", "to": "challenger", "when": {"value": "creator.tokens", "op": "~", "than": 1}}], "=="),
    ],
)
def test_a_wrong_edge_is_told_with_a_way_out(edges: list[Any], says: str) -> None:
    import re

    found = [problem.message for problem in problems(challenge(edges=edges))]
    assert any(re.search(says, message) for message in found), found


def test_a_join_that_a_condition_may_starve_is_told() -> None:
    document = challenge(
        nodes=[{"id": letter, "kind": "generate", "prompt": "x"} for letter in "abcd"],
        edges=[
            {"from": "a", "to": "b", "when": {"value": "a.tokens", "op": "<", "than": 9}},
            {"from": "a", "to": "c"},
            {"from": "b", "to": "d"},
            {"from": "c", "to": "d"},
        ],
        answer="d",
        draft=None,
    )
    assert any("waits for 'b'" in problem.message for problem in problems(document))


def test_a_node_that_nothing_leads_to_is_no_second_start_by_accident() -> None:
    document = challenge()
    document["nodes"].append({"id": "lonely", "kind": "summary"})
    document["answer"] = None
    assert any("ends in several nodes" in problem.message for problem in problems(document))


def edge(source: int, target: int, **more: Any) -> dict[str, Any]:
    return {"from": f"n{source}", "to": f"n{target}", **more}


CHANCE = random.Random(7)
PAIRS = [sorted(CHANCE.sample(range(10_000), 2)) for _ in range(50_000)]
LARGE: dict[str, list[dict[str, Any]]] = {
    "chain": [edge(i, i + 1) for i in range(9_999)],
    "layers": [edge(5 * i + a, 5 * i + 5 + b) for i in range(1_999) for a in range(5) for b in range(5)],
    "fan": [edge(0, i) for i in range(1, 9_999)] + [edge(i, 9_999) for i in range(1, 9_999)],
    "loops": [edge(i, i + 1) for i in range(9_999)] + [edge(b, a, max_rounds=2) for a, b in PAIRS[:40_000]],
    "choices": [edge(a, b, when={"value": f"n{a}.tokens", "op": "==", "than": i}) for i, (a, b) in enumerate(PAIRS)],
}


@pytest.mark.no_cover  # counting the lines takes longer than the checks
@pytest.mark.parametrize("name", LARGE)
def test_ten_thousand_nodes_are_checked_within_seconds(name: str) -> None:
    nodes = [{"id": f"n{i}", "kind": "generate", "prompt": "x {user_input}"} for i in range(10_000)]
    document = {"id": "large", "name": "large", "nodes": nodes, "edges": LARGE[name], "answer": "n9999"}
    began = time.process_time()
    found = problems({**document, "limits": {"max_steps": 10_000}})
    assert time.process_time() - began < 15  # about two on a small machine
    if name in {"chain", "layers", "fan"}:
        assert found == []


@pytest.mark.no_cover
def test_ten_thousand_nodes_that_are_all_wrong_are_told_within_seconds() -> None:
    prompt = " ".join(f"{{m{i}_output}}" for i in range(20))
    nodes = [{"id": f"n{i}", "kind": "generate", "promt": 1, "prompt": prompt, "model": "x"} for i in range(10_000)]
    edges = [edge(a, b, when={"value": f"m{a}.x", "op": "<", "than": None}) for a, b in PAIRS]
    began = time.process_time()
    assert len(problems({"id": "large", "name": "large", "nodes": nodes, "edges": edges})) == 500
    assert time.process_time() - began < 15  # about four on a small machine


def test_deep_and_large_documents_are_refused_before_they_are_parsed() -> None:
    deep, large = b"[" * 5_000 + b"]" * 5_000, b" " * 100_000_000
    began = time.process_time()
    with pytest.raises(TooLargeError, match="deeper than"):
        read_json(deep, what="It")
    with pytest.raises(TooLargeError, match="bytes"):
        read_json(large, what="It")
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("raw", [b"{", b'{"a": NaN}', b"\xff", b"9" * 5000, b'{"a" 1}'])
def test_what_is_not_json_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(ValidationError, match="It is not"):
        read_json(raw, what="It")


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    text = "[" * 500
    assert read_json(json.dumps({"a": text}).encode(), what="It") == {"a": text}


def test_the_question_is_there_whatever_other_inputs_a_flow_declares() -> None:
    assert problems(challenge(inputs={})) == []
    assert problems(challenge(inputs={"audience": {"default": "everybody"}})) == []


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"name": 5}, ["/name"]),
        ({"name": {"en": 5}}, ["/name/en"]),
        ({"tests": [{"name": "t", "prompt": "p", "answers": {"each[2]/x": 5}, "expect": []}]},
         ["/tests/0/answers/each[2]~1x", "/tests/0/expect"]),
        ({"nodes": [{"id": "a", "kind": "transform", "op": "pick", "of": 5}]}, ["/nodes/0/of"]),
        ({"nodes": [{"id": "a", "kind": "transform", "op": "join", "of": ["a", "B b"]}]}, ["/nodes/0/of/1"]),
        ({"nodes": [{"kind": "human"}]}, ["/nodes/0/id"]),
        ({"nodes": [5]}, ["/nodes/0"]),
    ],
)  # fmt: skip
def test_what_is_out_of_shape_is_told_once_at_a_place_of_the_document(change: Any, paths: list[str]) -> None:
    given = challenge(
        **change, **({"edges": [], "answer": None, "draft": None, "tests": []} if "nodes" in change else {})
    )
    assert [problem.path for problem in problems(given)] == paths


def test_what_a_name_must_look_like_is_said_in_words_at_its_place() -> None:
    expected = {"name": "t", "prompt": "p", "expect": [{"value": "all", "op": "==", "than": 1}]}
    document = challenge(inputs={"My Name": {}}, tests=[expected])
    document["edges"][0]["when"] = {"value": "creator", "op": "==", "than": 1}
    found = {problem.path: problem.message for problem in problems(document)}
    assert set(found) == {"/inputs/My Name", "/edges/0/when/value", "/tests/0/expect/0/value"}
    assert "small letters, digits and _" in found["/inputs/My Name"]
    assert "write `<node>.<field>`" in found["/edges/0/when/value"]
    assert "write `answer`," in found["/tests/0/expect/0/value"]


@pytest.mark.parametrize(
    ("op", "than", "place", "says"),
    [
        ("==", "succeeded", "", "No run has the status 'succeeded' at its end; "),
        ("!=", "complete", "", "did you mean 'completed'"),
        ("==", "running", "", "No run has the status 'running' at its end; "),
        ("==", None, "", "No run has the status None at its end; "),
        ("in", ["completed", "canceled"], "/1", "did you mean 'cancelled'"),
        ("in", [["failed"]], "/0", "No run has the status ['failed'] at its end; "),
    ],
)
def test_a_status_that_no_run_has_at_its_end_is_told_with_the_nearest(
    op: str, than: Any, place: str, says: str
) -> None:
    case = {"name": "t", "prompt": "p", "answers": {"*": "x"}, "expect": [{"value": "status", "op": op, "than": than}]}
    (told,) = problems(challenge(tests=[case]))
    assert told.path == f"/tests/0/expect/0/than{place}"
    assert says in told.message


@pytest.mark.parametrize(
    ("op", "than"),
    [("==", "limit_exceeded"), ("in", ["failed", "declined"]), ("contains", "fail"), ("!=", "completed")],
)
def test_a_status_that_a_run_may_have_at_its_end_is_in_order(op: str, than: Any) -> None:
    case = {"name": "t", "prompt": "p", "answers": {"*": "x"}, "expect": [{"value": "status", "op": op, "than": than}]}
    assert problems(challenge(tests=[case])) == []
