import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import ValidationError
from agent_lab.flows.templates import needed, parse, render


def filled(template: str, **values: str | None) -> str:
    return render(parse(template), values)


def test_a_name_is_replaced_once_and_never_again() -> None:
    assert filled("Q: {user_input}", user_input="{secret} {0.__class__}") == "Q: {secret} {0.__class__}"


def test_doubled_braces_are_braces() -> None:
    assert filled('{{"a": {n_output}}}', n_output="1") == '{"a": 1}'


def test_a_block_goes_whole_where_its_name_has_no_value() -> None:
    template = "Solve.{?critic_output}\nThe critic said: {critic_output}{/critic_output}"
    assert filled(template, critic_output=None) == "Solve."
    assert filled(template, critic_output="") == "Solve."
    assert filled(template, critic_output="no") == "Solve.\nThe critic said: no"


def test_blocks_nest_and_take_dotted_names() -> None:
    template = "{?a_output}A{?b.score}B={b.score}{/b.score}{/a_output}"
    assert filled(template, **{"a_output": "x", "b.score": "3"}) == "AB=3"
    assert filled(template, **{"a_output": "x"}) == "A"
    assert filled(template, **{"b.score": "3"}) == ""


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("a { b", "character 3"),
        ("}", "character 1"),
        ("{User}", "belongs to no name"),
        ("{x.__class__}", "belongs to no name"),
        ("{?a}b", "not closed"),
        ("b{/a}", "closes no block"),
        ("{?a}{?b}{/a}{/b}", "closes no block"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(template: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        parse(template)


def test_a_name_in_a_block_of_its_own_need_not_be_bound() -> None:
    names = list(needed(parse("{a}{?b}{b}{c}{/b}")))
    assert names == [("a", True), ("b", False), ("b", False), ("c", True)]


@given(st.text(), st.text())
def test_values_arrive_unchanged_whatever_they_hold(value: str, around: str) -> None:
    safe = around.replace("{", "{{").replace("}", "}}")
    assert render(parse(safe + "{x}" + safe), {"x": value}) == around + value + around


@given(st.text(alphabet="{}?/ab._x "))
def test_any_text_either_parses_or_is_refused_with_a_sentence(template: str) -> None:
    try:
        parts = parse(template)
    except ValidationError:
        return  # the one error that it may raise
    assert isinstance(render(parts, {name: "v" for name, _ in needed(parts)}), str)
