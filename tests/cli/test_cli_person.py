"""A run that waits for a person asks on the terminal and goes on; Ctrl-C there leaves it waiting."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from cli.test_cli_runs import ASKING, TWO, write

SECONDS = 100.0


def talk(home: Any, *args: str, say: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run the command on a terminal of its own; each answer is typed once its question is seen."""
    leader, follower = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "agent_lab", *args],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # its controlling terminal, for Ctrl-C
        cwd=home.path,
        env={**home.environ, "TERM": "dumb", "NO_COLOR": "1"},
    )
    os.close(follower)
    said, seen, waiting, until = b"", 0, list(say), time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        said += piece
        if waiting and waiting[0][0].encode() in said[seen:]:
            seen = len(said)
            os.write(leader, waiting.pop(0)[1].encode())
    os.close(leader)
    assert not waiting, said.decode()
    return running.wait(timeout=SECONDS), said.decode().replace("\r\n", "\n")


def newest(home: Any) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(home.run("runs", "list", "--json").stdout)["runs"][0]
    return row


def test_a_person_is_asked_and_the_run_goes_on(home: Any) -> None:
    code, said = talk(
        home,
        *("run", write(home, ASKING), "Hello", "--model", "echo"),
        say=[("> ", "\n"), ("Write an answer", "perhaps\n"), ("is no choice", "1\n")],
    )
    assert code == 0
    assert "Shall it go out?" in said
    assert "  1  yes" in said
    assert "Hello yes" in said
    assert newest(home)["status"] == "completed"


def test_several_questions_are_asked_one_after_the_other(home: Any) -> None:
    code, said = talk(
        home,
        *("run", write(home, TWO), "Hello", "--model", "echo"),
        say=[("Here?\n> ".replace("\n", "\r\n"), "one\n"), ("And here?", "two\n")],
    )
    assert code == 0
    assert "one two" in said


def test_enter_alone_is_the_default_where_there_is_one(home: Any) -> None:
    nodes = [*ASKING["nodes"][:1], ASKING["nodes"][1] | {"default": "no"}, *ASKING["nodes"][2:]]
    code, said = talk(
        home, "run", write(home, ASKING | {"nodes": nodes}), "Hello", "--model", "echo", say=[("> ", "\n")]
    )
    assert code == 0
    assert "Enter alone means: no" in said
    assert "Hello no" in said


def test_ctrl_c_at_a_question_leaves_the_run_waiting(home: Any) -> None:
    code, said = talk(home, "run", write(home, ASKING), "Hello", "--model", "echo", say=[("> ", "\x03")])
    row = newest(home)
    assert code == 130
    assert "The run waits on." in said
    assert f"runs answer {row['run_id']} person TEXT" in " ".join(said.split())
    assert row["status"] == "waiting"
    assert home.run("runs", "answer", row["run_id"], "yes", "-q").stdout == "Hello yes\n"


def test_the_end_of_the_input_at_a_question_leaves_the_run_waiting(home: Any) -> None:
    code, _ = talk(home, "run", write(home, ASKING), "Hello", "--model", "echo", say=[("> ", "\x04")])
    assert code == 130
    assert newest(home)["status"] == "waiting"


def test_a_fork_is_begun_where_the_one_at_the_terminal_says_yes(home: Any) -> None:
    assert home.run("run", "challenge", "x", "--model", "echo", "-q").returncode == 0
    first = newest(home)["run_id"]
    declined, said = talk(home, "runs", "fork", first, "--from", "refiner", say=[("Begin it?", "n\n")])
    assert (declined, newest(home)["run_id"]) == (0, first)
    assert "Asked anew: refiner." in said
    agreed, said = talk(home, "runs", "fork", first, "--from", "refiner", say=[("Begin it?", "\n")])
    assert agreed == 0
    assert newest(home)["parent_run_id"] == first
