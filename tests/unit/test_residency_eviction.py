"""Which models make way: the least recently used, few, none in use where idle ones suffice; several devices."""

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.providers.local.residency.eviction import Occupant, after, best_way
from agent_lab.providers.local.residency.placement import place

DEVICES = ("cuda:0", "cuda:1")
PLACEMENTS = st.dictionaries(st.sampled_from(DEVICES), st.integers(1, 30), min_size=1)


def occupant(key: str, rank: int, busy: bool = False, **placement: int) -> Occupant[str]:
    return Occupant(
        key=key,
        placement={name.replace("_", ":"): part for name, part in placement.items()},
        rank=rank,
        busy=busy,
    )


def keys(need: int, rooms: dict[str, int], *occupants: Occupant[str]) -> list[str] | None:
    way = best_way(need, rooms, occupants)
    return None if way is None else sorted(one.key for one in way.leaving)


def test_the_least_recently_used_goes_first_and_nothing_goes_where_there_is_room() -> None:
    old, new = occupant("old", 1, cuda_0=5), occupant("new", 2, cuda_0=5)
    assert keys(5, {"cuda:0": 0}, new, old) == ["old"]
    assert keys(5, {"cuda:0": 5}, new, old) == []
    assert keys(11, {"cuda:0": 0}, new, old) is None


def test_a_small_old_model_stays_where_a_large_one_must_go_anyway() -> None:
    assert keys(9, {"cuda:0": 0}, occupant("small", 1, cuda_0=2), occupant("large", 2, cuda_0=9)) == ["large"]


def test_one_model_on_one_device_goes_before_two_on_another() -> None:
    crowd = [occupant("one", 1, cuda_0=4), occupant("two", 2, cuda_0=4)]
    assert keys(8, {"cuda:0": 0, "cuda:1": 0}, *crowd, occupant("wide", 9, cuda_1=8)) == ["wide"]


def test_no_model_in_use_goes_where_idle_ones_suffice() -> None:
    idle = [occupant("one", 8, cuda_0=4), occupant("two", 9, cuda_0=4)]
    assert keys(8, {"cuda:0": 0, "cuda:1": 0}, *idle, occupant("busy", 1, True, cuda_1=8)) == ["one", "two"]


@given(
    st.integers(1, 80),
    st.dictionaries(st.sampled_from(DEVICES), st.integers(0, 30), min_size=1),
    st.lists(st.tuples(PLACEMENTS, st.booleans()), max_size=6),
)
def test_what_makes_way_is_enough_and_none_of_it_could_have_stayed(
    need: int, rooms: dict[str, int], models: list[tuple[dict[str, int], bool]]
) -> None:
    occupants = [
        Occupant(key=number, placement=placement, rank=number, busy=busy)
        for number, (placement, busy) in enumerate(models)
    ]
    way = best_way(need, rooms, occupants)
    if way is None:
        assert place(need, after(rooms, occupants)) is None
        return
    left = after(rooms, way.leaving)
    assert sum(way.placement.values()) == need
    assert all(part <= left[name] for name, part in way.placement.items())
    on_these = {name: rooms[name] for name in way.placement}
    for spared in way.leaving:
        others = [one for one in way.leaving if one is not spared]
        assert place(need, after(on_these, others)) is None
