"""What local models do is told among the figures: loads, evictions, waiting requests, and each device's memory."""

from datetime import UTC, datetime

from agent_lab.contracts.ports import DeviceMemory, LocalFigures, ResidentModel
from agent_lab.telemetry.metrics import Metrics
from support.scripted_host import ScriptedHost
from unit.test_metrics import NOTHING_LOCAL, samples


def host_with_a_model() -> ScriptedHost:
    now = datetime.now(UTC)
    demo = ResidentModel(
        model_key="demo", strategy="standard", size_gb=1.5, loaded_at=now, last_used_at=now, hits=0, in_use=0,
        device="cpu",
    )  # fmt: skip
    return ScriptedHost(models={"demo": demo})


def test_models_in_memory_are_looked_up_whenever_the_figures_are_read() -> None:
    metrics, host = Metrics(), host_with_a_model()
    metrics.watch(host, host, host.figures)
    system = metrics.as_json()["system"]
    assert (system["models_resident"], system["memory_used_gb"], system["local"]) == (1, 1.5, NOTHING_LOCAL)
    host.models.clear()
    assert samples(metrics)["agent_lab_models_resident{}"] == 0
    assert samples(metrics)["agent_lab_memory_used_gb{}"] == 0


def test_what_local_models_do_is_read_with_the_figures() -> None:
    metrics, host = Metrics(), ScriptedHost()
    metrics.watch(host, host, host.figures)
    host.counts = LocalFigures(
        hits=9, loads=4, load_s=12.5, evictions=3, refused=2, lost=1, waiting=7, answers_active=5, answers_waiting=6
    )
    found = samples(metrics)
    expected = {
        "agent_lab_local_hits_total{}": 9,
        "agent_lab_local_loads_total{}": 4,
        "agent_lab_local_load_seconds_total{}": 12.5,
        "agent_lab_local_evictions_total{}": 3,
        "agent_lab_local_refused_total{}": 2,
        "agent_lab_local_workers_lost_total{}": 1,
        "agent_lab_local_waiting{}": 7,
        "agent_lab_local_answers{state=active}": 5,
        "agent_lab_local_answers{state=waiting}": 6,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert metrics.as_json()["system"]["local"] == {
        "hits": 9, "loads": 4, "evictions": 3, "refused": 2, "workers_lost": 1, "load_time_sec": 12.5, "waiting": 7,
        "answers_active": 5, "answers_waiting": 6,
    }  # fmt: skip


def test_the_memory_of_each_device_is_told_by_its_name() -> None:
    metrics, host = Metrics(), ScriptedHost()
    metrics.watch(host, host, host.figures)
    host.devices = tuple(
        DeviceMemory(name=f"cuda:{n}", total_gb=24.0, available_gb=20.0 - n, limit_gb=19.0, used_by_models_gb=3.5 * n)
        for n in range(2)
    )
    found = samples(metrics)
    assert found["agent_lab_device_limit_gb{device=cuda:0}"] == 19
    assert found["agent_lab_device_used_by_models_gb{device=cuda:1}"] == 3.5
    assert metrics.as_json()["system"]["devices"] == {
        "cuda:0": {"total_gb": 24.0, "available_gb": 20.0, "limit_gb": 19.0, "used_by_models_gb": 0.0},
        "cuda:1": {"total_gb": 24.0, "available_gb": 19.0, "limit_gb": 19.0, "used_by_models_gb": 3.5},
    }
