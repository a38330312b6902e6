"""Access keys: made once, kept as a digest, taken and revoked while a server runs, refused where the file is broken."""

import hashlib
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent_lab.contracts.errors import (
    ConflictError,
    EnvironmentFaultError,
    NotFoundError,
    TooLargeError,
    ValidationError,
)
from agent_lab.registries import access_keys as rows
from agent_lab.registries.models import load_models
from agent_lab.storage.access_keys import AccessKeys


def test_of_a_key_only_its_digest_is_kept_and_for_the_owner_alone(tmp_path: Path) -> None:
    keys = AccessKeys(tmp_path / "config")
    row, secret = keys.add("ci", runs_at_once=2, runs_waiting=0)
    content = keys.path.read_text()
    assert secret.startswith("al-")
    assert len(secret) == len("al-") + 43
    assert secret not in content
    assert keys.path.stat().st_mode & 0o777 == 0o600
    (kept,) = tomllib.loads(content)["key"]
    assert kept == {
        "name": "ci",
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "created_at": row.created_at,
        "runs_at_once": 2,
        "runs_waiting": 0,
    }


@pytest.mark.parametrize("name", ["a", "x" * 64, "Ana@team.example", "0-9_z"])
def test_every_name_that_is_taken_can_be_read_again(tmp_path: Path, name: str) -> None:
    row, secret = AccessKeys(tmp_path).add(name)
    again = AccessKeys(tmp_path)
    assert again.check() == {name: row}
    assert again.name_of(secret) == name


@pytest.mark.parametrize("name", ["", "x" * 65, 'a"b', "a b", "-a", "a\nb", "ñ", "a/b", "\udcff"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="no name for an access key"):
        AccessKeys(tmp_path).add(name)
    assert list(tmp_path.iterdir()) == []


def test_a_key_opens_from_the_moment_it_is_made_until_it_is_revoked_whoever_did_it(tmp_path: Path) -> None:
    server, command = AccessKeys(tmp_path), AccessKeys(tmp_path)
    assert server.by_name() == {}
    _, ci = command.add("ci")
    _, nightly = command.add("nightly")
    assert [server.name_of(shown) for shown in (ci, nightly)] == ["ci", "nightly"]
    command.revoke("ci")
    assert [server.name_of(shown) for shown in (ci, nightly)] == [None, "nightly"]
    _, again = command.add("ci")
    assert [server.name_of(shown) for shown in (ci, again)] == [None, "ci"]
    server.path.unlink()
    assert server.name_of(again) is None
    assert server.broken is None


def test_what_is_no_key_is_nobodys(tmp_path: Path) -> None:
    keys = AccessKeys(tmp_path)
    row, secret = keys.add("ci")
    beside = (f"al-{row.sha256}", secret[:-1], f"{secret}x", secret.upper(), "al-\udcff")
    for shown in ("", "al-", "ci", row.sha256, *beside):
        assert keys.name_of(shown) is None


def test_a_name_is_taken_once_and_a_miss_names_the_nearest(tmp_path: Path) -> None:
    keys = AccessKeys(tmp_path)
    _, secret = keys.add("nightly")
    with pytest.raises(ConflictError, match="already"):
        keys.add("nightly")
    with pytest.raises(NotFoundError, match="did you mean 'nightly'"):
        keys.revoke("nightli")
    assert keys.name_of(secret) == "nightly"


def test_keys_that_are_made_at_once_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as together:
        secrets = [made[1] for made in together.map(lambda n: AccessKeys(tmp_path).add(f"k{n}"), range(24))]
    keys = AccessKeys(tmp_path)
    assert {keys.name_of(secret) for secret in secrets} == {f"k{n}" for n in range(24)}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".keys.toml.lock", "keys.toml"]


def test_there_are_no_more_keys_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_lab.storage.access_keys.MOST_KEYS", 2)
    keys = AccessKeys(tmp_path)
    for name in ("a", "b"):
        keys.add(name)
    with pytest.raises(TooLargeError, match="2 access keys already"):
        keys.add("c")


def test_a_file_of_as_many_keys_as_there_may_be_can_be_read(tmp_path: Path) -> None:
    row, _ = AccessKeys(tmp_path).add("x" * 64, runs_at_once=10_000, runs_waiting=100_000)
    content = rows.as_toml([row.model_copy(update={"name": f"{n:064}"}) for n in range(rows.MOST_KEYS)])
    assert len(rows.access_keys("keys.toml", content)) == rows.MOST_KEYS


def test_the_owner_has_no_bounds_and_a_key_that_is_gone_has_one_run_at_once(tmp_path: Path) -> None:
    keys = AccessKeys(tmp_path)
    keys.add("ci", runs_at_once=3, runs_waiting=7)
    keys.add("free")
    told = {name: (keys.runs_at_once(name), keys.runs_waiting(name)) for name in ("", "ci", "free", "gone")}
    assert told == {"": (None, None), "ci": (3, 7), "free": (None, None), "gone": (1, None)}


ROW = 'name = "ci"\nsha256 = "{}"\ncreated_at = 2026-11-21T09:00:00Z\n'.format("0" * 64)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[key", "not readable TOML"),
        ("[[model]]\n", "a table 'model'; there may be [[key]] tables only"),
        (f"[key]\n{ROW}", "two brackets"),
        (f"[[key]]\n{ROW}[[key]]\n{ROW}", "'ci' is given twice"),
        (f"[[key]]\n{ROW}runs = 2\n", "there is no field 'runs'"),
        (f"[[key]]\n{ROW}runs_at_once = 0\n", "'runs_at_once'"),
        ('[[key]]\nname = "ci"\n', "'sha256' is missing"),
        (f"[[key]]\n{ROW}".replace("00", "0x", 1), "'sha256'"),
        ("#" * (rows.MAX_BYTES + 1), "more than 1,000,000 bytes"),
    ],
)
def test_a_broken_file_admits_no_key_is_told_once_and_is_taken_when_it_is_mended(
    tmp_path: Path, content: str, said: str
) -> None:
    keys = AccessKeys(tmp_path)
    _, secret = keys.add("nightly")
    good = keys.path.read_text()
    keys.path.write_text(content)
    with capture_logs() as logged:
        assert [keys.name_of(secret) for _ in range(3)] == [None] * 3
    assert keys.broken is not None
    assert said in keys.broken
    assert str(keys.path) in keys.broken
    assert [line["reason"] for line in logged] == [keys.broken]
    for change in (lambda: keys.add("b"), lambda: keys.revoke("nightly"), keys.check):
        with pytest.raises(ValidationError, match="no access key is admitted"):
            change()
    assert keys.path.read_text() == content
    keys.path.write_text(good)
    assert keys.name_of(secret) == "nightly"
    assert keys.broken is None


def test_a_file_that_cannot_be_read_is_tried_again_though_it_has_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = AccessKeys(tmp_path)
    _, secret = AccessKeys(tmp_path).add("ci")

    def no_room(_: object) -> bytes:
        raise OSError(24, os.strerror(24))

    with monkeypatch.context() as patched:
        patched.setattr(AccessKeys, "_content", no_room)
        assert keys.name_of(secret) is None
        assert "Too many open files" in str(keys.broken)
    assert keys.name_of(secret) == "ci"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFaultError, match="cannot be written"):
        AccessKeys(tmp_path / "file").add("ci")
    (tmp_path / "keys.toml").mkdir()
    assert AccessKeys(tmp_path).name_of("al-x") is None


def test_the_file_of_access_keys_is_no_registry(tmp_path: Path) -> None:
    AccessKeys(tmp_path).add("ci")
    assert load_models(tmp_path).get_model("demo")
    (tmp_path / "keys.toml").write_text("broken")
    assert load_models(tmp_path).get_model("demo")
