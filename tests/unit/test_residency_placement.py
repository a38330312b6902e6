"""Where models are put: on one device where one has room, on as few as can be elsewhere, never over their room."""

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.providers.local.residency.placement import place

ROOMS = st.dictionaries(st.sampled_from(["cuda:0", "cuda:1", "cuda:2", "cuda:3"]), st.integers(-5, 100), min_size=1)


def test_a_model_goes_where_the_least_room_is_left_over() -> None:
    assert place(8, {"cuda:0": 24, "cuda:1": 10, "cuda:2": 7}) == {"cuda:1": 8}


def test_a_model_that_fits_no_single_device_is_spread_evenly_over_the_widest() -> None:
    assert place(30, {"cuda:0": 10, "cuda:1": 24, "cuda:2": 20}) == {"cuda:1": 15, "cuda:2": 15}
    assert place(30, {"cuda:0": 8, "cuda:1": 24}) == {"cuda:1": 22, "cuda:0": 8}


@given(st.integers(1, 300), ROOMS)
def test_a_placement_holds_the_whole_model_within_the_room_of_each_device(need: int, rooms: dict[str, int]) -> None:
    found = place(need, rooms)
    if found is None:
        assert sum(max(0, room) for room in rooms.values()) < need
        return
    assert sum(found.values()) == need
    assert all(0 < share <= rooms[name] for name, share in found.items())
    widest = sorted(rooms.values(), reverse=True)
    assert sum(widest[: len(found) - 1]) < need
