"""Server-sent events are the same however their bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.providers.hosted.sse import BOM, EventDecoder

DATA = st.text(alphabet="ab{}: 🙂é\\", min_size=1).map(str.strip).filter(bool)
FORMS = ["data: {}\n\n", "data:{}\r\n\r\n", "event: x\ndata: {}\n\n", ": c\n\ndata: {}\n\n"]
EVENTS = st.lists(st.tuples(DATA, st.sampled_from(FORMS)))


@given(events=EVENTS, cuts=st.lists(st.integers(0, 400)))
def test_events_are_told_once_each_and_in_order(events: list[tuple[str, str]], cuts: list[int]) -> None:
    wire = "".join(form.replace("{}", data, 1) for data, form in events).encode()
    bounds = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    decoder = EventDecoder()
    told = [data for start, end in pairwise(bounds) for data in decoder.feed(wire[start:end])]
    assert told == [data.encode() for data, _ in events]


def test_the_lines_of_one_event_are_joined_and_an_unfinished_event_is_never_told() -> None:
    assert list(EventDecoder().feed(b"data: {\ndata: }\nid: 7\n\ndata: half\n")) == [b"{\n}"]


@given(cuts=st.lists(st.integers(0, 20)))
def test_the_mark_of_utf8_at_the_beginning_is_no_part_of_the_first_line(cuts: list[int]) -> None:
    wire = BOM + b"data: one\n\n"
    bounds = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    decoder = EventDecoder()
    assert [data for start, end in pairwise(bounds) for data in decoder.feed(wire[start:end])] == [b"one"]


@pytest.mark.parametrize("line", [b"upstream timed out", b"dat", b'{"a": 1}', b"x:", BOM])
def test_a_line_that_is_part_of_no_event_is_an_error_once_what_came_before_it_is_told(line: bytes) -> None:
    events = EventDecoder().feed(b"data: one\n\n" + line + b"\n\ndata: two\n\n")
    assert next(events) == b"one"
    with pytest.raises(ValueError, match="no part of an event"):
        next(events)


def test_comments_and_the_fields_of_the_standard_are_no_error() -> None:
    lines = b": hm\r\n:\nevent: x\nevent\r\nid\nid: 3\nretry: 10\r\ndata: one\n\n\r\n"
    assert list(EventDecoder().feed(lines)) == [b"one"]
