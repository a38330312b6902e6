import asyncio
from typing import Any

import pytest

from agent_lab.contracts.errors import BusyError, LimitExceededError, UnusableError, ValidationError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.nodes.branches import side_by_side
from agent_lab.nodes.map import MAP
from agent_lab.nodes.subflow import SUBFLOW
from support.steps import lone_step, problems, said, turn

EACH = {"kind": "map", "over": "plan.steps", "prompt": "{user_input} {item_number}: {item}"}


async def test_each_element_is_asked_about_side_by_side_and_the_texts_keep_their_order() -> None:
    step = lone_step(EACH, "plan", model=str.upper)
    output = await turn(MAP, step, {"plan": said("", steps=["a", 2, {"b": True}])})
    assert [sample for sample, _ in step.asked] == [0, 1, 2]
    assert output.text.split("\n\n")[:2] == ["WHY? 1: A", "WHY? 2: 2"]
    assert step.most_at_once == 3
    assert (output.fields["count"], output.fields["left_out"], output.fields["failed"]) == (3, 0, [])


async def test_a_model_that_reads_turns_is_asked_about_the_element() -> None:
    step = lone_step(EACH, "plan")
    await turn(MAP, step, {"plan": said("", steps=["this"])})
    ((_, request),) = step.asked
    assert isinstance(request, GenerationRequest)
    assert request.context.turns[0].content == "this"


async def test_elements_beyond_the_bound_are_left_out_and_counted() -> None:
    step = lone_step({**EACH, "most": 2, "separator": " | ", "prompt": "{item}"}, "plan")
    output = await turn(MAP, step, {"plan": said("", steps=["a", "", "b", "c", "d"])})
    assert output.text == "about a | about b"
    assert output.fields["left_out"] == 2


@pytest.mark.parametrize(
    ("value", "count"), [(None, 0), ([], 0), ("one\ntwo", 1), ({"a": 1}, 1), (7, 1), (["", " "], 0)]
)
async def test_whatever_a_model_left_in_the_field_is_some_number_of_elements(value: Any, count: int) -> None:
    output = await turn(MAP, lone_step(EACH, "plan"), {"plan": said("", steps=value)})
    assert output.fields["count"] == count
    assert (await turn(MAP, lone_step(EACH, "plan"), {"plan": said("no such field")})).fields["count"] == 0


async def test_the_lines_of_a_text_are_elements() -> None:
    step = lone_step({"kind": "map", "lines": "{plan_output}", "prompt": "{item}"}, "plan")
    output = await turn(MAP, step, {"plan": said(" first \n\n{user_input}\n")})
    assert output.fields["results"] == ["about first", "about {user_input}"]


async def test_a_flow_is_run_on_each_element() -> None:
    step = lone_step({"kind": "map", "over": "plan.steps", "flow": "challenge"}, "plan")
    output = await turn(MAP, step, {"plan": said("", steps=["a", "b"])})
    assert step.asked == [("challenge", "a", {}, 1), ("challenge", "b", {}, 2)]
    assert output.text == "ran a\n\nran b"


def failing(on: str, error: Exception) -> Any:
    def answer(prompt: str) -> str:
        if prompt == on:
            raise error
        return prompt

    return answer


async def test_a_branch_that_fails_ends_the_run_with_its_own_error() -> None:
    step = lone_step({**EACH, "prompt": "{item}"}, "plan", model=failing("b", UnusableError("No model answers.")))
    with pytest.raises(UnusableError, match="No model answers"):
        await turn(MAP, step, {"plan": said("", steps=["a", "b", "c"])})


async def test_a_branch_that_fails_is_data_where_that_is_wished() -> None:
    model = failing("b", UnusableError("No model answers."))
    step = lone_step({**EACH, "prompt": "{item}", "on_error": "skip"}, "plan", model=model)
    output = await turn(MAP, step, {"plan": said("", steps=["a", "b", "c"])})
    assert output.text == "a\n\nc"
    assert output.fields["failed"] == [{"item_number": 2, "error": "No model answers."}]
    assert (output.fields["count"], output.fields["failed_count"]) == (2, 1)


async def test_a_limit_of_the_run_is_never_skipped() -> None:
    step = lone_step(
        {**EACH, "prompt": "{item}", "on_error": "skip"}, "plan", model=failing("b", LimitExceededError("x"))
    )
    with pytest.raises(LimitExceededError):
        await turn(MAP, step, {"plan": said("", steps=["a", "b"])})


class Left(Exception):
    """As a turn that waits for a person is left."""


async def test_what_is_no_error_waits_until_the_other_branches_have_ended() -> None:
    ended = []

    async def leaves() -> str:
        raise Left

    async def pays() -> str:
        await asyncio.sleep(0.01)
        ended.append(True)
        return "paid"

    with pytest.raises(Left):
        await side_by_side([leaves, pays, pays], on_error="fail")
    assert ended == [True, True]


async def test_an_error_ends_the_other_branches() -> None:
    ended = []

    async def fails() -> str:
        raise BusyError("Later.")

    async def pays() -> str:
        await asyncio.sleep(60)
        ended.append(True)
        return "paid"

    with pytest.raises(BusyError):
        await side_by_side([fails, pays], on_error="fail")
    assert ended == []


def test_settings_that_contradict_each_other_are_problems_with_a_way_out() -> None:
    assert problems(MAP, over="a.b", prompt="{item}") == []
    assert [place for place, _ in problems(MAP, prompt="{item}")] == [""]
    assert [place for place, _ in problems(MAP, over="a.b", lines="{a_output}", flow="x")] == ["/lines"]
    assert [place for place, _ in problems(MAP, over="a.b")] == [""]
    assert [place for place, _ in problems(MAP, over="a.b", flow="x", model="m", stop=["."])] == ["/model", "/stop"]
    (told,) = problems(MAP, lines={"en": "{item}", "es": "x"}, prompt="{item}")
    assert told[0] == "/lines/en"


def test_what_a_map_may_cost_is_known_before() -> None:
    asking = MAP.settings.model_validate({"over": "plan.steps", "prompt": "?", "most": 5})
    running = MAP.settings.model_validate({"over": "plan.steps", "flow": "linear", "most": 7})
    assert (MAP.most_calls(asking), list(MAP.flows(asking))) == (5, [])
    assert (MAP.most_calls(running), MAP.most_flows(running)) == (0, 7)
    (named,) = MAP.nodes(asking)
    assert (named.name, named.field, named.pointer) == ("plan", "steps", "/over")


async def test_a_subflow_gets_its_prompt_and_inputs_and_hands_on_the_fields_that_are_wanted() -> None:
    node = {
        "kind": "subflow",
        "flow": "consensus@2",
        "prompt": "{user_input} Say {draft_output}",
        "inputs": {"tone": "{draft.tone}"},
        "fields": ["winner", "absent"],
    }
    step = lone_step(node, "draft", subflow_fields={"winner": "b", "tally": []})
    output = await turn(SUBFLOW, step, {"draft": said("it", tone="mild")})
    assert step.asked == [("consensus@2", "Why? Say it", {"tone": "mild"}, None)]
    assert (output.text, output.fields) == ("ran Why? Say it", {"answer": "ran Why? Say it", "winner": "b"})
    assert set(SUBFLOW.declares(SUBFLOW.settings.model_validate({"flow": "x", "fields": ["winner"]}))) == {"winner"}


async def test_a_subflow_is_not_asked_nothing() -> None:
    step = lone_step({"kind": "subflow", "flow": "linear", "prompt": "{draft_output}"}, "draft")
    with pytest.raises(ValidationError, match="The prompt of node 'it' is empty"):
        await turn(SUBFLOW, step, {"draft": said(" \n")})
