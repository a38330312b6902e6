"""What is wrong is told under a stable name, with what to do, and nothing is told where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.telemetry.history.alerts import Facts, Memory, alerts
from support.slots import calls, slot

NOW = 1_800_000_000.0
WELL = Facts(
    now=NOW,
    slots=(slot(NOW - 5, {"a": calls(*[1.0] * 50, errors={"busy": 2})}),),
    breakers={"a": "closed", "b": "half-open", "c": "cooling"},
    memories=(Memory(name="ram", total_gb=16, free_gb=4), Memory(name="cuda:0", total_gb=24, free_gb=5)),
    queued=10,
    queue_limit=1000,
    oldest_wait_s=20.0,
    disk_free_gb=80.0,
    disk_total_gb=250.0,
    spent_usd=1.0,
    daily_budget_usd=5.0,
)


def failing(answers: int, errors: int, slug: str = "rate-limited", model: str = "a", ago_s: float = 5.0) -> Facts:
    return replace(WELL, slots=(slot(NOW - ago_s, {model: calls(*[1.0] * answers, errors={slug: errors})}),))


def test_where_nothing_is_wrong_nothing_is_told() -> None:
    assert alerts(WELL) == []
    assert alerts(Facts(now=NOW)) == []


@pytest.mark.parametrize(
    ("facts", "expected_id", "severity", "words"),
    [
        (replace(WELL, breakers={"a": "open"}), "breaker:a", "warning", "left alone"),
        (failing(16, 4), "errors", "warning", "4 of the 20 calls"),
        (failing(5, 5), "errors", "critical", "'rate-limited' at 'a'"),
        (
            replace(WELL, memories=(Memory(name="cuda:1", total_gb=24, free_gb=2),)),
            "memory:cuda:1",
            "warning",
            "2.0 of",
        ),
        (
            replace(WELL, memories=(Memory(name="ram", total_gb=16, free_gb=0.5),)),
            "memory:ram",
            "critical",
            "put a model",
        ),
        (replace(WELL, queued=800), "queue", "warning", "800 runs wait of the 1,000"),
        (replace(WELL, queued=1000), "queue", "critical", "none is taken"),
        (replace(WELL, oldest_wait_s=725.0), "waiting", "warning", "12 minutes"),
        (replace(WELL, disk_free_gb=4.0, disk_total_gb=100.0), "disk", "warning", "4.0 GB"),
        (replace(WELL, disk_free_gb=0.5), "disk", "critical", "make room"),
        (replace(WELL, spent_usd=4.2), "budget", "warning", "$4.20 of today's $5.00"),
        (replace(WELL, spent_usd=5.0), "budget", "critical", "refused until midnight"),
        (replace(WELL, storage_fault="The disk is full; make room."), "storage", "critical", "make room"),
        (replace(WELL, metrics_fault="It cannot be kept; make room."), "metrics", "critical", "make room"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(facts: Facts, expected_id: str, severity: str, words: str) -> None:
    (alert,) = alerts(facts)
    assert (alert.id, alert.severity) == (expected_id, severity)
    assert words in alert.sentence


@pytest.mark.parametrize(
    "facts",
    [
        failing(0, 3),  # too few to say anything
        failing(100, 10),
        failing(0, 50, slug="cancelled"),
        failing(0, 50, slug="invalid-request"),
        failing(0, 50, slug="not-found", model="rejected"),
        failing(0, 50, ago_s=301.0),
        replace(WELL, disk_free_gb=4.0, disk_total_gb=8.0),  # a small disk
        replace(WELL, disk_free_gb=None),
        replace(WELL, spent_usd=100.0, daily_budget_usd=None),
        replace(WELL, daily_budget_usd=0.0),
        replace(WELL, memories=(Memory(name="ram", total_gb=0, free_gb=0),)),
    ],
)
def test_what_is_no_fault_of_the_lab_is_not_told(facts: Facts) -> None:
    assert alerts(facts) == []


def test_the_worst_comes_first() -> None:
    facts = replace(WELL, breakers={"a": "open", "b": "open"}, spent_usd=6.0, queued=900)
    assert [alert.id for alert in alerts(facts)] == ["budget", "queue", "breaker:a", "breaker:b"]


@given(st.integers(0, 2000), st.floats(0, 100), st.floats(0, 100), st.floats(0, 10), st.integers(0, 100))
def test_each_alert_has_a_name_of_its_own(queued: int, memory: float, disk: float, spent: float, errors: int) -> None:
    facts = replace(
        failing(10, errors),
        queued=queued,
        memories=(Memory(name="ram", total_gb=100, free_gb=memory),),
        disk_free_gb=disk,
        disk_total_gb=100.0,
        spent_usd=spent,
        breakers={"a": "open"},
    )
    names = [alert.id for alert in alerts(facts)]
    assert len(names) == len(set(names))
