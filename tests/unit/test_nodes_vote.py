from typing import Any

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.run import NodeOutput
from agent_lab.nodes.vote import VOTE
from support.turns import Took, turn

SAID = {"a": "47+38=85\nAnswer: 85", "b": "It is 84.", "c": "85, surely"}


async def voted(before: Any = SAID, **settings: Any) -> Took:
    return await turn({"kind": "vote", "of": list(before), "normalize": "number", **settings}, before=before)


async def test_the_winners_whole_answer_goes_on_and_the_vote_is_told() -> None:
    took = await voted()
    assert took.output.text == "47+38=85\nAnswer: 85"
    assert took.fields == {
        "winner": "85",
        "share": 0.6667,
        "votes": 2.0,
        "tally": [
            {"choice": "85", "votes": 2.0, "voters": ["a", "c"]},
            {"choice": "84", "votes": 1.0, "voters": ["b"]},
        ],
        "tied": False,
        "voters": 3,
        "abstained": 0,
    }
    assert set(took.fields) == set(VOTE.fields)
    assert took.step.votes == [("a", "85", 1.0), ("b", "84", 1.0), ("c", "85", 1.0)]
    assert took.step.asked == []


async def test_without_names_those_vote_that_led_here() -> None:
    took = await turn({"kind": "vote"}, before={"a": "Yes!", "b": "no", "c": "yes"})
    assert (took.fields["winner"], took.output.text) == ("yes", "Yes!")


async def test_a_node_that_nobody_answered_before_says_so() -> None:
    with pytest.raises(ValidationError, match="No node has answered before 'node'"):
        await turn({"kind": "vote"})


async def test_every_sample_of_a_voter_counts() -> None:
    sampled = NodeOutput(text="7", fields={"samples": ["7", "8", "8"], "models": ["voice", "other", "other"]})
    took = await voted({"a": sampled, "b": "7"})
    assert [vote[:2] for vote in took.step.votes] == [("a#1", "7"), ("a#2", "8"), ("a#3", "8"), ("b", "7")]
    assert (took.fields["tied"], took.fields["winner"], took.fields["voters"]) == (True, "7", 4)
    heavy = await voted({"a": sampled, "b": "7"}, method="weighted", weights={"other": 3, "b": 0.5})
    assert (heavy.fields["winner"], heavy.fields["votes"]) == ("8", 6.0)
    assert heavy.step.votes[-1] == ("b", "7", 0.5)


async def test_a_tie_is_told_and_broken_as_stated() -> None:
    before = {"a": "1", "b": "2"}
    first, none = await voted(before), await voted(before, tie="none")
    assert (first.output.text, first.fields["tied"], first.fields["winner"]) == ("1", True, "1")
    assert (none.output.text, none.fields["tied"], none.fields["winner"]) == ("", True, None)


async def test_who_says_nothing_that_counts_abstains() -> None:
    took = await voted({"a": "no figure", "b": "2"})
    assert (took.fields["abstained"], took.fields["voters"], took.fields["share"]) == (1, 2, 1.0)
    silent = await voted({"a": "no figure"})
    assert (silent.output.text, silent.fields["winner"], silent.fields["tally"]) == ("", None, [])


async def test_only_what_may_be_chosen_counts() -> None:
    before = {"a": "Answer: yes", "b": "maybe", "c": "NO"}
    took = await voted(before, normalize="choice", choices=["Yes", "No"])
    assert [count["choice"] for count in took.fields["tally"]] == ["Yes", "No"]
    figures = await voted({"a": "1,000", "b": "7"}, choices=["1000", "2000"])
    assert (figures.fields["winner"], figures.fields["abstained"]) == ("1000", 1)


async def test_a_field_may_hold_the_choice() -> None:
    before = {
        "a": NodeOutput(text="long", fields={"pick": "left", "parsed": True}),
        "b": NodeOutput(text="longer", fields={"parsed": False}),
    }
    took = await voted(before, normalize="text", field="pick")
    assert (took.fields["winner"], took.output.text, took.fields["abstained"]) == ("left", "long", 1)


def ranked(ranking: Any) -> NodeOutput:
    return NodeOutput(text=f"I rank {ranking}", fields={"ranking": ranking})


async def test_rankings_of_nodes_choose_a_node_whose_text_goes_on() -> None:
    before = {
        "one": "first draft",
        "two": "second draft",
        "x": ranked(["two", "one"]),
        "y": ranked("Two > One"),
        "z": ranked(["one", "two", "one"]),
    }
    for method in ("borda", "condorcet"):
        took = await voted(before, of=["x", "y", "z"], ballots="ranking", method=method, normalize="text")
        assert (took.fields["winner"], took.output.text) == ("two", "second draft")
        assert [choice for _, choice, _ in took.step.votes] == ["two > one", "two > one", "one > two"]


async def test_what_is_no_ranking_abstains_and_what_may_not_be_ranked_is_left_out() -> None:
    before = {"x": ranked({"a": 1}), "y": ranked(["B", "hack", "A"]), "z": "no field"}
    took = await voted(before, ballots="ranking", method="borda", choices=["A", "B"], normalize="text")
    assert (took.fields["winner"], took.fields["abstained"], took.output.text) == ("B", 2, before["y"].text)
    assert took.step.votes == [("y", "B > A", 1.0)]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"weights": {"a": 2}}, "/weights"),
        ({"method": "borda"}, "/ballots"),
        ({"field": "x", "ballots": "y"}, "/field"),
        ({"choices": ["yes", "Yes "]}, "/choices"),
    ],
)
def test_settings_that_do_not_go_together_are_told_with_their_place(more: dict[str, Any], path: str) -> None:
    settings = VOTE.settings.model_validate(more)
    assert [found for found, _ in VOTE.problems(settings)] == [path]


def test_the_nodes_that_vote_are_told_before_anything_runs() -> None:
    settings = VOTE.settings.model_validate({"of": ["a", "b"], "field": "pick"})
    assert [(one.pointer, one.name, one.field) for one in VOTE.nodes(settings)] == [
        ("/of/0", "a", "pick"),
        ("/of/1", "b", "pick"),
    ]
    assert list(VOTE.problems(settings)) == []


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_is_a_positive_figure(weight: float) -> None:
    with pytest.raises(ValueError, match="weights"):
        VOTE.settings.model_validate({"weights": {"a": weight}})


async def test_a_text_may_hold_the_ranking() -> None:
    rankings = await voted({"x": "b > a", "y": "b > a", "z": "a > b"}, method="condorcet", ballots="text")
    assert (rankings.fields["winner"], rankings.fields["abstained"]) == ("b", 0)
    sampled = NodeOutput(text="a > b", fields={"samples": ["a > b", "b > a", "b > a"], "models": []})
    assert (await voted({"x": sampled}, method="borda", ballots="text")).fields["winner"] == "b"
