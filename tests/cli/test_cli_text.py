"""Foreign text is made harmless, and wrapped within the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.cli.clean import StreamCleaner, clean, display_width, one_line
from agent_lab.cli.paper import Paper


@pytest.mark.parametrize(
    ("dirty", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("tab\tstays\nand lines", "tab\tstays\nand lines"),
        ("bell\x07 back\x08 null\x00", "bell back null"),
        ("\u202eright to left\u2066", "right to left"),
        ("half \ud83d a pair", "half  a pair"),
        ("ends in \x1b", "ends in "),
        ("\x1b(B charset", " charset"),
    ],
)
def test_foreign_text_cannot_steer_the_terminal(dirty: str, left: str) -> None:
    assert clean(dirty) == left
    cleaner = StreamCleaner()
    assert "".join(cleaner.feed(char) for char in dirty) + cleaner.flush() == left


@given(st.text(alphabet=st.sampled_from("a\x1b[]0;1m\x07\x9b\r\n\\P( "), max_size=30), st.integers(0, 30))
def test_text_in_pieces_is_cleaned_like_the_whole(text: str, cut: int) -> None:
    cleaner = StreamCleaner()
    said = cleaner.feed(text[:cut]) + cleaner.feed(text[cut:]) + cleaner.flush()
    assert said == clean(text)
    assert "\x1b" not in said
    assert "\x9b" not in said


@given(
    st.lists(st.text(alphabet="abc日", min_size=1, max_size=19), max_size=60), st.integers(40, 100), st.integers(1, 9)
)
def test_no_line_on_a_terminal_is_wider_than_it(words: list[str], width: int, piece: int) -> None:
    written: list[str] = []
    paper, text = Paper(live=True, width=width, emit=written.append), " ".join(words)
    for start in range(0, len(text), piece):
        paper.text(text[start : start + piece])
    paper.end_text()
    assert max(display_width(line.rstrip()) for line in ("".join(written) or " ").split("\n")) <= width
    assert "".join(written).split() == words


def test_wide_characters_are_counted_as_two_columns() -> None:
    assert display_width("日本") == 4
    assert one_line("日本語です", 6) == "日本…"
    assert one_line("a\n  b\x1b[31m", 10) == "a b"
