"""`agent-lab models pull` and --offline, as they are typed: real processes, and a hub on the loopback interface."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.fake_hub import FakeHub, serving

ROWS = """
[[model]]
key = "far"
provider = "local"
model_id = "owner/far"
context_window = 512

[[model]]
key = "tuned"
provider = "local"
model_id = "owner/tuned"
base = "far"
context_window = 512

[[model]]
key = "folder"
provider = "local"
model_id = "/no/such/folder"
context_window = 512
"""
LARGE = 3_000_000


@pytest.fixture
def hub(home: Any) -> Iterator[FakeHub]:
    (home.path / "more.toml").write_text(ROWS)
    with serving() as served:
        home.environ.update(HF_ENDPOINT=served.url, HF_HUB_OFFLINE="0", MODEL_CACHE_DIR=str(home.path / "cache"))
        yield served


def weights(seed: int = 0) -> dict[str, bytes]:
    return {"model.safetensors": bytes([seed]) + os.urandom(LARGE), "config.json": b"{}"}


def test_weights_are_pulled_and_their_version_is_written_down(home: Any, hub: FakeHub) -> None:
    version = hub.add("owner/far", **weights())
    done = home.run("models", "pull", "far", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (told,) = json.loads(done.stdout)["models"]
    assert (told["commit"], told["newer_commit"]) == (version.commit, None)
    assert told["fetched_bytes"] == told["size_bytes"] == LARGE + 3
    assert (Path(told["folder"]) / "model.safetensors").read_bytes() == version.files["model.safetensors"]
    assert version.commit in (home.path / "models.lock.json").read_text()

    newer = hub.add("owner/far", **weights(1))
    again = home.run("models", "pull", "far")
    assert "nothing was missing" in again.stdout
    assert f"the hub has {newer.commit[:8]}: `agent-lab models pull far --update` takes it" in again.stderr
    updated = home.run("models", "pull", "far", "--update")
    assert newer.commit in updated.stdout
    assert re.search(r"far · 3\.00 MB of 3\.00 MB", updated.stderr)


def test_an_adapter_brings_its_base(home: Any, hub: FakeHub) -> None:
    hub.add("owner/far", **weights())
    hub.add("owner/tuned", **{"adapter_model.safetensors": os.urandom(20_000), "adapter_config.json": b"{}"})
    told = json.loads(home.run("models", "pull", "tuned", "--json").stdout)["models"]
    assert [one["model_key"] for one in told] == ["tuned", "far"]


def test_ctrl_c_leaves_a_sentence_and_what_was_fetched(home: Any, hub: FakeHub) -> None:
    hub.add("owner/far", **weights())
    hub.hold = threading.Event()
    process = home.start("models", "pull", "far")
    assert hub.half_sent.wait(60)
    (part,) = until_some(home.path / "cache")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "Interrupted. What was fetched is kept: `agent-lab models pull far` goes on" in err.decode()
    assert "Traceback" not in err.decode()
    kept = part.stat().st_size
    hub.hold.set()
    hub.hold = None
    told = json.loads(home.run("models", "pull", "far", "--json").stdout)["models"][0]
    assert told["fetched_bytes"] == told["size_bytes"] - kept


def until_some(folder: Path) -> list[Path]:
    waiting = threading.Event()
    for _ in range(3000):
        found = [path for path in folder.glob("*/blobs/*.part") if path.stat().st_size > LARGE // 4]
        if found:
            return found
        waiting.wait(0.01)
    raise AssertionError("nothing was fetched")


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["fer"], 2, "did you mean 'folder' or 'far'?"),
        (["demo"], 2, "comes with the program; there is nothing to fetch"),
        (["folder"], 2, "is the folder /no/such/folder; there is nothing to fetch"),
        (["echo"], 2, "is served by 'scripted', which needs no weights here"),
        (["far", "--offline"], 1, "--offline (AGENT_LAB_OFFLINE) forbids to fetch it"),
        (["far"], 1, "the Hugging Face hub does not know it; mend its model_id"),
    ],
)
def test_what_cannot_be_pulled_is_a_sentence(home: Any, hub: FakeHub, args: list[str], code: int, told: str) -> None:
    done = home.run("models", "pull", *args)
    assert done.returncode == code
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert hub.asked == [] or args == ["far"]


# --- offline -----------------------------------------------------------------------------------------------------
HOSTED = """
[[provider]]
key = "beside"
kind = "openai_compatible"
base_url = "http://127.0.0.1:9/v1"

[[provider]]
key = "outside"
kind = "openai_compatible"
base_url = "https://models.example.com/v1"

[[model]]
key = "near-by"
provider = "beside"

[[model]]
key = "far-off"
provider = "outside"
"""


@pytest.mark.parametrize("by", [("--offline",), ("AGENT_LAB_OFFLINE",)])
def test_offline_hosted_models_of_other_machines_are_refused_in_a_sentence(home: Any, by: tuple[str]) -> None:
    (home.path / "hosted.toml").write_text(HOSTED)
    flags, environ = ([], {by[0]: "1"}) if by[0].isupper() else ([by[0]], {})
    done = home.run("ask", "x", "--model", "far-off", *flags, environ=environ)
    assert done.returncode == 1
    assert "--offline (AGENT_LAB_OFFLINE) forbids" in done.stderr
    beside = home.run("ask", "x", "--model", "near-by", *flags, environ=environ)
    assert "forbids" not in beside.stderr
    assert home.run("ask", "x", "--model", "echo", *flags, environ=environ).returncode == 0


def test_offline_weights_that_are_not_here_are_refused_in_a_sentence(home: Any, hub: FakeHub) -> None:
    hub.add("owner/far", **weights())
    done = home.run("run", "linear", "x", "--model", "far", "--offline")
    assert done.returncode == 1
    assert "--offline (AGENT_LAB_OFFLINE) forbids to fetch it" in done.stdout + done.stderr
    assert hub.asked == []


@pytest.mark.parametrize("command", ["up", "lab", "run", "ask"])
def test_each_command_that_asks_models_knows_offline(said: Any, command: str) -> None:
    assert "--offline" in said(command, "--help").out
