import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import Item
from agent_lab.evaluation.data.datasets import dataset_of, demo_dataset
from agent_lab.evaluation.data.selection import overlap, select, split_items


def item(name: str, question: str | None = None, **more: object) -> Item:
    return Item.model_validate({"id": name, "input": question or f"question {name}", **more})


MANY = tuple(item(f"i{number}") for number in range(1000))


def test_a_fifth_of_the_items_is_for_tuning():
    tune = [one for one in split_items(MANY) if one.split == "tune"]
    assert 160 <= len(tune) <= 240


@given(st.sets(st.integers(0, len(MANY) - 1), min_size=1, max_size=30), st.integers(0, 5))
@settings(deadline=None)
def test_an_item_never_wanders_whatever_else_the_dataset_holds(some: set[int], seed: int):
    sides = {one.id: one.split for one in split_items(MANY, seed=seed)}
    assert all(one.split == sides[one.id] for one in split_items([MANY[place] for place in some], seed=seed))


def test_those_that_ask_the_same_stay_together():
    twins = [item(f"a{n}", f"What is {n}?") for n in range(50)] + [item(f"b{n}", f"what  IS {n}?\n") for n in range(50)]
    split = split_items(twins)
    assert [one.split for one in split[:50]] == [one.split for one in split[50:]]
    assert {one.split for one in split} == {"tune", "test"}


def test_a_split_that_is_given_is_kept_and_followed():
    given_split = split_items([item("a", "same", split="tune"), item("b", "Same"), item("c", "same", split="test")])
    assert [one.split for one in given_split] == ["tune", "tune", "test"]


def test_an_item_in_both_splits_is_found():
    tune, test = [item("a", "1 + 1?"), item("b", "2?")], [item("c", " 1  +\n1? "), item("d", "3?")]
    assert overlap(tune, test) == (("a", "c"),)


def test_the_splits_of_a_dataset_without_any_make_up_the_whole():
    demo = demo_dataset()
    tune, test = (select(demo, split=side) for side in ("tune", "test"))
    assert len(tune) + len(test) == demo.info.items
    assert not overlap(tune, test)
    assert {one.id for one in select(demo, split="tune", order="shuffled", seed=9)} == {one.id for one in tune}


def test_the_order_is_as_given_or_drawn_by_the_seed():
    dataset = dataset_of(MANY, name="many")
    assert select(dataset, limit=3) == MANY[:3]
    drawn = select(dataset, order="shuffled", seed=1)
    assert drawn != MANY
    assert drawn == select(dataset, order="shuffled", seed=1) != select(dataset, order="shuffled", seed=2)
    assert {one.id for one in drawn} == {one.id for one in MANY}
    assert select(dataset, order="shuffled", seed=1, limit=10) == drawn[:10]


def test_a_split_without_items_is_told():
    with pytest.raises(ValidationError, match="no items in its split 'tune'"):
        select(dataset_of([item("a", split="test")], name="x"), split="tune")
