"""One node alone from the command line: its pins, as texts, files and fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent_lab.cli.pins import read_pins
from agent_lab.contracts.errors import ValidationError

Run = Callable[..., Any]


def test_one_node_is_run_on_pinned_text(said: Run, home: Any) -> None:
    (home.path / "draft.txt").write_text("the draft of yesterday\n")
    arguments = ("run", "challenge", "x", "--model", "echo", "--only", "challenger")
    done = said(*arguments, "--pin", "creator=@draft.txt", "--json")
    document = json.loads(done.out)
    assert done.code == 0
    assert "the draft of yesterday" in document["result"]
    listed = said("runs", "list", "--trial")
    assert "challenge > challenger" in listed.out
    assert "No stored run is like that." in said("runs", "list", "--no-trial").err


def test_a_pin_too_few_is_wrong_use_and_is_named(said: Run) -> None:
    done = said("run", "challenge", "x", "--model", "echo", "--only", "challenger")
    assert done.code == 2
    assert "Pin what 'creator' said" in done.err


def test_pins_are_texts_and_their_fields_json() -> None:
    assert read_pins(["a=Two = 2", "a.accepted=false", "b.note=plain"]) == {
        "a": {"text": "Two = 2", "fields": {"accepted": False}},
        "b": {"text": "", "fields": {"note": "plain"}},
    }
    for wrong in ("a", "=x", "a.=x"):
        with pytest.raises(ValidationError, match="--pin takes NODE=TEXT"):
            read_pins([wrong])
