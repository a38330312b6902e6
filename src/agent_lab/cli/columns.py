"""Lines up words and figures in columns that fit a terminal: words to the left, figures to the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from agent_lab.cli.paper import one_line

GAP = "  "


def lined_up(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, width: int, words: int = 1, least: int = 12
) -> Iterator[str]:
    """The heading and the rows, a line each. Where they do not fit, the first column gives way down to `least`.

    `words`: how many columns from the left are words, and no figures.
    """
    table = [[one_line(cell, 1000) for cell in row] for row in (headings, *rows)]
    widths = [max(cell_len(row[number]) for row in table) for number in range(len(headings))]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width
    widths[0] = max(widths[0] - max(over, 0), min(least, widths[0]))
    for row in table:
        cells = [_filled(cell, widths[number], to_left=number < words) for number, cell in enumerate(row)]
        yield GAP.join(cells).rstrip()


def _filled(cell: str, width: int, *, to_left: bool) -> str:
    told = _cut(cell, width)
    space = " " * (width - cell_len(told))
    return told + space if to_left else space + told


def _cut(cell: str, width: int) -> str:
    """The two ends of a text that is too long: names of arms differ at either end."""
    if cell_len(cell) <= width:
        return cell
    if cell_len(cell) != len(cell):
        return set_cell_size(cell, width - 1).rstrip() + "…"
    tail = (width - 1) // 2
    return f"{cell[: width - 1 - tail]}…{cell[len(cell) - tail :]}"
