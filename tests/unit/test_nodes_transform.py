import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.run import NodeOutput
from agent_lab.nodes.json_text import json_in
from agent_lab.nodes.transform import TRANSFORM, at_pointer
from support.steps import lone_step, problems, said, turn

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=10)
JSON = st.recursive(
    st.booleans() | st.integers(-(10**6), 10**6) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


async def transformed(outputs: dict[str, NodeOutput], language: str = "en", **settings: Any) -> NodeOutput:
    return await turn(TRANSFORM, lone_step({"kind": "transform", **settings}, *outputs), outputs, language=language)


async def test_pick_takes_a_field_or_a_text() -> None:
    plan = {"plan": said("the text", steps=["a", "b"], done=False)}
    steps = await transformed(plan, op="pick", of="plan.steps")
    assert (steps.fields["value"], steps.fields["found"], steps.fields["count"]) == (["a", "b"], True, 2)
    assert (await transformed(plan, op="pick", of="plan")).text == "the text"
    assert (await transformed(plan, op="pick", of="plan.done")).text == "false"


async def test_what_is_not_there_is_found_false_with_the_default_and_no_error() -> None:
    default = {"en": "none", "es": "nada"}
    output = await transformed({"plan": said("x")}, language="es", op="pick", of="plan.steps", default=default)
    assert (output.text, output.fields) == ("nada", {"value": None, "found": False, "count": 0})


async def test_join_puts_texts_one_after_the_other_under_their_labels_where_that_is_wished() -> None:
    outputs = {"red": said("No."), "blue": said(""), "green": said("", issues=["a", "b"])}
    of = ["red", "blue", "green.issues"]
    assert (await transformed(outputs, op="join", of=of)).text == "No.\n\na; b"
    headed = await transformed(outputs, op="join", of=of, separator="\n", headings=True)
    assert headed.text == "Red\nNo.\nGreen\na; b"
    assert headed.fields["count"] == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"items": [{"a/b": 7}]}',
        'Here you are:\n```json\n{"items": [{"a/b": 7}]}\n```\nThat is [all].',
        'I think [so: {"items": [{"a/b": 7}]} and } no more',
    ],
)
async def test_extract_follows_a_pointer_into_whatever_json_a_model_wrote(text: str) -> None:
    output = await transformed({"plan": said(text)}, op="extract", of="plan", pointer="/items/0/a~1b")
    assert (output.fields["value"], output.text) == (7, "7")


async def test_extract_follows_a_pointer_into_a_field() -> None:
    output = await transformed({"plan": said("", all={"n": [1, 2]})}, op="extract", of="plan.all", pointer="/n")
    assert (output.fields["value"], output.fields["count"]) == ([1, 2], 2)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        '{"items": ',
        "[" * 100_000,
        '{"a":' * 10_000,
        '{"items": NaN}',
        "1" * 10_000,
        "```json\n```",
        "\ud800{",
        '"' * 200_000,
        "```\n" * 50_000,
    ],
)
async def test_no_text_of_a_model_makes_an_error(text: str) -> None:
    output = await transformed({"plan": said(text)}, op="extract", of="plan", pointer="/items/0")
    assert (output.text, output.fields["found"]) == ("", False)


@pytest.mark.parametrize(
    "pointer", ["/n/-1", "/n/01", "/n/2", "/n/x", "/n/" + "9" * 5000, "/n/²", "/t/0", "/m", "/n/0/0"]
)
async def test_a_pointer_that_leads_nowhere_finds_nothing(pointer: str) -> None:
    assert at_pointer({"n": [1, 2], "t": "text"}, pointer) is None


@given(JSON)
def test_every_place_of_a_value_has_a_pointer_that_leads_to_it(value: Any) -> None:
    def walk(inner: Any, pointer: str) -> None:
        assert at_pointer(value, pointer) == inner
        for key, one in inner.items() if isinstance(inner, dict) else ():
            walk(one, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
        for index, one in enumerate(inner if isinstance(inner, list) else ()):
            walk(one, f"{pointer}/{index}")

    walk(value, "")


@given(
    st.dictionaries(WORDS, JSON, min_size=1),
    st.sampled_from(["{0}", "So:\n```json\n{0}\n```", "It is {0}."]),
)
def test_json_is_found_again_amid_other_words(value: Any, around: str) -> None:
    assert json_in(around.replace("{0}", json.dumps(value))) == value


@given(st.text())
def test_any_text_can_be_looked_through(text: str) -> None:
    json_in(text)


async def test_split_makes_a_list_of_lines_or_parts() -> None:
    lines = await transformed({"plan": said(" one \n\n two\n")}, op="split", of="plan")
    assert (lines.fields["value"], lines.fields["count"], lines.text) == (["one", "two"], 2, "one\ntwo")
    parts = await transformed({"plan": said("a; b;")}, op="split", of="plan", separator=";")
    assert parts.fields["value"] == ["a", "b"]
    assert (await transformed({"plan": said(" \n")}, op="split", of="plan")).fields["found"] is False


async def test_count_counts_elements_lines_and_parts() -> None:
    plan = {"plan": said("one\ntwo, three", steps=[1, 2, 3])}
    assert (await transformed(plan, op="count", of="plan.steps")).fields["count"] == 3
    lines = await transformed(plan, op="count", of="plan")
    assert (lines.text, lines.fields["count"], lines.fields["value"]) == ("2", 2, 2)
    assert (await transformed(plan, op="count", of="plan", separator=",")).fields["count"] == 2
    assert (await transformed({"plan": said("")}, op="count", of="plan")).fields["count"] == 0


def test_settings_that_an_operation_has_no_use_for_are_problems() -> None:
    assert problems(TRANSFORM, op="extract", of="plan", pointer="/a") == []
    assert problems(TRANSFORM, op="extract", of="plan", pointer="") == []
    assert [place for place, _ in problems(TRANSFORM, op="extract", of="plan")] == [""]
    assert [place for place, _ in problems(TRANSFORM, op="extract", of="plan", pointer="a")] == ["/pointer"]
    told = problems(TRANSFORM, op="pick", of=["a", "b"], pointer="/a", separator=",", headings=True)
    assert [place for place, _ in told] == ["/pointer", "/separator", "/headings", "/of"]


def test_the_nodes_that_are_read_are_told_with_their_places() -> None:
    named = list(TRANSFORM.nodes(TRANSFORM.settings.model_validate({"op": "join", "of": ["a", "b.c"]})))
    assert not any(one.sure for one in named)  # a branch that was not taken is found false
    assert [(one.pointer, one.name, one.field) for one in named] == [("/of/0", "a", None), ("/of/1", "b", "c")]


async def test_newest_takes_the_text_of_the_node_that_had_its_turn_last() -> None:
    first, second = said("the draft"), said("the repaired one", issues=["a"])
    assert (
        await transformed({"draft": first, "better": second}, op="newest", of=["draft", "better"])
    ).text == second.text
    assert (
        await transformed({"better": second, "draft": first}, op="newest", of=["draft", "better"])
    ).text == first.text
    alone = await transformed({"draft": first}, op="newest", of=["draft", "better"])
    assert (alone.text, alone.fields["found"]) == ("the draft", True)
    field = await transformed({"draft": first, "better": second}, op="newest", of=["draft", "better.issues"])
    assert field.fields["value"] == ["a"]


async def test_newest_reads_either_side_of_a_condition_and_finds_nothing_where_none_has_run() -> None:
    named = TRANSFORM.nodes(TRANSFORM.settings.model_validate({"op": "newest", "of": ["a", "b", "c"]}))
    assert not any(one.sure for one in named)
    neither = await transformed({"x": said("x")}, op="newest", of=["a", "b"], default="none")
    assert (neither.text, neither.fields["found"]) == ("none", False)


async def test_what_every_node_has_is_read_as_its_own_fields_are() -> None:
    plan = {"plan": said('["a", "b"]')}
    assert (await transformed(plan, op="extract", of="plan.text", pointer="/1")).text == "b"
    assert (await transformed(plan, op="pick", of="plan.visits")).fields["value"] == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "x\\ud800\\u0000"}', {"a": "x\N{REPLACEMENT CHARACTER}"}),
        ('{"a": 1e999}', None),
        ("[" + "9" * 400 + "]", None),
    ],
)
def test_nothing_is_read_that_a_store_would_refuse(text: str, value: Any) -> None:
    assert json_in(text) == value
