"""Fetching from the hub: resumed where it broke off, checked, held at its version, with a sentence for each fault."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import EnvironmentFaultError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.local.files import fetching
from agent_lab.providers.local.files.hub import HubCache, fetch, pull
from agent_lab.providers.local.files.pace import Pace
from agent_lab.providers.local.files.pins import Pins
from support.fake_hub import FakeHub, serving
from support.tiny_model import tiny_spec

pytest_plugins = ("support.tiny_fixtures",)
NAME = "owner/model"
LARGE = 6_000_000


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    with serving() as served:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", served.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        # On a busy machine a server that is right here may take longer to answer than one that is far away should.
        monkeypatch.setattr("agent_lab.providers.local.files.hub.CONNECT_TIMEOUT_S", 60.0)
        yield served
        close_session()


@pytest.fixture
def cache(tmp_path: Path) -> HubCache:
    return HubCache(folder=tmp_path / "cache", pins=Pins(tmp_path / "data" / "models.lock.json"))


def row(**more: object) -> ModelSpec:
    return tiny_spec(Path("x"), "far", model_id=NAME, **more)


def large(seed: int = 0) -> dict[str, bytes]:
    """A repository's files, without any sense in them."""
    data = bytes([seed]) + os.urandom(1000) * (LARGE // 1000)
    return {"model.safetensors": data, "config.json": b"{}", "tokenizer.json": b"{}", "evil.bin": b"x" * 20_000}


# --- fetched -----------------------------------------------------------------------------------------------------
def test_a_model_is_fetched_once_and_found_without_the_hub_after(
    hub: FakeHub, cache: HubCache, tiny_folder: Path
) -> None:
    version = hub.add(NAME, tiny_folder)
    told: list[LoadProgress] = []
    folder = fetch(row(), cache, told.append)
    assert (folder / "model.safetensors").read_bytes() == version.files["model.safetensors"]
    assert told[-1].stage == "fetching"
    assert told[-1].total_bytes == sum(map(len, version.files.values()))
    count = len(hub.asked)
    assert fetch(row(), cache) == folder
    assert len(hub.asked) == count


def test_only_what_a_model_needs_is_fetched(hub: FakeHub, cache: HubCache) -> None:
    hub.add(NAME, **large())
    folder = fetch(row(), cache)
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "config.json", "tokenizer.json"}
    assert hub.gets("evil.bin") == []


def test_progress_counts_to_the_end_and_never_back(hub: FakeHub, cache: HubCache) -> None:
    hub.add(NAME, **large())
    told: list[LoadProgress] = []
    pulled = pull(row(), cache, told.append)
    done = [one.done_bytes for one in told]
    assert done == sorted(done)
    assert pulled.fetched_bytes == pulled.size_bytes == told[-1].total_bytes
    assert pull(row(), cache).fetched_bytes == 0


# --- broken off --------------------------------------------------------------------------------------------------
def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: FakeHub, cache: HubCache) -> None:
    version = hub.add(NAME, **large())
    hub.cut_after_bytes = LARGE // 2 + 1
    assert (fetch(row(), cache) / "model.safetensors").read_bytes() == version.files["model.safetensors"]
    first, *others = hub.gets("model.safetensors")
    assert "bytes=" not in first
    assert others
    assert all(int(one.partition("bytes=")[2].rstrip("-")) > LARGE // 3 for one in others)


PULLER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal, also where the tests run behind one
from pathlib import Path
from agent_lab.providers.local.files.hub import HubCache, pull
from agent_lab.contracts.registry import ModelSpec
spec = ModelSpec(key="far", provider="local", model_id="owner/model", context_window=512)
print(pull(spec, HubCache(folder=Path(sys.argv[1])), lambda p: print(p.done_bytes, flush=True)).fetched_bytes)
"""


def start_puller(hub: FakeHub, folder: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    return subprocess.Popen(
        [sys.executable, "-c", PULLER, str(folder)],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_fetch_goes_on_where_it_was(hub: FakeHub, cache: HubCache) -> None:
    version = hub.add(NAME, **large())
    hub.hold = threading.Event()
    assert cache.folder is not None
    killed = start_puller(hub, cache.folder)
    assert hub.half_sent.wait(60)
    part = next_part(cache.folder)
    wait_for(lambda: part().stat().st_size > 1_000_000)
    killed.kill()
    killed.communicate()
    kept = part().stat().st_size
    hub.hold.set()
    hub.hold = None
    pulled = pull(row(), cache)
    assert pulled.fetched_bytes <= pulled.size_bytes - kept
    assert hub.gets("model.safetensors")[-1].endswith(f"bytes={kept}-")
    assert (pulled.folder / "model.safetensors").read_bytes() == version.files["model.safetensors"]


def next_part(folder: Path) -> Callable[[], Path]:
    def find() -> Path:
        wait_for(lambda: any(folder.glob("*/blobs/*.part")))
        return next(folder.glob("*/blobs/*.part"))

    return find


def wait_for(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_what_came_damaged_is_thrown_away_and_fetched_again(hub: FakeHub, cache: HubCache) -> None:
    version = hub.add(NAME, **large())
    hub.garble = True
    with pytest.raises(UnusableError, match=r"model\.safetensors of the model 'far' came damaged"):
        fetch(row(), cache)
    hub.garble = False
    assert (fetch(row(), cache) / "model.safetensors").read_bytes() == version.files["model.safetensors"]


def test_a_file_that_lies_on_another_host_is_resumed_there_and_the_key_stays_with_the_hub(
    hub: FakeHub, cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    version = hub.add(NAME, **large())
    hub.elsewhere = True
    hub.cut_after_bytes = LARGE // 2 + 1
    assert (fetch(row(), cache) / "model.safetensors").read_bytes() == version.files["model.safetensors"]
    assert {host for host, _ in hub.keys} == {"127.0.0.1"}


# --- one at a time -----------------------------------------------------------------------------------------------
def test_many_who_want_one_model_fetch_it_once(hub: FakeHub, cache: HubCache) -> None:
    hub.add(NAME, **large())
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: fetch(row(), cache), range(8)))
    assert len(folders) == 1
    assert len(hub.gets("model.safetensors")) == 1


def test_a_second_process_waits_for_the_first_and_sees_how_far_it_is(hub: FakeHub, cache: HubCache) -> None:
    hub.add(NAME, **large())
    hub.hold = threading.Event()
    assert cache.folder is not None
    first = start_puller(hub, cache.folder)
    assert hub.half_sent.wait(60)
    told: list[LoadProgress] = []
    seen_half = threading.Event()

    def look(progress: LoadProgress) -> None:
        told.append(progress)
        if progress.done_bytes > 1_000_000:
            seen_half.set()

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(pull, row(), cache, look)
        assert seen_half.wait(60)
        hub.hold.set()
        assert second.result().fetched_bytes == 0
    assert first.wait(60) == 0
    first.communicate()
    assert len(hub.gets("model.safetensors")) == 1


# --- the disk ----------------------------------------------------------------------------------------------------
def test_a_disk_without_room_is_told_before_anything_is_fetched(
    hub: FakeHub, cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, **large())
    usage = shutil.disk_usage(Path.cwd())
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(UnusableError, match=r"no room for the model 'far': 0\.01 GB .* free 0\.11 GB there, or set"):
        fetch(row(), cache)
    assert hub.gets("model.safetensors") == []
    monkeypatch.undo()


def test_a_disk_that_fills_up_on_the_way_is_a_sentence(
    hub: FakeHub, cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, **large())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    from huggingface_hub import file_download

    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(UnusableError, match=r"cannot be written \(No space left on device\); make room"):
        fetch(row(), cache)


# --- the hub refuses ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, "wants its terms accepted first"),
        (401, {}, "does not show it to you.*hf auth login"),
        (403, {}, "does not show it to you"),
        (404, {"X-Error-Code": "RepoNotFound"}, "does not know it; mend its model_id"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "no longer has the version"),
        (429, {"Retry-After": "17"}, "takes no more requests.*try again in 17 s"),
        (500, {}, r"failed \(status 500\); try again"),
    ],
)
def test_each_refusal_of_the_hub_is_one_sentence(
    hub: FakeHub, cache: HubCache, status: int, headers: dict[str, str], said: str
) -> None:
    hub.refuse = (status, headers)
    with pytest.raises(UnusableError, match=said) as caught:
        fetch(row(), cache)
    assert "'far' (owner/model) is not on this machine" in caught.value.message


def test_a_repository_without_safetensors_is_refused_before_anything_is_fetched(hub: FakeHub, cache: HubCache) -> None:
    hub.add(NAME, **{"pytorch_model.bin": b"x" * 20_000, "config.json": b"{}"})
    with pytest.raises(UnusableError, match=r"has no \*\.safetensors file"):
        fetch(row(), cache)


def test_offline_nothing_is_asked_for_and_what_is_there_is_found(
    hub: FakeHub, cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, **large())
    away = HubCache(folder=cache.folder, pins=cache.pins, offline=True)
    for ask in (fetch, pull):
        with pytest.raises(UnusableError, match=r"--offline \(AGENT_LAB_OFFLINE\) forbids to fetch it"):
            ask(row(), away)
    assert hub.asked == []
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    folder = fetch(row(), cache)
    assert fetch(row(), away) == folder


# --- held at a version -------------------------------------------------------------------------------------------
def test_a_model_stays_at_its_version_until_it_is_updated(hub: FakeHub, cache: HubCache) -> None:
    first = hub.add(NAME, **large(1))
    assert pull(row(), cache).commit == first.commit
    second = hub.add(NAME, **large(2))
    again = pull(row(), cache)
    assert (again.commit, again.newer) == (first.commit, second.commit)
    assert fetch(row(), cache).name == first.commit
    updated = pull(row(), cache, update=True)
    assert (updated.commit, updated.newer) == (second.commit, None)
    assert fetch(row(), cache).name == second.commit


def test_a_model_whose_files_are_gone_is_fetched_at_its_version_again(hub: FakeHub, cache: HubCache) -> None:
    first = hub.add(NAME, **large(1))
    folder = fetch(row(), cache)
    hub.add(NAME, **large(2))
    shutil.rmtree(folder.parents[1])
    assert fetch(row(), cache).name == first.commit


def test_what_was_there_before_is_what_is_held(hub: FakeHub, cache: HubCache) -> None:
    first = hub.add(NAME, **large(1))
    fetch(row(), HubCache(folder=cache.folder))
    hub.add(NAME, **large(2))
    assert pull(row(), cache).commit == first.commit
    assert cache.commit(row()) == first.commit


def test_a_row_that_names_a_commit_needs_no_pin(hub: FakeHub, cache: HubCache) -> None:
    first = hub.add(NAME, **large(1))
    hub.add(NAME, **large(2))
    assert fetch(row(revision=first.commit), cache).name == first.commit
    assert cache.pins is not None
    assert not cache.pins.path.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"commits": {"a": "main"}}', '{"commits": 1}'])
def test_a_spoilt_list_of_versions_is_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "models.lock.json"
    path.write_text(content)
    with pytest.raises(EnvironmentFaultError, match=r"models\.lock\.json is not what AI Agent Lab wrote"):
        Pins(path).commit(row())


def test_pins_written_at_once_are_all_kept(tmp_path: Path) -> None:
    pins = Pins(tmp_path / "models.lock.json")
    rows = [tiny_spec(Path("x"), f"m{number}", model_id=f"owner/m{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda spec: pins.hold(spec, "a" * 40), rows))
    assert len(json.loads(pins.path.read_text())["commits"]) == 24


# --- the pace ----------------------------------------------------------------------------------------------------
@given(st.integers(1, 10**9), st.integers(1, 500), st.integers(1, 10**6))
def test_at_an_even_speed_the_time_left_is_the_rest_over_the_speed(speed: int, ticks: int, rest: int) -> None:
    pace = Pace(0.0)
    for tick in range(1, ticks + 1):
        pace.note(float(tick), tick * speed)
    left = pace.seconds_left(ticks * speed + rest)
    assert left == pytest.approx(rest / speed)


def test_no_time_is_told_before_it_can_be_known() -> None:
    pace = Pace(0.0)
    assert pace.seconds_left(100) is None
    pace.note(0.1, 10)
    assert pace.seconds_left(100) is None
    pace.note(20.0, 10)
    assert pace.seconds_left(10) == 0.0


def test_a_line_that_became_slow_is_told_soon() -> None:
    pace = Pace(0.0)
    for second in range(1, 101):
        pace.note(float(second), 1000 * min(second, 80) + max(second - 80, 0))
    assert pace.bytes_per_s() == pytest.approx(1.0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_what_was_fetched(hub: FakeHub, cache: HubCache) -> None:
    hub.add(NAME, **large())
    hub.hold = threading.Event()
    assert cache.folder is not None
    process = start_puller(hub, cache.folder)
    assert hub.half_sent.wait(60)
    part = next_part(cache.folder)
    wait_for(lambda: part().stat().st_size > 1_000_000)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert part().stat().st_size > 1_000_000
