"""Server-sent events are the same however their bytes are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.providers.hosted.sse import EventDecoder

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
    assert EventDecoder().feed(b"data: {\ndata: }\nid: 7\n\ndata: half\n") == [b"{\n}"]
