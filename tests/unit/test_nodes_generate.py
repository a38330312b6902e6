import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import AgentLabError, UnusableError
from agent_lab.contracts.ports import ModelCall
from agent_lab.flows.state import as_text
from agent_lab.nodes.generate import GENERATE
from agent_lab.nodes.structured import NOT_PARSED, asked_schema, figure_of, read_object
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from support.turns import Took, turn

ASK: dict[str, Any] = {"kind": "generate", "prompt": "{user_input}"}
ISSUE: dict[str, Any] = {
    "type": "object",
    "properties": {"severity": {"type": "integer"}, "where": {"type": "string"}},
}
VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "accepted": {"type": "boolean", "description": "whether it may pass"},
        "issues": {"type": "array", "items": ISSUE},
    },
}
GOOD = {"accepted": False, "issues": [{"severity": 1, "where": "a"}, {"severity": 3, "where": "b"}]}


async def judged(text: str, schema: dict[str, Any] = VERDICT, **more: Any) -> dict[str, Any]:
    took = await turn({**ASK, "output_schema": schema, **more}, provider=ScriptedProvider([text]))
    assert took.output.text == text, "the text stays as the model wrote it"
    return {name: value for name, value in took.fields.items() if name not in GENERATE.fields}


# --- structured answers -------------------------------------------------------------------------------------------
async def test_an_answer_in_json_leaves_its_properties_and_what_follows_from_them() -> None:
    fields = await judged(json.dumps(GOOD))
    assert fields == {**GOOD, "parsed": True, "issues_count": 2, "severity_max": 3}
    assert await judged('{"accepted": true, "issues": []}') == {
        "parsed": True,
        "accepted": True,
        "issues": [],
        "issues_count": 0,
        "severity_max": 0,
    }


async def test_what_a_schema_leaves_is_declared_before_anything_runs() -> None:
    settings = GENERATE.settings.model_validate({"prompt": "x", "output_schema": VERDICT})
    fields = await judged(json.dumps(GOOD))
    assert set(fields) <= set(GENERATE.declares(settings))
    assert GENERATE.declares(settings)["accepted"] == "whether it may pass"


@pytest.mark.parametrize(
    "text",
    [
        "```json\n{}\n```",
        "Sure! Here is my verdict:\n\n{}\n\nI hope that this helps.",
        "I read {{its braces}} and say {} in the end",
        "{}{}",
    ],
)
async def test_json_is_found_in_a_fence_and_between_words(text: str) -> None:
    inner = json.dumps(GOOD, indent=1)
    fields = await judged(text.replace("{}", inner))
    assert (fields["parsed"], fields["accepted"]) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON at all",
        '{"accepted": true, "issues": [{"severity": 2',
        '{"accepted": "yes", "issues": []}',
        '{"accepted": true}',
        '{"accepted": true, "issues": [], "x": NaN}',
        '{"accepted": true, "issues": [{"severity": 1e999}]}',
        '{"accepted": true, "issues": [{"severity": ' + "9" * 400 + "}]}",
        '{"accepted": true, "issues": ' + "[" * 10_000 + "]" * 10_000 + "}",
        "{" * 1_000_000,
        '{"a":' * 100_000,
        '[true, "accepted"]',
    ],
)
async def test_what_does_not_fit_leaves_no_field_but_that_it_does_not(text: str) -> None:
    assert await judged(text) == {"parsed": False, "note": NOT_PARSED}


async def test_of_two_objects_that_differ_none_is_taken_for_the_verdict() -> None:
    """A critic that quotes `{"accepted": true}` from the answer that it rejects must not accept it by that."""
    quoted = 'The answer says {"accepted": true, "issues": []}. My own verdict: ' + json.dumps(GOOD)
    assert (await judged(quoted))["parsed"] is False


async def test_what_the_schema_does_not_name_or_type_is_left_out() -> None:
    schema = {**VERDICT, "required": ["accepted"]}
    said = '{"accepted": true, "issues": "none", "model": "gpt", "winner": 1}'
    assert await judged(said, schema) == {"parsed": True, "accepted": True}


async def test_words_count_as_how_grave_they_are_and_an_unknown_one_leaves_the_greatest_unknown() -> None:
    words = {"type": "string", "enum": ["low", "medium", "high", "critical"]}
    items = {"type": "object", "properties": {"severity": words}}
    schema = {"type": "object", "properties": {"issues": {"type": "array", "items": items}}}
    assert (await judged('{"issues": [{"severity": "low"}, {"severity": "High"}]}', schema))["severity_max"] == 3
    assert "severity_max" not in await judged('{"issues": [{"severity": 1}, {"severity": "odd"}]}', schema)
    assert [figure_of(word) for word in ("none", "crítica", "2", " 3.5 ", "x", True, None)] == [0, 4, 2, 3.5] + [
        None
    ] * 3


async def test_a_schema_may_refer_to_its_own_definitions() -> None:
    schema = {
        "type": "object",
        "properties": {"issues": {"type": "array", "items": {"$ref": "#/$defs/Issue"}}},
        "$defs": {"Issue": ISSUE},
    }
    assert (await judged('{"issues": [{"severity": 2}]}', schema))["severity_max"] == 2
    loop = {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}}
    assert (await judged('{"a": 1}', loop))["a"] == 1


async def test_lone_surrogates_and_nul_do_not_get_through() -> None:
    schema = {"type": "object", "properties": {"why": {"type": "string"}}}
    assert (await judged('{"why": "a\\ud800\\u0000b"}', schema))["why"] == "a\N{REPLACEMENT CHARACTER}b"


@given(st.text(alphabet='{}[]":,ab1\\ \n', max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    value = read_object(text, {"properties": {"a": {}, "b": {"type": "integer"}}, "required": []})
    assert value is None or set(value) <= {"a", "b"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["{}", "so: {} .", "```json\n{}\n```", "x {{ y {}"]))
def test_whatever_json_a_property_holds_it_is_found_with_words_around_it(value: Any, around: str) -> None:
    clean = json.loads(json.dumps(value).replace("\\u0000", ""))
    said = around.replace("{}", json.dumps({"a": clean}))
    assert read_object(said, {"properties": {"a": {}}, "required": ["a"]}) == {"a": clean}


async def test_models_are_asked_for_closed_objects_with_all_their_properties() -> None:
    took = await turn({**ASK, "output_schema": VERDICT}, provider=ScriptedProvider(["{}"]))
    asked: Any = took.step.asked[0][1].response_schema
    assert (asked["additionalProperties"], asked["required"]) == (False, ["accepted", "issues"])
    assert asked["properties"]["issues"]["items"]["required"] == ["severity", "where"]
    assert asked_schema({**VERDICT, "required": ["issues"]})["required"] == ["issues"]


def test_a_property_may_be_called_as_a_keyword_and_values_stay_as_they_are() -> None:
    inner = {"type": "object", "properties": {"enum": {"type": "string"}}, "default": {"properties": {}}}
    asked: Any = asked_schema({"type": "object", "properties": {"properties": inner, "required": {"type": "string"}}})
    assert list(asked["properties"]) == ["properties", "required"]
    assert asked["required"] == ["properties", "required"]
    assert asked["properties"]["properties"] == {**inner, "additionalProperties": False, "required": ["enum"]}


@pytest.mark.parametrize(
    "schema",
    [{"type": "array"}, {"type": "object"}, {"type": "object", "properties": {}}, {**VERDICT, "title": "x" * 30_000}],
)
def test_a_schema_that_is_none_of_an_object_or_too_large_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the schema"):
        GENERATE.settings.model_validate({"prompt": "x", "output_schema": schema})


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"model": "a", "models": ["b"], "samples": 2}, "/models"),
        ({"models": ["a", "b", "c"], "samples": 2}, "/models"),
        ({"stop_early": {}}, "/stop_early"),
        ({"output_schema": {"type": "object", "properties": {"tokens": {}}}}, "/output_schema/properties/tokens"),
        ({"output_schema": {"type": "object", "properties": {"isOk/": {}}}}, "/output_schema/properties/isOk~1"),
        (
            {"output_schema": {"type": "object", "properties": {"accepted": {"type": "string"}}}},
            "/output_schema/properties/accepted/type",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_told_with_their_place(more: dict[str, Any], path: str) -> None:
    settings = GENERATE.settings.model_validate({"prompt": "x", **more})
    assert [found for found, _ in GENERATE.problems(settings)] == [path]


def test_what_goes_together_is_no_problem() -> None:
    settings = GENERATE.settings.model_validate(
        {"prompt": "x", "samples": 3, "models": ["a", "b"], "stop_early": {}, "output_schema": VERDICT}
    )
    assert list(GENERATE.problems(settings)) == []
    assert (GENERATE.most_calls(settings), [one.pointer for one in GENERATE.models(settings)]) == (
        3,
        ["/models/0", "/models/1"],
    )


# --- agreement ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("ACCEPTED", True),
        ("So: accepted.", True),
        ("Verdict: all lines\nare  right.", True),
        ("está ACEPTADO", True),
        ("It is unaccepted", False),
        ("Line 2 is wrong.", False),
        ("", False),
    ],
)
async def test_a_phrase_says_whether_an_answer_agrees(text: str, accepted: bool) -> None:
    phrases = [{"en": "Accepted", "es": "Aceptado"}, "all lines are right"]
    took = await turn({**ASK, "accepts": phrases}, provider=ScriptedProvider([text]))
    assert took.fields["accepted"] is accepted


async def test_the_property_accepted_counts_before_any_phrase() -> None:
    said = '{"accepted": false, "issues": []} although one might say ACCEPTED'
    assert (await judged(said, accepts=["accepted"]))["accepted"] is False
    assert (await judged("ACCEPTED, I say", accepts=["accepted"]))["accepted"] is True


# --- samples ------------------------------------------------------------------------------------------------------
def by_sample(*texts: str) -> ScriptedProvider:
    return ScriptedProvider(list(texts))


async def test_several_samples_are_asked_at_once_and_all_are_kept() -> None:
    gate = asyncio.Event()

    def same(call: ModelCall) -> str:
        if provider.open_streams == 5:
            gate.set()
        return "same"

    provider = ScriptedProvider(same, gate=gate)
    took = await turn({**ASK, "samples": 5}, provider=provider)
    assert took.fields["samples"] == ["same"] * 5
    assert sorted(sample for sample, _ in took.step.asked) == [0, 1, 2, 3, 4]
    assert (took.fields["asked"], took.fields["stopped_early"], took.fields["tokens"]) == (5, False, 5)
    assert "samples" not in (await turn(ASK)).fields


def by_model(call: ModelCall) -> str:
    return f"by {call.model.key}"


async def test_samples_go_round_the_models_and_the_runs_own_word_wins() -> None:
    asking = {**ASK, "samples": 3, "models": ["voice", "other"]}
    took = await turn(asking, provider=ScriptedProvider(by_model))
    assert took.fields["samples"] == ["by voice", "by other", "by voice"]
    assert took.fields["models"] == ["voice", "other", "voice"]
    forced = await turn(asking, provider=ScriptedProvider(by_model), models={"node": "other"})
    assert forced.fields["models"] == ["other"] * 3


async def test_each_sample_has_its_own_values() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    took = await turn({**ASK, "samples": 3, "output_schema": schema}, provider=by_sample('{"n": 1}', "no", '{"n": 3}'))
    assert took.fields["values"] == [{"n": 1}, None, {"n": 3}]
    assert (took.fields["parsed"], took.fields["n"]) == (True, 1)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [(["7"] * 7, 4), (["7", "8", "7", "7", "7", "1", "2"], 6), (["1", "2", "3", "4", "5", "6", "7"], 7)],
)
async def test_it_stops_once_no_other_answer_can_win(answers: list[str], asked: int) -> None:
    took = await turn(
        {**ASK, "samples": 7, "stop_early": {"normalize": "number"}},
        provider=by_sample(*answers),
        limits={"max_parallel": 2},
    )
    assert (took.fields["asked"], took.fields["stopped_early"]) == (asked, asked < 7)
    assert took.fields["samples"] == answers[:asked]


async def stopped(value_usd: float, model: str = "dear") -> Took:
    """Each answer of `dear` costs 2 USD: a word in and a word out at 1 USD each."""
    early = {"normalize": "number", "rule": "worth", "value_usd": value_usd}
    return await turn(
        {**ASK, "samples": 9, "model": model, "stop_early": early},
        provider=ScriptedProvider(lambda call: "7"),
        limits={"max_parallel": 1},
    )


async def test_it_stops_where_one_more_answer_is_not_worth_its_price() -> None:
    assert (await stopped(1.0)).fields["asked"] == 1
    assert 1 < (await stopped(50.0)).fields["asked"] < 5
    assert (await stopped(1e9)).fields["asked"] == 5, "then no other answer could win any more"


async def test_where_the_price_is_not_known_only_a_decided_vote_stops_it() -> None:
    assert (await stopped(0.0001, model="voice")).fields["asked"] == 5


def test_the_rule_of_worth_needs_a_value() -> None:
    with pytest.raises(ValueError, match="value_usd"):
        GENERATE.settings.model_validate({"prompt": "x", "samples": 2, "stop_early": {"rule": "worth"}})


def broken(call: ModelCall) -> ScriptedReply:
    if call.model.key == "other":
        return ScriptedReply("", error=UnusableError("It is away; use another model."))
    return ScriptedReply("fine")


async def test_a_sample_that_fails_costs_its_voice_alone_unless_all_do() -> None:
    asking = {**ASK, "samples": 2, "models": ["voice", "other"]}
    took = await turn(asking, provider=ScriptedProvider(broken))
    assert took.fields["samples"] == ["fine"]
    assert (took.fields["asked"], len(took.fields["failed"])) == (2, 1)
    with pytest.raises(AgentLabError):
        await turn({**asking, "models": ["other"]}, provider=ScriptedProvider(broken))


class Ended(Exception):
    """As a run ends for another reason than a provider's."""


async def test_any_other_error_comes_out_as_it_is_once_the_others_have_been_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from support.turns import Turn

    heard: list[int] = []

    async def refuse(*_: Any, sample: int, **__: Any) -> Any:
        if sample == 1:
            raise Ended
        await asyncio.sleep(0.05)
        heard.append(sample)

    monkeypatch.setattr(Turn, "generate", refuse)
    with pytest.raises(Ended):
        await turn({**ASK, "samples": 3})
    assert heard == [0, 2]


# --- as a text ----------------------------------------------------------------------------------------------------
def test_a_list_of_objects_reads_as_a_line_for_each() -> None:
    issues = [{"severity": 2, "where": "line 1", "fix": None}, {"severity": 1, "why": "two\nlines"}, "odd"]
    assert as_text(issues) == "- severity: 2; where: line 1\n- severity: 1; why: two\n  lines\n- odd"
    assert as_text(["a", 1, True]) == "a; 1; true"


async def test_issues_stand_in_the_next_prompt() -> None:
    first = await turn({**ASK, "output_schema": VERDICT}, provider=ScriptedProvider([json.dumps(GOOD)]))
    asking = {"kind": "generate", "prompt": "Mend:\n{critic.issues}\nWorst: {critic.severity_max}"}
    took = await turn(asking, before={"critic": first.output})
    assert took.step.asked[0][1].prompt == "Mend:\n- severity: 1; where: a\n- severity: 3; where: b\nWorst: 3"
