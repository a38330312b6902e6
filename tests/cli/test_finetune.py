"""`agent-lab finetune` from a file of examples to a model that gives other answers than its base, on a CPU."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Home

pytest.importorskip("torch")
Run = Callable[..., Any]


def sums(path: Path, rows: int) -> Path:
    """Sums that the built-in model answers with `a+b=c` and `Answer: c`; here it is to say a sentence."""
    chance = random.Random(7)
    pairs = [(chance.randint(2, 99), chance.randint(2, 99)) for _ in range(rows)]
    text = "\n".join(
        json.dumps({"prompt": f"What is {a} + {b}?", "completion": f"{a}+{b}={a + b}, so {a + b}."}) for a, b in pairs
    )
    path.write_text(text + "\n")
    return path


def test_a_new_way_of_answering_is_learned_within_seconds(said: Run, tmp_path: Path) -> None:
    source = sums(tmp_path / "sums.jsonl", 300)
    done = said("finetune", str(source), "--base", "demo", "--name", "prose", "--max-steps", "60", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["before"]["exact"] == 0.0
    assert report["after"]["exact"] >= 0.8
    assert report["after"]["loss"] < 0.1 < report["before"]["loss"]
    assert report["trained"] + report["held_out"] == 300
    assert report["command"] == "agent-lab ask --model prose QUESTION"
    listed = json.loads(said("models", "list", "--json").out)["models"]
    (row,) = [model for model in listed if model["key"] == "prose"]
    assert (row["base"], row["model_id"]) == ("demo", report["folder"])
    asked = said("ask", "--model", "prose", "--strategy", "greedy", "What is 31 + 47?", "--json")
    assert json.loads(asked.out)["text"].endswith("so 78.")
    base = said("ask", "--model", "demo", "--strategy", "greedy", "What is 31 + 47?", "--json")
    assert "Answer: 78" in json.loads(base.out)["text"]


def test_people_read_how_far_it_is_and_what_it_brought(said: Run, tmp_path: Path) -> None:
    done = said("finetune", str(sums(tmp_path / "my sums.jsonl", 30)), "--base", "demo", "--max-steps", "2")
    assert done.code == 0, done.err
    for part in ("Measuring before", "Step 2 of 2, loss ", "HELD OUT (", "exactly right", "demo-my-sums"):
        assert part in done.out
    assert done.out.rstrip().endswith("Ask it: agent-lab ask --model demo-my-sums QUESTION")
    assert "\x1b" not in done.out
    again = said("finetune", str(tmp_path / "my sums.jsonl"), "--base", "demo", "--max-steps", "2")
    assert again.code == 2
    assert "There is a model 'demo-my-sums' already; take another --name." in again.err


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--base", "echo"], "does not run on this machine"),
        (["--base", "dmeo"], "did you mean 'demo'"),
        (["--base", "demo", "--name", "a b"], "cannot be the name of a model"),
        (["--base", "demo", "--resume"], "no training to go on with"),
        (["--base", "demo", "--lr", "nan"], "Invalid value for '--lr'"),
        ([], "--base"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_use_is_one_sentence(said: Run, tmp_path: Path, args: list[str], sentence: str) -> None:
    done = said("finetune", str(sums(tmp_path / "sums.jsonl", 4)), *args)
    assert done.code == 2
    assert sentence in done.err
    assert not (tmp_path / "adapters").exists()


def test_a_wrong_row_is_told_with_its_line(said: Run, tmp_path: Path) -> None:
    source = sums(tmp_path / "sums.jsonl", 3)
    source.write_text(source.read_text() + '{"prompt": "What is 1 + 1?"}\n')
    done = said("finetune", str(source), "--base", "demo", "--json")
    assert done.code == 2
    assert "line 4: a row has prompt and completion" in json.loads(done.out)["error"]["message"]


def test_ctrl_c_keeps_what_is_done(home: Home) -> None:
    source = sums(home.path / "sums.jsonl", 120)
    command = ["finetune", str(source), "--base", "demo", "--name", "prose", "--epochs", "200", "--batch", "4"]
    process = home.start(*command)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"Step "):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 130
    assert b"steps are kept; go on with the same command and --resume." in errors
    assert (home.path / "adapters" / "prose" / "checkpoint.safetensors").is_file()
    assert not (home.path / "adapters-prose.toml").exists()
    assert b"Traceback" not in errors
