"""Foreign text is made harmless, and wrapped within the page."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agent_lab.cli.clean import StreamCleaner, clean
from agent_lab.cli.paper import Page, Paper, one_line


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


def on_page(text: str, *, width: int, piece: int, live: bool) -> str:
    page = StringIO()
    paper = Paper(Page(file=page, width=width), live=live)
    for start in range(0, len(text), piece):
        paper.text(text[start : start + piece])
    paper.close()
    return page.getvalue()


@given(
    st.lists(st.text(alphabet="abc日", min_size=1, max_size=50), max_size=60), st.integers(20, 100), st.integers(1, 9)
)
def test_no_line_on_a_terminal_is_wider_than_it(words: list[str], width: int, piece: int) -> None:
    shown = on_page(" ".join(words), width=width, piece=piece, live=True)
    assert max(cell_len(line) for line in shown.split("\n")) <= width
    assert "".join(shown.split()) == "".join(words)
    if max((cell_len(word) for word in words), default=0) <= width:
        assert shown.split() == words


@given(st.text(alphabet="ab \n\t日", max_size=200), st.integers(1, 9))
def test_text_in_pieces_is_wrapped_like_the_whole_and_left_alone_in_a_pipe(text: str, piece: int) -> None:
    pieces, whole = (on_page(text, width=20, piece=size, live=True) for size in (piece, 1000))
    assert [line.rstrip() for line in pieces.split("\n")] == [line.rstrip() for line in whole.split("\n")]
    assert on_page(text, width=20, piece=piece, live=False).removesuffix("\n") == text.removesuffix("\n")


def test_wide_characters_are_counted_as_two_columns() -> None:
    assert one_line("日本語です", 6) == "日本…"
    assert one_line("a\n  b\x1b[31m", 10) == "a b"


def test_a_table_keeps_every_cell_whole_in_a_pipe_and_within_the_terminal() -> None:
    rows = [["20261121t025000-0123456789", "a question of many words " * 8], ["b", "[bold]short[/bold] :smile:"]]
    for live in (True, False):
        page = StringIO()
        Paper(Page(file=page, width=80), live=live).table(rows, headings=["RUN", "QUESTION"])
        lines = page.getvalue().splitlines()
        assert lines[1].startswith("20261121t025000-0123456789  a question")
        assert "[bold]short[/bold] :smile:" in lines[-1]
        assert (max(map(len, lines)) <= 80) is live
        assert live or lines == [line.rstrip() for line in lines]
