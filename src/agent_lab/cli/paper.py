"""The page that a renderer writes on: as wide as the terminal, coloured where that is wanted, whole lines elsewhere."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

import click

from agent_lab.cli.clean import StreamCleaner, clean, display_width
from agent_lab.cli.output import write

MAX_WIDTH = 100
_STYLES: dict[str, dict[str, object]] = {
    "dim": {"dim": True},
    "bold": {"bold": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "warn": {"fg": "yellow"},
    "route": {"fg": "cyan"},
}
_HUES = ("cyan", "magenta", "yellow", "blue", "green")


@dataclass(slots=True)
class Paper:
    """Lines and streamed text, 80 columns or as many as there are. Everything written is cleaned first."""

    width: int = 80
    colour: bool = False
    live: bool = False
    """True on a terminal: text is shown word by word and wrapped. Elsewhere lines come whole and as they are."""
    emit: Callable[[str], None] = write
    _column: int = 0
    _word: str = ""
    _line: list[str] = field(default_factory=list)
    _cleaner: StreamCleaner = field(default_factory=StreamCleaner)

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line."""
        self.end_text()
        self.emit(self.styled(clean(text), style) + "\n")

    def sentence(self, text: str, *, style: str = "") -> None:
        """A text of our own, wrapped on a terminal."""
        if style or display_width(text) <= self.width:
            self.line(text, style=style)
            return
        self.end_text()
        self.text(text)
        self.end_text()

    def marked(self, mark: str, text: str, *, indent: int) -> None:
        """A text beside a mark of ours; on a terminal its further lines are set under its first."""
        self.end_text()
        lines = textwrap.wrap(clean(text), self.width - indent) if self.live else [clean(text)]
        self.emit(mark + f"\n{' ' * indent}".join(lines) + "\n")

    def rule(self, title: str, *, hue: int | None = None) -> None:
        """A heading across the page."""
        self.end_text()
        head = f"── {clean(title)} "
        text = head + "─" * max(2, self.width - display_width(head))
        look = {"bold": True} if hue is None else {"bold": True, "fg": _HUES[hue % len(_HUES)]}
        self.emit((click.style(text, **look) if self.colour else text) + "\n")

    def styled(self, text: str, style: str) -> str:
        """The text in a style, where there are colours."""
        if not self.colour or not style or not text:
            return text
        return click.style(text, **_STYLES[style])  # type: ignore[arg-type]

    def text(self, piece: str) -> None:
        """A piece of a text that is being written."""
        self._write(self._cleaner.feed(piece))

    def end_text(self) -> None:
        """End the text and its last line."""
        self._write(self._cleaner.flush())
        self._put_word()
        if self._line or self._column:
            self.emit("".join(self._line) + "\n")
        self._line = []
        self._column = 0

    def _write(self, piece: str) -> None:
        if not piece:
            return
        if self.live:
            self._wrap(piece)
            return
        self._line.append(piece)
        if "\n" in piece:
            *whole, rest = "".join(self._line).split("\n")
            self._line = [rest] if rest else []
            self.emit("".join(f"{line}\n" for line in whole))

    def _wrap(self, piece: str) -> None:
        """Show each word once it is whole: whether it fits on the line is not known before."""
        for part in re.findall(r"\n|[^\S\n]+|\S+", piece):
            if not part.isspace():
                self._word += part
                if len(self._word) >= self.width:  # no spaces in it, as in Chinese
                    self._put_word()
                continue
            self._put_word()
            if part == "\n":
                self.emit("\n")
                self._column = 0
            else:
                self._put_space(part.expandtabs(4))

    def _put_space(self, space: str) -> None:
        if self._column + len(space) < self.width:
            self.emit(space)
            self._column += len(space)
        else:
            self.emit("\n")
            self._column = 0

    def _put_word(self) -> None:
        word, self._word = self._word, ""
        if not word:
            return
        width = display_width(word)
        if self._column and self._column + width > self.width:
            self.emit("\n")
            self._column = 0
        self.emit(word)
        # A word that is wider than the page is broken by the terminal; a line that is just full has not ended yet.
        self._column = (self._column + width - 1) % self.width + 1 if width else self._column


def standard_paper(*, plain: bool) -> Paper:
    """The page on standard output. `plain`: the user or the terminal wants no control codes."""
    live = sys.stdout.isatty()
    width = min(shutil.get_terminal_size((80, 24)).columns, MAX_WIDTH) if live else 80
    return Paper(width=max(width, 40), colour=live and not plain, live=live)
