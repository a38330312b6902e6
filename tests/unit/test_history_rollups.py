"""Each minute is kept as a line, whatever happens to the file, and read again at the next start."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.ports import Resources
from agent_lab.providers.local import gpu_guard
from agent_lab.providers.local.plan import Device
from agent_lab.telemetry import logging
from agent_lab.telemetry.history.machine import Machine
from agent_lab.telemetry.history.rollups import Rollups
from agent_lab.telemetry.history.sampler import Sampler
from agent_lab.telemetry.history.slots import BreakerState, Slot
from agent_lab.telemetry.history.tiers import DAY_S, KEPT_DAYS
from agent_lab.telemetry.metrics import Metrics
from support.slots import calls, slot
from unit.test_metrics import answer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def logging_ends() -> Iterator[None]:
    yield
    logging.close()
    structlog.reset_defaults()


def minute(at: float = NOW, *seconds: float) -> Slot:
    return slot(at, {"a": calls(*seconds, errors={"busy": 1})}, span_s=60, breakers=(("a", "open"),))


# --- the files ------------------------------------------------------------------------------------------------------


def test_minutes_are_read_as_they_were_written(tmp_path: Path) -> None:
    rollups = Rollups(tmp_path)
    kept = [minute(NOW - DAY_S, 1.0), minute(NOW - 60), minute(NOW, 0.5, 3.0)]
    for one in kept:
        rollups.write(one)
    assert list(Rollups(tmp_path).read(NOW)) == kept
    assert sorted(path.name for path in (tmp_path / "metrics").iterdir()) == ["2026-11-20.jsonl", "2026-11-21.jsonl"]
    line = json.loads((tmp_path / "metrics" / "2026-11-21.jsonl").read_text().splitlines()[0])
    assert (line["at"], line["models"][0][0], line["models"][0][1]["errors"]) == (NOW - 60, "a", [["busy", 1]])


@pytest.mark.parametrize(
    "strange",
    [
        b'{"at": 1795262400, "span_s": 60, "seco',
        b"\x00\xff\xfe",
        b"[]",
        b'{"at": 1e300, "span_s": 60, "seconds": 60}',
        b'{"at": NaN, "span_s": 60, "seconds": 60}',
        b'{"at": 1795262400, "span_s": 60, "seconds": 60, "models": [["a", {"total": [[99999, 1]]}]]}',
        b'{"at": 1795262400, "span_s": 60, "seconds": 60, "models": [["a", {"total": [[1, -1]]}]]}',
        b'{"at": 1795262400, "span_s": 60, "seconds": 60, "models": [["a", {"answers": 1e99}]]}',
        b'{"at": 0, "span_s": 60, "seconds": 60}',  # of another day than the file's
    ],
)
def test_a_line_that_is_torn_or_not_ours_is_passed_over(tmp_path: Path, strange: bytes) -> None:
    rollups = Rollups(tmp_path)
    rollups.write(minute(NOW, 1.0))
    path = tmp_path / "metrics" / "2026-11-21.jsonl"
    path.write_bytes(path.read_bytes() + strange)
    rollups.write(minute(NOW + 60, 2.0))
    assert list(rollups.read(NOW)) == [minute(NOW, 1.0), minute(NOW + 60, 2.0)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(cut=st.integers(0, 400))
def test_wherever_a_write_was_cut_off_the_other_minutes_are_there(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "metrics" / "2026-11-21.jsonl"
    path.unlink(missing_ok=True)
    rollups = Rollups(tmp_path)
    rollups.write(minute(NOW, 1.0))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:cut].replace(b"\n", b""))
    rollups.write(minute(NOW + 60))
    found = list(rollups.read(NOW))
    assert (found[0], found[-1]) == (minute(NOW, 1.0), minute(NOW + 60))


def test_days_that_no_range_shows_are_taken_away_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    for name in ("2026-10-21.jsonl", "2026-10-22.jsonl", "2025-01-01.jsonl", "notes.txt", "2026-10-01.jsonl.bak"):
        (folder / name).write_text("")
    Rollups(tmp_path).write(minute())
    left = {path.name for path in folder.iterdir()}
    assert left == {"2026-10-22.jsonl", "2026-11-21.jsonl", "notes.txt", "2026-10-01.jsonl.bak"}
    assert KEPT_DAYS == 30


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file where the folder should be")
    with pytest.raises(EnvironmentFaultError, match="AGENT_LAB_HOME"):
        Rollups(tmp_path).write(minute())
    assert list(Rollups(tmp_path).read(NOW)) == []


# --- the machine ----------------------------------------------------------------------------------------------------


class Driver:
    """`torch.cuda` of a machine with two GPUs, whose driver tells how busy they are, or does not."""

    def __init__(self, *, tells: bool) -> None:
        self.tells = tells

    def device_count(self) -> int:
        return 2

    def utilization(self, number: int) -> int:
        if not self.tells:
            raise RuntimeError("Can't initialize NVML")
        return (7, 93)[number]


@pytest.mark.parametrize(("tells", "told"), [(True, {"cuda:0": 7.0, "cuda:1": 93.0}), (False, {})])
def test_how_busy_gpus_are_is_told_where_the_driver_does(
    monkeypatch: pytest.MonkeyPatch, tells: bool, told: dict[str, float]
) -> None:
    module = ModuleType("pynvml")
    module.NVMLError = RuntimeError  # type: ignore[attr-defined]
    module.__spec__ = ModuleSpec("pynvml", None)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(gpu_guard, "_cuda", lambda: Driver(tells=tells))
    assert gpu_guard.utilisation() == told


def test_a_machine_without_a_gpu_is_not_asked_how_busy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_guard, "_cuda", lambda: None)
    assert gpu_guard.utilisation() == {}


# --- the sampler ----------------------------------------------------------------------------------------------------


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Monitor:
    """A machine without models, or one whose driver is gone."""

    fault: Exception | None = None

    def look(self) -> Resources:
        if self.fault is not None:
            raise self.fault
        return Resources(device="cpu", memory="ram", total_gb=16, available_gb=8, limit_gb=12, used_by_models_gb=0)


def sampler(folder: Path, clock: Clock, monitor: Monitor, states: dict[str, BreakerState] | None = None) -> Sampler:
    return Sampler(
        metrics=Metrics(),
        breakers=lambda: states or {},
        waiting=lambda: {"box": 2, "other": 1},
        machine=Machine(
            monitor,
            ram=lambda: Device(name="cpu", total_bytes=16_000_000_000, free_bytes=4_000_000_000),
            utilisation=dict,
            folder=folder,
        ),
        rollups=Rollups(folder),
        clock=clock,
    )


async def test_a_look_notes_what_happened_since_the_look_before(tmp_path: Path) -> None:
    clock = Clock()
    one = sampler(tmp_path, clock, Monitor(), {"a": "open", "b": "closed"})
    one.start()
    await one.restored.wait()
    one.metrics.generation(answer())
    one.metrics.generation_failed("demo", "none", "busy")
    one.metrics.run_started()
    one.metrics.runs_stand({"queued": 4, "running": 1})
    clock.now += 5
    seen = await one.look()
    assert (seen.at, seen.span_s, seen.seconds) == (NOW, 5, 5)
    assert (seen.ram_used_gb, seen.ram_total_gb) == (12.0, 16.0)
    assert (seen.active_runs, seen.queued_runs, seen.waiting_calls) == (1, 4, 3)
    assert seen.breakers == (("a", "open"),)
    assert [(model, counts.answers, counts.errors) for model, counts in seen.models] == [("demo", 1, (("busy", 1),))]
    clock.now += 12.4  # the loop stood still meanwhile
    late = await one.look()
    assert (late.at, late.span_s, late.seconds, late.models) == (NOW + 5, 10, 12.4, ())
    assert 0 <= (late.cpu_percent or 0) <= 100
    await one.stop()


async def test_what_was_noted_is_there_after_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    first = sampler(tmp_path, clock, Monitor())
    first.start()
    await first.restored.wait()
    first.metrics.generation(answer())
    for _ in range(13):
        clock.now += 5
        await first.look()
    first.metrics.generation(answer())
    await first.stop()
    lines = (tmp_path / "metrics" / "2026-11-21.jsonl").read_text().splitlines()
    assert [json.loads(line)["seconds"] for line in lines] == [60, 5]
    again = sampler(tmp_path, clock, Monitor())
    again.start()
    await again.restored.wait()
    for tier in ("seconds", "minutes", "half_hours"):
        assert sum(counts.answers for one in again.tiers.slots(tier) for _, counts in one.models) == 2
    await again.stop()


async def test_a_driver_that_is_gone_loses_no_counts(tmp_path: Path) -> None:
    clock, monitor = Clock(), Monitor()
    one = sampler(tmp_path, clock, monitor)
    one.metrics.generation(answer())
    monitor.fault = RuntimeError("CUDA error: device is lost")
    with pytest.raises(RuntimeError):
        await one.look()
    monitor.fault = None
    clock.now += 5
    assert dict((await one.look()).models)["demo"].answers == 1


async def test_a_disk_that_takes_nothing_stops_nothing_and_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "metrics"
    blocked.write_text("a file where the folder should be")
    clock = Clock()
    one = sampler(tmp_path, clock, Monitor())
    for _ in range(13):
        clock.now += 5
        await one.look()
    assert one.fault is not None
    assert "AGENT_LAB_HOME" in one.fault
    assert len(one.tiers.slots("seconds")) == 13
    blocked.unlink()
    for _ in range(12):
        clock.now += 5
        await one.look()
    assert one.fault is None


async def test_a_clock_that_is_set_back_breaks_nothing(tmp_path: Path) -> None:
    clock = Clock()
    one = sampler(tmp_path, clock, Monitor())
    one.start()
    await one.restored.wait()
    for step in (5, 5, -7200, 5, 5, 100_000, 5):
        clock.now += step
        seen = await one.look()
        assert 0 <= seen.seconds <= 60
    await one.stop()
    assert one.fault is None
