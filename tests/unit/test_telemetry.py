"""The log keeps secrets and never stops the program; the figures add up."""

from __future__ import annotations

import asyncio
import json
import logging as stdlib_logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from agent_lab.contracts.errors import NotFoundError, UnusableError
from agent_lab.contracts.generation import Attempt, GenerationRequest, GenerationResult, TextDelta, Timings, Usage
from agent_lab.contracts.ports import Generator, ResidentModel, Resources
from agent_lab.telemetry import logging
from agent_lab.telemetry.measured import Measured
from agent_lab.telemetry.metrics import Metrics


@pytest.fixture(autouse=True)
def logging_ends() -> Iterator[None]:
    yield
    logging.close()
    structlog.reset_defaults()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "agent-lab.log").read_text("utf-8").splitlines()]


# --- the log ------------------------------------------------------------------------------------------------------


def test_a_line_is_json_with_what_is_bound_to_its_context(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.configure(tmp_path / "logs")
    with logging.bound(run_id="r1", request_id="q1", node="creator", provider="local"):
        logging.get_logger("runs").info("node started", visit=1)
    logging.get_logger("runs").info("after")
    first, second = lines(tmp_path / "logs")
    assert datetime.fromisoformat(first.pop("at")).tzinfo is not None
    assert first == {
        "event": "node started",
        "level": "info",
        "logger": "agent_lab.runs",
        "visit": 1,
        "run_id": "r1",
        "request_id": "q1",
        "node": "creator",
        "provider": "local",
    }
    assert "run_id" not in second
    assert capfd.readouterr() == ("", "")


async def test_tasks_that_run_beside_each_other_keep_their_context_apart(tmp_path: Path) -> None:
    logging.configure(tmp_path)

    async def work(run_id: str) -> None:
        with logging.bound(run_id=run_id):
            await asyncio.sleep(0)
            logging.get_logger("runs").info("step", mine=run_id)

    await asyncio.gather(*(work(f"r{number}") for number in range(5)))
    assert [line["run_id"] for line in lines(tmp_path)] == [line["mine"] for line in lines(tmp_path)]
    assert len(lines(tmp_path)) == 5


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("DEBUG", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_the_level_decides_what_is_written(tmp_path: Path, level: str, seen: list[str]) -> None:
    logging.configure(tmp_path, level=level)
    log = logging.get_logger("runs")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("said")
    assert [line["level"] for line in lines(tmp_path)] == seen


def test_secrets_are_hidden_and_counts_of_tokens_are_not(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    secrets: dict[str, Any] = {
        "api_key": "hunter2",
        "OPENAI_API_KEY": "hunter2",
        "apiKey": "hunter2",
        "x-api-key": "hunter2",
        "token": "hunter2",
        "access_tokens": ["hunter2"],
        "Authorization": "Bearer hunter2",
        "password": "hunter2",
        "anything": SecretStr("hunter2"),
        "settings": {"openai": [{"key": "hunter2"}], "other": SecretStr("hunter2")},
        "url": "https://me:hunter2@example.org/v1?a=1&key=hunter2",
        "reason": "the header 'Authorization: Bearer hunter2' and sk-hunter2hunter2 were refused",
    }
    counts = {
        "prompt_tokens": 12,
        "tokens_generated": 34,
        "max_tokens": None,
        "first_token_s": 0.25,
        "model_key": "demo",
        "keyboard": "qwerty",
        "tokenizer": "bpe",
    }
    logging.get_logger("runs").info("asked", **secrets, **counts)
    written = (tmp_path / "agent-lab.log").read_text()
    assert "hunter2" not in written
    line = lines(tmp_path)[0]
    assert {name: line[name] for name in counts} == counts
    assert set(secrets) <= set(line)
    assert "me:[hidden]@example.org" in line["url"]


def test_a_secret_in_a_traceback_is_hidden(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    try:
        raise RuntimeError("refused: Authorization: Bearer hunter2")
    except RuntimeError:
        logging.get_logger("runs").exception("failed")
        stdlib_logging.getLogger("some.library").exception("failed too, with Bearer hunter2")
    ours, theirs = lines(tmp_path)
    assert "RuntimeError: refused" in ours["exception"]
    assert "RuntimeError: refused" in theirs["exception"]
    assert "hunter2" not in json.dumps([ours, theirs])


def test_warnings_of_libraries_are_kept_and_their_chatter_is_not(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    library = stdlib_logging.getLogger("some.library")
    library.info("chatter")
    library.warning("pool of %s is full", 5)
    assert [(line["logger"], line["event"]) for line in lines(tmp_path)] == [("some.library", "pool of 5 is full")]


def test_what_structlog_itself_hands_out_writes_into_the_same_file(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    structlog.get_logger("agent_lab.api").info("here")
    assert [(line["logger"], line["event"]) for line in lines(tmp_path)] == [("agent_lab.api", "here")]


def test_text_that_no_utf8_can_hold_is_logged_all_the_same(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    logging.get_logger("runs").info("odd", text="a\ud800b", thing=object)
    assert lines(tmp_path)[0]["event"] == "odd"


def test_warnings_go_to_standard_error_only_where_asked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.configure(tmp_path, stderr=True)
    log = logging.get_logger("api")
    log.info("quiet")
    log.warning("model evicted", model="demo", api_key="hunter2")
    assert capfd.readouterr() == ("", "warning: model evicted (model=demo, api_key=[hidden])\n")
    assert len(lines(tmp_path)) == 2


def test_a_logger_says_nothing_before_logging_is_configured(capfd: pytest.CaptureFixture[str]) -> None:
    logging.get_logger("runs").error("nobody asked")
    assert capfd.readouterr() == ("", "")


def test_configuring_again_moves_the_log(tmp_path: Path) -> None:
    logging.configure(tmp_path / "a")
    log = logging.get_logger("runs")
    log.info("one")
    logging.configure(tmp_path / "b")
    log.info("two")
    assert [line["event"] for line in lines(tmp_path / "a")] == ["one"]
    assert [line["event"] for line in lines(tmp_path / "b")] == ["two"]


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    logging.configure(tmp_path / "file" / "logs")
    log = logging.get_logger("runs")
    log.info("quiet")
    log.error("seen")
    out, errors = capfd.readouterr()
    assert out == ""
    first, second = errors.splitlines()
    assert first.startswith("warning: no log is kept (")
    assert str(tmp_path / "file" / "logs") in first
    assert second == "error: seen"


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agent-lab.log").symlink_to("/dev/full")
    logging.configure(tmp_path)
    log = logging.get_logger("runs")
    log.info("one")
    log.info("two")
    logging.close()
    _, errors = capfd.readouterr()
    assert errors.count("\n") == 1
    assert "cannot be written" in errors
    assert "No space left" in errors


def test_the_file_is_rotated_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "MAX_FILE_BYTES", 1000)
    logging.configure(tmp_path)
    log = logging.get_logger("runs")
    for number in range(100):
        log.info("line", number=number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["agent-lab.log", *(f"agent-lab.log.{n}" for n in range(1, 6))]
    assert lines(tmp_path)[-1]["number"] == 99


# --- the figures --------------------------------------------------------------------------------------------------


def answer(
    *, model: str = "demo", cache_hit: bool = True, cost: str | None = "0.5", **timings: float
) -> GenerationResult:
    return GenerationResult(
        text="my private answer",
        tokens_generated=4,
        timings=Timings.model_validate({"total_s": 2.0, "inference_s": 1.5, "first_token_s": 0.25} | timings),
        usage=Usage(prompt_tokens=3, completion_tokens=4, cost_usd=None if cost is None else Decimal(cost)),
        source="local",
        cache_hit=cache_hit,
        model_key=model,
        model_resolved="demo-1",
        strategy="standard",
        finish_reason="stop",
        attempts=(Attempt(provider="local", model=model, outcome="ok", seconds=2.0),),
    )


def samples(metrics: Metrics) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_the_text_has_every_figure_under_its_name() -> None:
    metrics = Metrics()
    metrics.generation(answer())
    metrics.generation(answer(cache_hit=False, cost=None, load_s=8.0, total_s=10.0))
    metrics.generation_failed("big", "openai", "busy")
    metrics.run_started()
    metrics.run_started()
    metrics.run_finished("challenge", "completed", 12.0)
    found = samples(metrics)
    expected = {
        "agent_lab_generations_total{model=demo,outcome=stop,provider=local}": 2,
        "agent_lab_generations_total{model=big,outcome=busy,provider=openai}": 1,
        "agent_lab_tokens_total{direction=prompt,model=demo}": 6,
        "agent_lab_tokens_total{direction=completion,model=demo}": 8,
        "agent_lab_cost_usd_total{model=demo}": 0.5,
        "agent_lab_unpriced_generations_total{model=demo}": 1,
        "agent_lab_cache_total{model=demo,result=hit}": 1,
        "agent_lab_cache_total{model=demo,result=miss}": 1,
        "agent_lab_generation_seconds_sum{model=demo}": 12,
        "agent_lab_generation_seconds_count{model=demo}": 2,
        "agent_lab_first_token_seconds_sum{model=demo}": 0.5,
        "agent_lab_load_seconds_sum{model=demo}": 8,
        "agent_lab_load_seconds_count{model=demo}": 1,
        "agent_lab_runs_total{flow=challenge,status=completed}": 1,
        "agent_lab_run_seconds_sum{flow=challenge}": 12,
        "agent_lab_runs_active{}": 1,
        "agent_lab_models_resident{}": 0,
        "agent_lab_memory_used_gb{}": 0,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_the_json_has_totals_averages_and_the_share_of_cache_hits() -> None:
    metrics = Metrics()
    for hit in (True, True, True, False):
        metrics.generation(answer(cache_hit=hit, load_s=0.0 if hit else 6.0))
    metrics.generation_failed("demo", "local", "unusable")
    metrics.run_started()
    metrics.run_finished("linear", "declined", 3.0)
    assert json.loads(json.dumps(metrics.as_json())) == {
        "execution": {
            "generations": {
                "total": 5,
                "answered": 4,
                "failed": 1,
                "by_model": {"demo": 5},
                "by_outcome": {"stop": 4, "unusable": 1},
            },
            "tokens": {"prompt": 12, "generated": 16},
            "cost_usd": 2.0,
            "unpriced_generations": 0,
            "cache": {"hits": 3, "misses": 1, "hit_ratio": 0.75},
            "average": {
                "load_time_sec": 6.0,
                "first_token_time_sec": 0.25,
                "inference_time_sec": 1.5,
                "total_time_sec": 2.0,
                "run_time_sec": 3.0,
            },
            "runs": {"active": 0, "ended": 1, "by_status": {"declined": 1}, "by_flow": {"linear": 1}},
        },
        "system": {"models_resident": 0, "memory_used_gb": 0.0},
    }


def test_before_anything_happened_averages_are_unknown_and_not_zero() -> None:
    execution = Metrics().as_json()["execution"]
    assert set(execution["average"].values()) == {None}
    assert execution["cache"]["hit_ratio"] is None


def test_two_labs_in_a_process_count_for_themselves() -> None:
    first, second = Metrics(), Metrics()
    first.generation(answer())
    assert second.as_json()["execution"]["generations"]["total"] == 0


class Machine:
    """A host with one model in memory, and the monitor that sees it."""

    def __init__(self) -> None:
        self.loaded = True

    def resident(self) -> list[ResidentModel]:
        now = datetime.now(UTC)
        model = ResidentModel(
            model_key="demo", strategy="standard", size_gb=1.5, loaded_at=now, last_used_at=now, hits=0, in_use=0,
            device="cpu",
        )  # fmt: skip
        return [model] if self.loaded else []

    async def load(self, model: object, strategy: object) -> ResidentModel:
        return self.resident()[0]

    async def unload(self, model_key: str | None = None) -> list[str]:
        return []

    def look(self) -> Resources:
        used = 1.5 if self.loaded else 0.0
        return Resources(device="cpu", memory="ram", total_gb=8, available_gb=4, limit_gb=6, used_by_models_gb=used)


def test_models_in_memory_are_looked_up_whenever_the_figures_are_read() -> None:
    metrics, machine = Metrics(), Machine()
    metrics.watch(machine, machine)
    assert metrics.as_json()["system"] == {"models_resident": 1, "memory_used_gb": 1.5}
    machine.loaded = False
    assert samples(metrics)["agent_lab_models_resident{}"] == 0
    assert samples(metrics)["agent_lab_memory_used_gb{}"] == 0


# --- a generator that is measured -----------------------------------------------------------------------------------


class Answering:
    """A generator with one answer, or one error."""

    def __init__(self, error: Exception | None = None, *, hang: bool = False) -> None:
        self.error, self.hang, self.closed = error, hang, False

    async def generate(self, request: GenerationRequest) -> GenerationResult:
        if self.hang:
            await asyncio.sleep(60)
        if self.error:
            raise self.error
        return answer()

    async def stream(self, request: GenerationRequest) -> AsyncIterator[TextDelta | GenerationResult]:
        try:
            yield TextDelta(text="my private ")
            yield await self.generate(request)
        finally:
            self.closed = True


ASKED = GenerationRequest(prompt="my private question", model_key="demo")


def outcomes(metrics: Metrics) -> dict[str, int]:
    return dict(metrics.as_json()["execution"]["generations"]["by_outcome"])


async def test_an_answer_is_handed_on_counted_and_logged_without_its_words(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    metrics = Metrics()
    measured: Generator = Measured(Answering(), metrics)
    assert await measured.generate(ASKED) == answer()
    pieces = [piece async for piece in measured.stream(ASKED)]
    assert pieces == [TextDelta(text="my private "), answer()]
    assert outcomes(metrics) == {"stop": 2}
    first, second = lines(tmp_path)
    assert {"event": "generation", "model": "demo", "provider": "local", "total_s": 2.0}.items() <= first.items()
    assert (second["prompt_tokens"], second["completion_tokens"], second["cost_usd"]) == (3, 4, 0.5)
    assert "private" not in (tmp_path / "agent-lab.log").read_text()


@pytest.mark.parametrize(
    ("error", "outcome", "model"),
    [
        (UnusableError("not now"), "unusable", "demo"),
        (NotFoundError("no such model"), "not-found", "rejected"),
        (RuntimeError("a defect"), "defect", "demo"),
    ],
)
async def test_a_failure_is_counted_and_goes_on(error: Exception, outcome: str, model: str) -> None:
    metrics = Metrics()
    measured = Measured(Answering(error), metrics)
    with pytest.raises(type(error)) as caught:
        await measured.generate(ASKED)
    assert caught.value is error
    with pytest.raises(type(error)):
        async for _ in measured.stream(ASKED):
            pass
    assert outcomes(metrics) == {outcome: 2}
    assert metrics.as_json()["execution"]["generations"]["by_model"] == {model: 2}


async def test_a_caller_that_goes_away_is_counted_as_cancelled() -> None:
    metrics, inner = Metrics(), Answering(hang=True)
    measured = Measured(inner, metrics)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await measured.generate(ASKED)
    stream = measured.stream(ASKED)
    assert await anext(stream) == TextDelta(text="my private ")
    await stream.aclose()
    assert inner.closed
    assert outcomes(metrics) == {"cancelled": 2}


async def test_a_reader_that_leaves_after_the_result_has_its_answer() -> None:
    metrics = Metrics()
    stream = Measured(Answering(), metrics).stream(ASKED)
    async for piece in stream:
        if isinstance(piece, GenerationResult):
            break
    await stream.aclose()
    assert outcomes(metrics) == {"stop": 1}
