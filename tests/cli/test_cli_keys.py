"""`agent-lab keys`: a key is shown once, listed without itself, and revoked; and what the doctor says of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent_lab.storage.access_keys import AccessKeys

Run = Callable[..., Any]


def test_a_key_is_shown_once_alone_on_standard_output(said: Run, home: Any) -> None:
    made = said("keys", "new", "ci", "--runs-at-once", "2", "--runs-waiting", "0")
    secret = made.out.strip()
    assert (made.code, AccessKeys(home.path).name_of(secret)) == (0, "ci")
    assert "shown once" in made.err
    listed = said("keys", "list")
    assert listed.out.splitlines()[0].split("  ")[-1] == "NAME"
    assert listed.out.splitlines()[1].split()[2:] == ["2", "0", "ci"]
    assert secret not in listed.out + said("keys", "list", "--json").out


def test_with_json_a_key_is_one_document(said: Run, home: Any) -> None:
    made = json.loads(said("keys", "new", "ci", "--json").out)
    secret = made.pop("key")
    assert AccessKeys(home.path).name_of(secret) == "ci"
    assert (made["name"], made["runs_at_once"], made["runs_waiting"]) == ("ci", None, None)
    assert json.loads(said("keys", "list", "--json").out) == {"keys": [made]}
    assert json.loads(said("keys", "revoke", "ci", "--json").out) == {"revoked": "ci"}
    assert AccessKeys(home.path).name_of(secret) is None
    assert json.loads(said("keys", "list", "--json").out) == {"keys": []}


def test_a_revoked_key_is_gone_and_one_that_is_not_there_is_told_with_the_nearest(said: Run) -> None:
    said("keys", "new", "nightly")
    miss = said("keys", "revoke", "nightli")
    assert (miss.code, miss.out) == (2, "")
    assert "did you mean 'nightly'?" in miss.err
    assert said("keys", "revoke", "nightly").code == 0
    assert "no access keys" in said("keys", "list").err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("new", "two words"), "no name for an access key"),
        (("new", "ci", "--runs-at-once", "0"), "--runs-at-once"),
        (("new", "ci", "--runs-waiting", "-1"), "--runs-waiting"),
        (("new",), "NAME"),
        (("make", "ci"), "No such command"),
    ],
)
def test_wrong_use_is_a_sentence_and_makes_no_key(said: Run, home: Any, wrong: tuple[str, ...], told: str) -> None:
    done = said("keys", *wrong)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert not (home.path / "keys.toml").exists()


def test_a_broken_file_is_left_as_it_is_and_told_by_every_command_and_by_the_doctor(said: Run, home: Any) -> None:
    (home.path / "keys.toml").write_text("[[keys]]\n")
    for command in (("list",), ("new", "ci"), ("revoke", "ci")):
        done = said("keys", *command)
        assert (done.code, "there may be [[key]] tables only" in done.err) == (2, True)
    assert (home.path / "keys.toml").read_text() == "[[keys]]\n"
    assert access_keys_in(said("doctor", "--json").out)[0] == "missing"


def test_the_doctor_names_the_keys_where_there_are_any(said: Run) -> None:
    assert access_keys_in(said("doctor", "--json").out) == ("", "")
    said("keys", "new", "nightly")
    said("keys", "new", "ci")
    assert access_keys_in(said("doctor", "--json").out) == ("ok", "ci, nightly")


def access_keys_in(told: str) -> tuple[str, str]:
    """What the doctor says of access keys."""
    found = [one for one in json.loads(told)["findings"] if one["what"] == "access keys"]
    return (found[0]["state"], found[0]["says"]) if found else ("", "")


def test_runs_are_listed_by_their_caller(said: Run) -> None:
    assert said("run", "challenge", "x", "--model", "echo", "--quiet").code == 0
    owners = json.loads(said("runs", "list", "--caller", "", "--json").out)["runs"]
    assert [run["caller"] for run in owners] == [""]
    assert json.loads(said("runs", "list", "--caller", "ci", "--json").out)["runs"] == []
