"""Reports as Markdown and as HTML: everything is told, and no text of a model or a user becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from agent_lab.contracts.evaluation_report import Report
from agent_lab.evaluation.render.figures import cost, dollars, odds, plain, points, shortened, spoken_of
from agent_lab.evaluation.render.html import html
from agent_lab.evaluation.render.markdown import escape, markdown
from support.reports import example_report, reports

_TAGS = """html head meta title style body main h1 h2 h3 p ul li span figure figcaption div table caption thead tbody tr
th td dl dt dd pre svg desc line rect circle path text"""
_ATTRIBUTES = """lang charset http-equiv content name class id role aria-label aria-labelledby tabindex scope xmlns
viewbox width height x y x1 y1 x2 y2 cx cy r d text-anchor"""
PLACES = frozenset({"x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "width", "height"})


class _Page(HTMLParser):
    """What a browser would find in the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def read_page(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page


@given(reports())
@settings(max_examples=60, deadline=None)
def test_no_text_in_a_report_becomes_markup_of_its_page(report: Report) -> None:
    page = read_page(html(report))
    assert page.tags <= set(_TAGS.split())
    assert page.attributes <= set(_ATTRIBUTES.split())
    assert page.others == []
    assert len(page.ids) == len(set(page.ids))
    told = " ".join("".join(page.texts).split())
    for one in spoken_of(report.differences)[0]:
        assert plain(one.sentence) in told


@given(reports())
@settings(max_examples=30, deadline=None)
def test_every_drawing_is_well_formed(report: Report) -> None:
    found = re.findall(r"<svg.*?</svg>", html(report), re.DOTALL)
    assert found
    for drawing in found:
        root = ElementTree.fromstring(drawing)
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
        assert root.find("{http://www.w3.org/2000/svg}desc") is not None
        for element in root.iter():
            places = [value for name, value in element.attrib.items() if name in PLACES]
            assert all(-1 <= float(value) <= 2000 for value in places), (element.tag, places)


def test_the_page_asks_for_nothing_and_allows_nothing() -> None:
    text = html(example_report())
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href|url\(|@import|style)=?[\"'(]", text.split("</style>")[1])
    assert "<script" not in text


def test_the_verdict_at_equal_cost_comes_before_every_figure() -> None:
    report = example_report()
    turned = report.model_copy(update={"differences": report.differences[::-1]})
    for text in (html(turned), markdown(turned)):
        claim = text.index("challenge is better than a vote that costs the same")
        assert claim < text.index("challenge is better: +22.5 points")
        assert claim < text.index("96.3 %")


def test_markdown_has_a_row_for_every_arm_and_every_difference() -> None:
    report = example_report()
    lines = markdown(report).splitlines()
    rows = [[cell.strip().replace("\\", "") for cell in line.strip("|").split(" | ")] for line in lines if "|" in line]
    arms = [row[1] for row in rows if row[0].isdigit() and len(row) > 5]
    assert arms == [arm.arm for arm in report.arms]
    pairs = [(row[0], row[1], row[2]) for row in rows if len(row) > 5 and row[2] in {"better", "inconclusive"}]
    assert pairs == [(one.arm, one.against, one.verdict) for one in report.differences]
    assert "agent-lab eval run demo --arm challenge" in markdown(report)


@given(reports())
@settings(max_examples=60, deadline=None)
def test_markdown_tables_keep_their_columns_whatever_the_texts(report: Report) -> None:
    width = None
    for line in markdown(report).splitlines():
        if not line.startswith("|"):
            width = None
            continue
        bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
        width = width or bars
        assert bars == width


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", "a\\|b"),
        ("<b>", "\\<b\\>"),
        ("[x](http://y.z)", "\\[x\\](http&#58;//y.z)"),
        ("two\nlines", "two lines"),
        ("\x1b[31mred", "\\[31mred"),
    ],
)
def test_markdown_shows_marks_as_they_are(text: str, written: str) -> None:
    assert escape(text) == written


def test_figures_have_the_digits_that_say_something() -> None:
    assert [points(value) for value in (0.1849, -0.0004, 0.0)] == ["+18.5", "0.0", "0.0"]
    assert [odds(value) for value in (0.00001, 0.0042, 0.36)] == ["< 0.0001", "0.0042", "0.36"]
    assert [dollars(value) for value in (None, 0, 1.5, 0.0123, 0.00000123, -0.5)] == [
        *("unknown", "$0.00", "$1.50", "$0.0123", "$0.000001", "-$0.5")
    ]
    assert [cost(562.2, "tokens"), cost(74, "tokens"), cost(0.5, "usd")] == ["562", "74.0", "$0.5"]
    assert shortened("without:challenge/challenger", 15) == "without…allenge"[:8] + "allenger"[1:]
    assert shortened("short", 15) == "short"


def test_many_open_comparisons_do_not_bury_what_is_decided() -> None:
    report = example_report()
    open_one = report.differences[-1]
    many = tuple(open_one.model_copy(update={"against": f"other{n}"}) for n in range(6))
    crowded = report.model_copy(update={"differences": (*report.differences, *many)})
    for text in (html(crowded), markdown(crowded)):
        assert text.count("cannot be told apart: -0.9 points") == 0
        assert "Not told apart by these items: challenge against without:challenge/challenger; challenge" in text
        assert "challenge is better: +22.5 points" in text
    told, untold = spoken_of(report.differences)
    assert (len(told), untold) == (4, [])
