"""Arms as people write them: every form is read, written back the same, and what is wrong is told in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import (
    AnyArm,
    BestOfArm,
    BestSingleArm,
    DraftsVoteArm,
    EqualCostArm,
    FlowArm,
    NoiseArm,
    SingleArm,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.run import RunOptions
from agent_lab.evaluation.arms.text import arm_text, default_name, parse_arm

FORMS: list[tuple[str, AnyArm]] = [
    ("challenge", FlowArm(name="challenge", flow="challenge")),
    ("flow:challenge@3", FlowArm(name="challenge@3", flow="challenge@3")),
    ("flow:vote", FlowArm(name="flow:vote", flow="vote")),
    ("single", SingleArm(name="single")),
    ("single:qwen3:8b", SingleArm(name="single:qwen3:8b", model="qwen3:8b")),
    ("single~challenge", SingleArm(name="single~challenge", like="challenge")),
    ("best-single", BestSingleArm(name="best-single")),
    ("best-single:a+b", BestSingleArm(name="best-single:a+b", of=("a", "b"))),
    ("vote:5", VoteArm(name="vote:5", k=5)),
    ("vote:5:m1", VoteArm(name="vote:5:m1", k=5, model="m1")),
    ("vote~debate@draft:3", VoteArm(name="vote~debate@draft:3", k=3, like="debate@draft")),
    ("best-of:3:m/j", BestOfArm(name="best-of:3:m/j", k=3, model="m", judge="j")),
    ("best-of:3:/j", BestOfArm(name="best-of:3:/j", k=3, judge="j")),
    (
        "without:challenge/challenger",
        WithoutArm(name="without:challenge/challenger", flow="challenge", node="challenger"),
    ),
    ("noise:challenge", NoiseArm(name="noise:challenge", flow="challenge")),
    ("noise:challenge/challenger", NoiseArm(name="noise:challenge/challenger", flow="challenge", node="challenger")),
    ("drafts:challenge", DraftsVoteArm(name="drafts:challenge", flow="challenge")),
    ("equal-cost:challenge", EqualCostArm(name="equal-cost:challenge", flow="challenge")),
    ("Mine = vote:5", VoteArm(name="Mine", k=5)),
    (
        "greedy=single~challenge temperature=0 model.creator=m1",
        SingleArm(name="greedy", like="challenge", options=RunOptions(temperature=0.0, models={"creator": "m1"})),
    ),
]


@pytest.mark.parametrize(("text", "arm"), FORMS)
def test_every_form_means_its_arm(text: str, arm: AnyArm) -> None:
    assert parse_arm(text) == arm
    assert parse_arm(arm_text(arm)) == arm


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write it in one of these forms"),
        ("voet:5", "did you mean 'vote'"),
        ("vote", "takes how many answers, like vote:5"),
        ("vote:0", "takes how many answers"),
        ("vote:65", "k is not usable"),
        ("best-of:1", "k is not usable"),
        ("without:challenge/", "takes FLOW or FLOW/NODE"),
        ("noise:challenge/", "takes FLOW or FLOW/NODE"),
        ("equal-cost:", "takes a flow"),
        ("single~", "after ~ it takes a flow"),
        ("drafts~challenge:challenge", "only single, vote and best-of take ~FLOW"),
        ("single:two words", "is no key of a model"),
        ("Challenge", "write it in one of these forms"),
        ("a,b=single", "no comma"),
        ("single temperature=9", "temperature=9 is not usable"),
        ("single temperature=0 temperature=1", "temperature twice"),
        ("single temperature=warm", "temperature=warm is not usable"),
    ],
)
def test_what_is_no_arm_is_told_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_arm(text)
    assert said in caught.value.message
    assert "\n" not in caught.value.message


FLOWS = st.from_regex(r"[a-z][a-z0-9_]{0,10}(@([1-9][0-9]{0,2}|draft))?", fullmatch=True)
NODES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
MODELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,10}", fullmatch=True)
OPTIONS = st.builds(
    RunOptions,
    temperature=st.none() | st.integers(0, 200).map(lambda hundredths: hundredths / 100),
    max_tokens=st.none() | st.integers(1, 1_000_000),
    model=st.none() | MODELS,
    models=st.dictionaries(NODES, MODELS, max_size=2),
)
SHARED = {"name": st.just("?"), "options": OPTIONS}
ARMS: st.SearchStrategy[AnyArm] = st.one_of(
    st.builds(FlowArm, flow=FLOWS, **SHARED),
    st.builds(SingleArm, like=st.none() | FLOWS, model=st.none() | MODELS, **SHARED),
    st.builds(BestSingleArm, of=st.lists(MODELS, max_size=3).map(tuple), **SHARED),
    st.builds(VoteArm, k=st.integers(1, 64), like=st.none() | FLOWS, model=st.none() | MODELS, **SHARED),
    st.builds(
        BestOfArm,
        k=st.integers(2, 64),
        like=st.none() | FLOWS,
        model=st.none() | MODELS,
        judge=st.none() | MODELS,
        **SHARED,
    ),
    st.builds(WithoutArm, flow=FLOWS, node=NODES, **SHARED),
    st.builds(NoiseArm, flow=FLOWS, node=st.none() | NODES, **SHARED),
    st.builds(DraftsVoteArm, flow=FLOWS, **SHARED),
    st.builds(EqualCostArm, flow=FLOWS, **SHARED),
)
NAMES = st.none() | st.from_regex(r"[^\s,]([^\s,]| )*", fullmatch=True).map(lambda text: text[:60].strip())


@given(arm=ARMS, name=NAMES)
def test_what_is_written_is_read_as_the_same_arm(arm: AnyArm, name: str | None) -> None:
    named = arm.model_copy(update={"name": name or default_name(arm)})
    assert parse_arm(arm_text(named)) == named


@given(st.text(max_size=60))
def test_whatever_is_written_is_an_arm_or_a_sentence(text: str) -> None:
    try:
        arm = parse_arm(text)
    except ValidationError:
        return
    assert parse_arm(arm_text(arm)) == arm
