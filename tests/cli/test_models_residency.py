"""`agent-lab models load, unload, pin, unpin, list` against a server whose models are made up, and against none."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent_lab.cli import loading
from agent_lab.contracts.errors import CapacityError, ConflictError
from agent_lab.wiring import build_app
from api.doors import TOKEN, open_door, serve, until
from api.test_local_models import ROWS
from cli.test_cli_process import left_on_screen, on_a_terminal
from support.cli_processes import free_port
from support.scripted_host import ScriptedHost

Run = Callable[..., Any]


@dataclass(slots=True)
class Box:
    """A server with a host that does as it is told, and the command line beside it."""

    host: ScriptedHost
    url: str
    home: Any

    async def run(self, *args: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command to its end, with the server named."""
        return await asyncio.to_thread(self.home.run, *args, "--url", self.url, **more)


@asynccontextmanager
async def boxed(home: Any, tmp_path: Path, *, more_models: str = "", **host: Any) -> Any:
    served = ScriptedHost(**host)
    (home.path / "more.toml").write_text(ROWS)
    home.environ["AGENT_LAB_TOKEN"] = TOKEN
    async with open_door(tmp_path / "server", more_models=ROWS + more_models) as door:
        lab = replace(door.lab, host=served, monitor=served, figures=served.figures)
        async with serve(build_app(lab, token=TOKEN)) as url:
            yield Box(served, url, home)


async def test_a_load_is_shown_in_whole_lines_where_nothing_is_written_over(home: Any, tmp_path: Path) -> None:
    async with boxed(home, tmp_path, patient=True) as box:
        process = box.home.start("models", "load", "big", "--pin", "--url", box.url)
        # Each is waited for: what comes faster than the pace is left out.
        said = await asyncio.to_thread(process.stdout.readline)
        box.host.tell("big", "fetching", 1_200_000_000, 4_100_000_000, elapsed_s=2.0, seconds_left=75.0)
        said += await asyncio.to_thread(process.stdout.readline)
        for step in range(20):
            box.host.tell("big", "loading", step, 4_100_000_000, elapsed_s=3.0 + step / 10)
        said += await asyncio.to_thread(process.stdout.readline)
        box.host.finish("big", worker_pid=4711, notes=("The strategy 'x' needs a GPU; 'y' stood in for it.",))
        rest, complaints = await asyncio.to_thread(process.communicate)
    assert (process.returncode, complaints) == (0, b"")
    lines = (said + rest).decode().splitlines()
    assert lines[0] == "big: waiting for its turn."
    assert lines[1] == "big: downloading 1.20 of 4.10 GB, 1 min 15 s left."
    assert re.fullmatch(r"big: loading \d+ B of 4\.10 GB\.", lines[2])
    assert lines[3:] == [
        "big is in memory: 4.2 GB on cuda:0, in process 4711, pinned.",
        "Note: The strategy 'x' needs a GPU; 'y' stood in for it.",
    ]
    assert b"\x1b" not in said + rest


async def test_on_a_terminal_one_line_of_80_columns_is_written_over(home: Any, tmp_path: Path) -> None:
    key = "a-model-whose-key-is-as-long-as-a-key-may-be-which-is-64-signs.."
    (home.path / "long.toml").write_text(f'[[model]]\nkey = "{key}"\nprovider = "local"\ncontext_window = 512\n')
    async with boxed(home, tmp_path, patient=True, more_models=(home.path / "long.toml").read_text()) as box:
        loop, told = asyncio.get_running_loop(), 0

        def go_on(shown: bytes, _: subprocess.Popen[bytes]) -> bool:
            """The next step as soon as the last one is shown, and the model after three."""
            nonlocal told
            steps = [int(step) for step in re.findall(rb"loading (\d)\.\d+ of 14\.5 GB", shown)]
            if b"waiting" not in shown or (told and told not in steps):
                return False
            told += 1
            if told > 3:
                loop.call_soon_threadsafe(box.host.finish, key)
                return True
            tell = partial(box.host.tell, key, elapsed_s=told, seconds_left=99.0)
            loop.call_soon_threadsafe(tell, "loading", told * 1_000_000_000, 14_500_000_000)
            return False

        command = ("models", "load", key, "--url", box.url)
        code, said = await asyncio.to_thread(on_a_terminal, home, *command, once=go_on)
    frames = [line for line in said.replace("\r", "\n").split("\n") if ": loading " in line]
    plain = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame) for frame in frames]
    assert code == 0
    assert len(set(plain)) > 1
    assert any(" of 14.5 GB, 1 min 39 s left · " in line for line in plain)
    assert max(map(len, plain)) <= 80
    assert "".join(left_on_screen(said)) == f"{key} is in memory: 4.2 GB on cuda:0."


async def test_under_json_a_load_is_one_document(home: Any, tmp_path: Path) -> None:
    async with boxed(home, tmp_path) as box:
        done = await box.run("models", "load", "big", "--json")
        pinned = await box.run("models", "pin", "big", "--json")
        gone = await box.run("models", "unload", "big", "--json")
    assert json.loads(done.stdout)["model_key"] == "big"
    assert (json.loads(pinned.stdout)["pinned"], json.loads(gone.stdout)) == (True, {"unloaded": ["big"]})
    assert done.stderr == pinned.stderr == gone.stderr == ""


async def test_ctrl_c_leaves_with_a_sentence_and_the_load_goes_on(home: Any, tmp_path: Path) -> None:
    async with boxed(home, tmp_path, patient=True) as box:
        process = box.home.start("models", "load", "big", "--url", box.url)
        await until(lambda: box.host.begun == ["big"])
        first = await asyncio.to_thread(process.stdout.readline)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.to_thread(process.communicate, timeout=100)
        box.host.finish("big")
        await until(lambda: "big" in box.host.models)
        shown = await box.run("models", "list")
    assert first == b"big: waiting for its turn.\n"
    assert (process.returncode, err.decode().strip().splitlines()) == (
        130,
        ["No longer watching; the server goes on loading big. See: agent-lab models list"],
    )
    assert box.host.begun == ["big"]
    assert re.search(r"^big .* in memory$", shown.stdout, re.MULTILINE)


async def test_what_the_server_refuses_is_a_sentence(home: Any, tmp_path: Path) -> None:
    async with boxed(home, tmp_path, patient=True) as box:
        running = asyncio.create_task(box.run("models", "load", "big"))
        await until(lambda: box.host.begun == ["big"])
        box.host.fail("big", CapacityError("It takes 9.00 GB; use fewer bits."))
        full = await running
        json_full = asyncio.create_task(box.run("models", "load", "big", "--json"))
        await until(lambda: len(box.host.begun) == 2)
        box.host.fail("big", ConflictError("The file model.safetensors is damaged."))
        damaged = await json_full
        others = [
            await box.run("models", *args)
            for args in (
                ("load", "bug"),
                ("load", "voice"),
                ("load", "big", "--strategy", "standrad"),
                ("pin", "big"),
                ("unpin", "bug"),
                ("unload", "big"),
            )
        ]
    assert (full.returncode, full.stderr) == (1, "Error: It takes 9.00 GB; use fewer bits.\n")
    assert (damaged.returncode, json.loads(damaged.stdout)["error"]["type"]) == (2, "invalid-request")
    told = ["did you mean 'big'", "served by scripted", "'standard'", "in memory", "did you mean 'big'", "in memory"]
    for done, part in zip(others, told, strict=True):
        assert done.returncode == 2
        assert part in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


async def test_models_are_unloaded_pinned_and_listed(home: Any, tmp_path: Path) -> None:
    async with boxed(home, tmp_path) as box:
        await box.run("models", "load", "big")
        pinned = await box.run("models", "pin", "big")
        listed = await box.run("models", "list")
        as_json = json.loads((await box.run("models", "list", "--json")).stdout)
        loose = await box.run("models", "unpin", "big")
        everything = await box.run("models", "unload", "--all")
        nothing = await box.run("models", "unload", "--all")
    assert pinned.stdout == "big is pinned: no other model takes its place in memory.\n"
    assert loose.stdout == "big is not pinned: it makes way when its place is needed.\n"
    assert re.search(r"^big .* not downloaded, in memory, pinned$", listed.stdout, re.MULTILINE)
    assert listed.stdout.splitlines()[-1] == "cuda: models take 4.2 GB and may take 38 GB; 40 of 48 GB are free."
    states = {row["key"]: (row["loaded"], row["pinned"], row["loading"]) for row in as_json["models"]}
    assert (states["big"], states["tuned"]) == ((True, True, False), (False, False, False))
    assert as_json["memory"]["limit_gb"] == 38
    assert (everything.stdout, nothing.stdout) == ("big unloaded.\n", "Nothing was in memory that is not in use.\n")


def test_without_a_server_the_list_is_the_registry(said: Run, home: Any) -> None:
    (home.path / "token").write_text(TOKEN)
    port = free_port()
    (home.path / ".env").write_text(f"PORT={port}\n")
    plain = said("models", "list")
    rows = json.loads(said("models", "list", "--json").out)
    named = said("models", "list", "--url", f"http://127.0.0.1:{port}")
    assert (plain.code, "in memory" in plain.out, "demo" in plain.out) == (0, False, True)
    assert rows["memory"] is None
    assert {row["loaded"] for row in rows["models"]} == {None}
    assert (named.code, "No AI Agent Lab server answers" in named.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["load"], "Missing argument 'KEY'"),
        (["load", "demo", "--url", "ftp://x"], "no server address"),
        (["pin"], "Missing argument 'KEY'"),
        (["pin", "demo", "--url", "nonsense"], "no server address"),
        (["unpin", "demo", "--url", ""], "no server address"),
        (["unload"], "Give either KEY or --all"),
        (["unload", "demo", "--all"], "Give either KEY or --all"),
        (["list", "--url", "ftp://x"], "no server address"),
        (["lode", "demo"], "'load'"),
    ],
)
def test_wrong_use_is_a_sentence_and_ends_with_2(said: Run, home: Any, args: list[str], told: str) -> None:
    (home.path / "token").write_text(TOKEN)
    done = said("models", *args)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def stranger() -> Iterator[str]:
    """A web server that is none of ours: whatever is asked of it, it says hello."""

    class Hello(BaseHTTPRequestHandler):
        def _hello(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>hello")

        do_GET = do_POST = do_PUT = do_DELETE = _hello

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize("command", ["load", "unload", "pin", "unpin"])
def test_what_is_no_lab_is_told_and_so_is_no_server(said: Run, home: Any, stranger: str, command: str) -> None:
    (home.path / "token").write_text(TOKEN)
    nobody = f"http://127.0.0.1:{free_port()}"
    foreign, away = said("models", command, "demo", "--url", stranger), said("models", command, "demo", "--url", nobody)
    assert (foreign.code, foreign.err) == (
        2,
        f"Error: What answers at {stranger} is not AI Agent Lab; name the server with --url.\n",
    )
    assert (away.code, "start one with `agent-lab up`" in away.err, away.err.count("\n")) == (2, True, 1)


def test_lines_that_stay_are_few() -> None:
    states = [{"stage": "fetching", "elapsed_s": tenth / 10} for tenth in range(301)]
    states += [{"stage": "loading", "elapsed_s": 30.1}, {"stage": "loading", "elapsed_s": 30.2}]
    told = [(state["stage"], state["elapsed_s"]) for state in loading.sparse(states)]
    assert told == [("fetching", 0.0), ("fetching", 10.0), ("fetching", 20.0), ("fetching", 30.0), ("loading", 30.1)]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"stage": "waiting"}, "m: waiting for its turn"),
        ({"stage": "loading", "done_bytes": 999_600}, "m: loading 1.00 MB"),
        (
            {"stage": "loading", "done_bytes": 0, "total_bytes": 12_345_678, "seconds_left": 0.5},
            "m: loading 0 B of 12.3 MB, 0.50 s left",
        ),
        ({"stage": "polishing"}, "m: polishing"),
    ],
)
def test_a_line_tells_what_is_known(more: dict[str, Any], line: str) -> None:
    state = {"model_key": "m", "done_bytes": 0, "total_bytes": None, "seconds_left": None, **more}
    assert loading.progress_line(state) == line
