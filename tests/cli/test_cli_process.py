"""The command as a process: quick help, pipes, terminals, Ctrl-C, and servers that start and stop."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.cli_processes import PATIENT, free_port, read_until, start_patient

ROOT = Path(__file__).parents[2]
LONG = ("word " * 20 + "\n").encode() * 4000
"""A prompt that the echo takes several seconds to say three times."""


def test_help_takes_no_more_than_300_ms_of_cpu(home: Any) -> None:
    def cpu_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert home.run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_s() for _ in range(3)) <= 0.3


def test_help_imports_no_command(home: Any) -> None:
    code = "import sys; from agent_lab.cli.main import run_command; run_command(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=home.environ, check=True)
    heavy = {"pydantic", "langgraph", "fastapi", "torch", "rich", "sqlalchemy", "agent_lab.cli.run"}
    assert heavy.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    "command",
    [
        *("run", "ask", "flows", "flows list", "models", "models why", "runs", "runs list", "up", "lab", "doctor"),
        *("eval", "eval run", "eval report", "eval compare", "eval import", "eval gate", "eval datasets add"),
    ],
)
def test_every_command_explains_itself(home: Any, command: str) -> None:
    done = home.run(*command.split(), "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: agent-lab {command}")
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def statuses(home: Any) -> list[str]:
    return [run["status"] for run in json.loads(home.run("runs", "list", "--json").stdout)["runs"]]


def test_ctrl_c_cancels_the_run_and_says_where_it_is(home: Any) -> None:
    running = home.start("run", "challenge", "-", "--model", "echo", stdin=LONG)
    read_until(running.stdout, b"Creator \xc2\xb7 echo")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=100)
    assert running.returncode == 130
    assert b"not finished" in out
    assert b"Cancelling the run." in err
    assert re.search(rb"agent-lab runs show \S+", err)
    assert b"Traceback" not in err
    assert statuses(home) == ["cancelled"]


def test_a_second_ctrl_c_leaves_at_once(home: Any) -> None:
    running = start_patient(home)
    read_until(running.stdout, b"tokens")
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    while running.poll() is None and time.monotonic() - began < 60:
        running.send_signal(signal.SIGINT)
        time.sleep(0.005)
    assert running.returncode == 130
    assert b"Traceback" not in running.communicate()[1]


def test_sigterm_cancels_the_run_too(home: Any) -> None:
    running = start_patient(home, "--json")
    while statuses(home) != ["running"]:
        assert running.poll() is None
    running.terminate()
    out, _ = running.communicate(timeout=100)
    assert running.returncode == 130
    assert json.loads(out)["status"] == "cancelled"


def test_a_reader_who_leaves_is_no_error_and_the_run_is_cancelled(home: Any) -> None:
    running = home.start("run", "challenge", "-", "--model", "echo", stdin=LONG)
    read_until(running.stdout, b"Creator \xc2\xb7 echo")
    running.stdout.close()
    err = running.stderr.read()
    assert running.wait(timeout=100) == 0
    assert err == b""
    assert statuses(home) == ["cancelled"]


def test_a_list_cut_short_by_head_is_no_error(home: Any) -> None:
    listing = home.start("models", "list")
    listing.stdout.close()
    assert listing.wait(timeout=100) == 0
    assert listing.stderr.read() == b""


@pytest.mark.parametrize("group", ["flows", "models", "runs"])
def test_what_a_group_says_of_its_commands_fits_on_a_line(home: Any, group: str) -> None:
    listed = home.run(group, "--help").stdout.partition("Commands:")[2]
    assert listed
    assert "..." not in listed


def test_a_flow_on_standard_input_is_named_so(home: Any) -> None:
    done = home.run("flows", "check", "-", stdin=b"{")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Standard input is not valid JSON: ")


WRITERS = [("models", "list"), ("models", "list", "--json"), ("runs", "show", "nope", "--json"), ("--version",)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", WRITERS, ids=" ".join)
def test_output_that_cannot_be_written_is_told_in_a_sentence(home: Any, args: tuple[str, ...]) -> None:
    err, code = written_to("/dev/full", home, args)
    assert code != 0
    assert "Error: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize("args", WRITERS, ids=" ".join)
def test_a_command_whose_output_was_closed_does_its_work(home: Any, args: tuple[str, ...]) -> None:
    err, code = written_to("&-", home, args)
    assert code == (2 if "nope" in args else 0)
    assert "Traceback" not in err


def written_to(place: str, home: Any, args: tuple[str, ...]) -> tuple[str, int]:
    """What a command whose standard output leads to that place said beside it, and its exit code."""
    program = ["sh", "-c", f'exec "$@" >{place}', "sh", sys.executable, "-m", "agent_lab", *args]
    done = subprocess.run(program, env=home.environ, capture_output=True, text=True, timeout=100, check=False)
    return done.stderr, done.returncode


def on_a_terminal(
    home: Any,
    *args: str,
    environ: dict[str, str] | None = None,
    columns: int = 80,
    once: Callable[[bytes, subprocess.Popen[bytes]], bool] = lambda _, __: True,
) -> tuple[int, str]:
    """Run the command on a terminal of its own; exit code and everything that it wrote.

    `once` is called with what was said so far, until it returns True.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "agent_lab", *args],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=home.path,
        env={**home.environ, "TERM": "xterm-256color", **(environ or {})},
    )
    os.close(follower)
    said, done = b"", False
    while True:
        done = done or once(said, running)
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(leader)
    return running.wait(timeout=100), said.decode()


QUESTION = "What is three plus four, and how would you explain that to a child who can count to ten but no further?"


def test_a_terminal_shows_colours_and_80_columns(home: Any) -> None:
    code, said = on_a_terminal(home, "run", "challenge", QUESTION, "--model", "echo")
    assert code == 0
    assert "\x1b[32m+" in said
    screen = left_on_screen(said)
    assert any(line.startswith("── Creator · echo ") for line in screen)
    end = screen.index(next(line for line in screen if line.startswith("── From draft")))
    assert max(map(len, screen[:end])) <= 80


def left_on_screen(said: str) -> list[str]:
    """The lines that are left on a terminal: what was written over is gone. Knows no code but those that we use."""
    lines, row, column = [""], 0, 0
    for code, char in re.findall(r"\x1b\[([0-9;]*[A-Za-z])|(.)", said, re.DOTALL):
        if code == "2K":
            lines[row] = ""
        elif code.endswith("A"):
            row -= int(code[:-1])
        elif char == "\r":
            column = 0
        elif char == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif char:
            lines[row] = lines[row][:column].ljust(column) + char + lines[row][column + 1 :]
            column += 1
        else:
            assert code.endswith("m"), f"an unknown code {code!r}"
    return lines


AT_WORK = ("Creator", "Challenger")


def test_who_is_at_work_is_told_on_a_terminal_and_leaves_no_trace(home: Any) -> None:
    _, said = on_a_terminal(home, "run", "challenge", "What is 12 + 30?", "--seed", "1")
    assert "Creator · loading the model ... · " in said
    waited_s = {who: [float(told) for told in re.findall(rf"{who}[^\r\n]* · (\d+\.\d) s", said)] for who in AT_WORK}
    assert waited_s["Challenger"][0] < waited_s["Creator"][-1], "each is told from its own beginning"
    run_id = json.loads(home.run("runs", "list", "--json").stdout)["runs"][0]["run_id"]
    stored = home.run("runs", "show", run_id).stdout
    shown = "\n".join(left_on_screen(said))
    assert shown.split() == stored.split()
    assert "loading the model" not in home.run("run", "challenge", "What is 12 + 30?", "--seed", "1").stdout


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_on_a_terminal_leaves_no_trace_of_who_was_at_work(home: Any, times: int) -> None:
    def interrupt(said: bytes, running: subprocess.Popen[bytes]) -> bool:
        if b"Validator \xc2\xb7 " not in said:
            return False
        for _ in range(times):
            running.send_signal(signal.SIGINT)
            time.sleep(0.002)
        return True

    (home.path / "flows").mkdir()
    (home.path / "flows" / "patient.json").write_text(json.dumps(PATIENT))
    code, said = on_a_terminal(home, "run", "patient", "What is it?", "--model", "echo", once=interrupt)
    shown = "\n".join(left_on_screen(said))
    assert code == 130
    assert "Validator · " in said
    assert "Validator · " not in shown
    assert "Cancelling the run. Press Ctrl-C again to leave at once.\n" in shown
    assert times > 1 or "agent-lab runs show" in shown


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_control_codes_where_none_are_wanted(home: Any, environ: dict[str, str]) -> None:
    code, said = on_a_terminal(home, "run", "challenge", QUESTION, "--model", "echo", environ=environ)
    assert code == 0
    assert "\x1b" not in said
    assert "── Answer " in said


def test_escape_sequences_in_a_models_answer_never_reach_the_terminal(home: Any) -> None:
    attack = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m [bold]not markup[/bold] \u202eback"
    code, said = on_a_terminal(home, "ask", attack, "--model", "echo", environ={"NO_COLOR": "1"})
    assert code == 0
    assert "\x1b" not in said
    assert "owned" not in said
    assert "\u202e" not in said
    assert "red [bold]not markup[/bold] back" in said


def test_an_ascii_terminal_gets_question_marks_and_no_fault(home: Any) -> None:
    done = home.run("run", "challenge", "¿Qué?", "--model", "echo", environ={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    document = home.run("ask", "¿Qué?", "--model", "echo", "--json", environ={"PYTHONIOENCODING": "ascii"}).stdout
    assert json.loads(document)["text"] == "¿Qué?"


def test_the_doors_of_the_seeds_lead_to_run_and_ask(home: Any) -> None:
    for door, args in (("main.py", ["challenge", "x", "-q"]), ("scripts/direct_inference.py", ["x"])):
        done = subprocess.run(
            [sys.executable, str(ROOT / door), *args, "--model", "echo"],
            capture_output=True,
            text=True,
            cwd=home.path,
            env=home.environ,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "x" in done.stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_behind_a_one_time_link_and_stops_in_good_order(home: Any, stop: signal.Signals) -> None:
    port = free_port()
    server = home.start("up", "--port", str(port), "--no-browser")
    said = read_until(server.stdout, b"/login?code=").decode()
    link = re.search(r"http://\S+/login\?code=\S+", said)
    assert link
    assert f"http://127.0.0.1:{port}" in said
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link.group()) as page:
        assert page.status == 200
    with pytest.raises(urllib.error.HTTPError) as second:
        urllib.request.build_opener().open(link.group())
    assert second.value.code in {401, 403, 410, 422}
    assert (home.path / "token").stat().st_mode & 0o077 == 0
    server.send_signal(stop)
    _, err = server.communicate(timeout=100)
    assert server.returncode == 0
    assert b"Traceback" not in err


def test_lab_serves_the_api_and_models_are_unloaded_through_it(home: Any) -> None:
    port = free_port()
    server = home.start("lab", "--port", str(port), "--json")
    try:
        said = json.loads(read_until(server.stdout, b"}"))
        assert said == {"url": f"http://127.0.0.1:{port}", "login": None, "token_file": str(home.path / "token")}
        url = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{url}/health") as answer:
            assert answer.status == 200
        done = home.run("models", "unload", "demo", "--url", url)
        assert done.returncode == 2
        assert "There is no model 'demo' in memory" in done.stderr
        refused = home.run("models", "load", "echo", "--url", url, "--json")
        assert refused.returncode == 2
        assert "local models" in json.loads(refused.stdout)["error"]["message"]
        wrong = home.run("models", "load", "demo", "--url", url, environ={"AGENT_LAB_TOKEN": "another-token-than-its"})
        assert wrong.returncode == 2
        assert "Sign in first" in wrong.stderr
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=100)
    assert server.returncode == 0


def test_a_server_that_stops_under_a_reader_reports_no_error(home: Any) -> None:
    (home.path / "flows").mkdir(exist_ok=True)
    asks = {"id": "asks", "name": "Asks", "nodes": [{"id": "person", "kind": "human", "question": "{user_input}"}]}
    (home.path / "flows" / "asks.json").write_text(json.dumps(asks))
    port = free_port()
    server = home.start("lab", "--port", str(port), "--json")
    read_until(server.stdout, b"}")
    url, signed_in = f"http://127.0.0.1:{port}/api/runs", f"Bearer {(home.path / 'token').read_text().strip()}"
    headers = {"Authorization": signed_in, "Content-Type": "application/json"}
    start = urllib.request.Request(url, json.dumps({"flow": "asks", "prompt": "Well?"}).encode(), headers)
    with urllib.request.urlopen(start) as answer:
        run_id = json.loads(answer.read())["run_id"]
    with urllib.request.urlopen(urllib.request.Request(f"{url}/{run_id}/events", headers=headers)) as stream:
        read_until(stream, b"waiting_for_person")
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=100)
    log = (home.path / "logs" / "agent-lab.log").read_text()
    assert server.returncode == 0
    assert "ASGI" not in err.decode() + log
    assert '"level":"error"' not in log
