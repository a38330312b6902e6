"""The reports that other tests render are reports: they survive being stored."""

from __future__ import annotations

from hypothesis import given

from agent_lab.contracts.evaluation_report import Report
from support.reports import example_report, reports


@given(reports())
def test_a_report_is_read_back_as_it_was_written(report: Report) -> None:
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_the_example_names_only_arms_that_it_has() -> None:
    report = example_report()
    names = {arm.arm for arm in report.arms}
    assert {one.arm for one in report.differences} | {one.against for one in report.differences} <= names
