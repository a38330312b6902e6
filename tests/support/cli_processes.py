"""Commands as processes that go on for a while: a flow that waits, what it says, and a free port."""

import json
import secrets
import socket
import subprocess
from contextlib import suppress
from typing import IO, Any

PATIENT = {
    "id": "patient",
    "name": "Patient",
    "nodes": [
        {"id": "creator", "kind": "generate", "label": "Creator", "prompt": "{user_input}"},
        {"id": "validator", "kind": "validator", "label": "Validator", "first_wait_s": 60, "longest_wait_s": 60},
    ],
    "edges": [
        {"from": "creator", "to": "validator"},
        {
            "from": "validator",
            "to": "creator",
            "max_rounds": 3,
            "when": {"value": "validator.accepted", "op": "==", "than": False},
        },
    ],
    "answer": "validator",
}
"""A flow that answers and then waits for a minute before it tries again: an echo is never accepted."""


def read_until(stream: IO[bytes] | None, words: bytes) -> bytes:
    """What the process says up to the line with these words."""
    assert stream
    said = b""
    for line in stream:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said, but {said[-500:]!r}")


def start_patient(home: Any, *options: str) -> subprocess.Popen[bytes]:
    """A run that goes on until it is stopped."""
    (home.path / "flows").mkdir(exist_ok=True)
    (home.path / "flows" / "patient.json").write_text(json.dumps(PATIENT))
    running: subprocess.Popen[bytes] = home.start("run", "patient", "What is it?", "--model", "echo", *options)
    return running


def free_port() -> int:
    """A port that nobody listens at now, below those that the system hands out to whoever asks for any."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
