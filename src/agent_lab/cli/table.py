"""Sets rows in columns for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.cli.clean import display_width, one_line
from agent_lab.cli.paper import Paper


def show_table(paper: Paper, headings: Sequence[str], rows: Sequence[Sequence[str]], *, style_of_row: str = "") -> None:
    """The rows under their headings; the last column is cut to what the page has left."""
    every = [list(headings), *([one_line(cell, 400) for cell in row] for row in rows)]
    widths = [max(display_width(row[column]) for row in every) for column in range(len(headings) - 1)]
    left = max(12, paper.width - sum(widths) - 2 * len(widths))
    for number, row in enumerate(every):
        cells = [cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=False)]
        last = one_line(row[-1], left) if paper.live else row[-1]
        paper.line("  ".join((*cells, last)).rstrip(), style="bold" if number == 0 else style_of_row)
