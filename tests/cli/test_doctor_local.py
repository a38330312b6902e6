"""`agent-lab doctor` and local models: the devices, what strategies come to on this machine, what is warm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_lab.cli import checkup_local
from agent_lab.contracts.ports import DeviceMemory, Resources
from agent_lab.contracts.registry import Loading, StrategySpec
from agent_lab.providers.local.gpu_guard import Capability
from agent_lab.registries.strategies import StrategyRegistry, load_strategies

Run = Callable[..., Any]
CARDS = tuple(
    DeviceMemory(name=f"cuda:{number}", total_gb=24, available_gb=20 - number, limit_gb=19.2, used_by_models_gb=0)
    for number in range(2)
)


def look(*devices: DeviceMemory) -> Resources:
    return Resources(
        device="cuda", memory="vram", total_gb=48, available_gb=39, limit_gb=38.4, used_by_models_gb=0, devices=devices
    )


def test_several_devices_are_told_one_by_one() -> None:
    assert list(checkup_local.machine(look(*CARDS))) == [
        ("machine", "ok", "cuda, 39.0 of 48.0 GB VRAM free, 38.4 GB for models"),
        ("device cuda:0", "ok", "20.0 of 24.0 GB free, 19.2 GB for models"),
        ("device cuda:1", "ok", "19.0 of 24.0 GB free, 19.2 GB for models"),
    ]
    assert len(list(checkup_local.machine(look(CARDS[0])))) == 1


def test_what_4_bit_comes_to_is_told_for_a_gpu_and_for_one_without_the_library() -> None:
    known = load_strategies(Path("no such folder"))
    able = dict(told[:1] + told[2:] for told in checkup_local.strategies(known, capable("cuda", bitsandbytes=True)))
    assert able["strategy optimized"] == "4 bit (NF4) on the GPU"
    assert "strategy standard" not in able
    unable = {told[0]: told[1:] for told in checkup_local.strategies(known, capable("cuda", bitsandbytes=False))}
    state, says = unable["strategy optimized"]
    assert state == "missing"
    assert "bitsandbytes" in says
    assert says.endswith("; 'standard' stands in for it")


def test_a_strategy_that_nothing_stands_in_for_is_told() -> None:
    alone = StrategySpec(name="alone", description="4 bit or nothing", loading=Loading(precision="nf4"))
    (told,) = checkup_local.strategies(StrategyRegistry([alone]), capable("cuda", bitsandbytes=False))
    assert told[:2] == ("strategy alone", "missing")
    assert "use another strategy" in told[2]


def capable(device: str, *, bitsandbytes: bool) -> Capability:
    return Capability(device=device, bitsandbytes=bitsandbytes)


def test_the_doctor_says_what_is_warm_and_which_settings_say_so(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_LAB_WARM_MODELS", "demo")
    monkeypatch.setenv("AGENT_LAB_KEEP_ALIVE_S", "600")
    told = json.loads(said("doctor", "--json").out)
    findings = {one["what"]: one["says"] for one in told["findings"]}
    settings = {one["name"]: (one["value"], one["from"]) for one in told["settings"]}
    assert findings["warm models"] == "demo: loaded when a server starts"
    assert settings["AGENT_LAB_WARM_MODELS"] == ("demo", "environment")
    assert settings["AGENT_LAB_KEEP_ALIVE_S"] == ("600.0", "environment")
    assert "strategy optimized" in findings


def test_the_doctor_says_whether_anything_may_leave_the_machine(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def findings(*args: str) -> dict[str, str]:
        return {one["what"]: one["says"] for one in json.loads(said("doctor", "--json", *args).out)["findings"]}

    assert "AGENT_LAB_OFFLINE=1 forbids both" in findings()["network"]
    monkeypatch.setenv("AGENT_LAB_OFFLINE", "1")
    closed = findings("--network")
    assert closed["network"].startswith("offline (AGENT_LAB_OFFLINE)")
    assert closed["Hugging Face hub"].startswith("not asked")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AGENT_LAB_WARM_MODELS", "demo,dmo", "did you mean 'demo'"),
        ("AGENT_LAB_WARM_MODELS", "echo", "served by 'scripted'"),
        ("AGENT_LAB_KEEP_ALIVE_S", "-1", "AGENT_LAB_KEEP_ALIVE_S '-1' (from environment) is not usable"),
    ],
)
def test_settings_that_cannot_be_are_found_by_the_doctor_and_stop_every_other_command(
    said: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    doctor, other = said("doctor"), said("models", "list")
    assert (doctor.code, "Not usable" in doctor.out) == (1, True)
    assert told in " ".join(doctor.out.split())
    assert (other.code, other.out) == (2, "")
    assert told in other.err
    assert other.err.count("\n") == 1
