"""The report of an evaluation in the terminal: verdicts first, nothing wider than the page, no colour needed."""

from __future__ import annotations

import io
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from agent_lab.cli.columns import lined_up
from agent_lab.cli.eval_paper import scale, show_report
from agent_lab.cli.paper import Page, Paper
from agent_lab.contracts.evaluation_report import Interval, Report
from support.reports import example_report, reports

ESCAPE = "\x1b"


def shown(report: Report, *, live: bool = True, width: int = 80) -> str:
    out = io.StringIO()
    console = Page(file=out, color_system=None, width=width, legacy_windows=False)
    show_report(Paper(console, live=live), report)
    return out.getvalue()


def test_verdicts_come_before_figures_and_the_one_at_equal_cost_before_all() -> None:
    report = example_report()
    text = shown(report.model_copy(update={"differences": report.differences[::-1]}))
    claim, other = text.index("a vote that costs the same"), text.index("+22.5 points")
    assert claim < other < text.index("── Arms") < text.index("── Differences") < text.index("── What the deliberation")


def test_everything_is_said_in_words_too() -> None:
    text = shown(example_report())
    assert re.search(r"^BETTER +challenge is better than a vote", text, re.MULTILINE)
    assert re.search(r"^INCONCLUSIVE +challenge and without", text, re.MULTILINE)
    assert re.search(r"^challenge +96\.3 % +94\.8 to 97\.8 +562 +2\.6 +1\.42 s$", text, re.MULTILINE)
    assert re.search(r"^single~challenge .* \*$", text, re.MULTILINE)
    assert "138 repaired, 3 broken" in text
    assert "noise:challenge: 4 failed of 600 answers; they count as wrong." in " ".join(text.split())
    assert "agent-lab eval report eval_0123456789abcdef --out report.html" in text


def test_costs_in_usd_have_the_tokens_beside_them() -> None:
    text = shown(example_report(unit="usd"))
    assert re.search(r"^ARM +SCORE +INTERVAL +COST +TOKENS", text, re.MULTILINE)
    assert re.search(r"^challenge +96\.3 % .*\$0\.00112 +562", text, re.MULTILINE)


@given(reports())
@settings(max_examples=40, deadline=None)
def test_any_report_fits_the_page_and_steers_no_terminal(report: Report) -> None:
    text = shown(report)
    assert ESCAPE not in text
    tables = [line for line in text.splitlines() if re.search(r" %  | to ", line)]
    assert all(cell_len(line) <= 110 for line in tables)


@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.floats(0, 1e6).map(lambda value: f"{value:,.1f}")), min_size=1, max_size=8
    ),
    st.integers(40, 100),
)
def test_columns_line_up_and_keep_within_the_width(rows: list[tuple[str, str]], width: int) -> None:
    lines = list(lined_up(["ARM", "COST"], rows, width=width))
    assert all(cell_len(line) <= width for line in lines)
    assert len({cell_len(line) for line in lines}) == 1


def test_a_name_that_is_too_long_keeps_both_ends() -> None:
    lines = list(lined_up(["ARM", "N"], [["without:challenge/challenger", "1"]], width=20))
    name = lines[1].split()[0]
    start, end = name.split("…")
    assert len(name) == 17
    assert "without:challenge/challenger".startswith(start)
    assert "without:challenge/challenger".endswith(end)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_the_scale_shows_where_the_difference_and_nothing_are(one: float, two: float, three: float) -> None:
    low, middle, high = sorted((one, two, three))
    drawn = scale(Interval(low=low, high=high), middle, low=min(low, 0.0), high=max(high, 0.0))
    assert drawn.count("o") == 1
    assert len(drawn) <= 41
    assert "|" in drawn or drawn.index("o") == round((0 - min(low, 0)) / ((max(high, 0) - min(low, 0)) or 1) * 40)
