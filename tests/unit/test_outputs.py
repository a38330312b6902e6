"""The result of each run is one whole JSON file."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.storage.atomic import write_atomically
from agent_lab.storage.outputs import OutputFolder
from agent_lab.storage.utf8 import json_text, well_formed


def test_a_result_lies_in_the_folder_of_its_flow(tmp_path: Path) -> None:
    path = OutputFolder(tmp_path).write("challenge", "run-1", {"answer": "¿Sí?", "nodes": [1]})
    assert path == tmp_path / "outputs" / "challenge_flows" / "run-1.json"
    assert json.loads(path.read_text("utf-8")) == {"answer": "¿Sí?", "nodes": [1]}
    assert "¿Sí?" in path.read_text("utf-8")


def test_a_second_result_replaces_the_first_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    folder.write("linear", "run-1", {"answer": "first" * 1000})
    path = folder.write("linear", "run-1", {"answer": "second"})
    assert json.loads(path.read_text()) == {"answer": "second"}
    assert os.listdir(path.parent) == ["run-1.json"]


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", ".hidden", "..", "", "a\n", "ñ", "x" * 129, "a\0", "/etc/x"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    folder = OutputFolder(tmp_path)
    with pytest.raises(ValidationError, match="execution id"):
        folder.write("linear", name, {})
    with pytest.raises(ValidationError, match="flow id"):
        folder.write(name, "run-1", {})
    assert os.listdir(tmp_path) == []


def test_figures_and_text_that_json_cannot_hold_do_not_stop_a_result(tmp_path: Path) -> None:
    document = {"answer": "a\ud800b \ud83d\ude00", "score": math.nan, "far": [math.inf, -math.inf], "k\udfff": 1}
    path = OutputFolder(tmp_path).write("linear", "run-1", document)
    assert json.loads(path.read_bytes().decode("utf-8")) == {
        "answer": "a\ufffdb 😀",
        "score": None,
        "far": [None, None],
        "k\ufffd": 1,
    }


TEXTS = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(VALUES)
def test_any_document_becomes_json_that_every_reader_takes(document: object) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = json_text(document).encode("utf-8").decode("utf-8")
    again = json.loads(text, parse_constant=refuse)
    assert json_text(again) == text


@given(st.text())
def test_text_that_is_well_formed_stays_as_it_is(text: str) -> None:
    assert well_formed(text) == text


def test_a_folder_that_can_be_written_passes_the_check_and_stays_empty(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "new" / "home")
    folder.check()
    assert os.listdir(folder.folder) == []


def test_a_file_where_the_folder_should_be_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file")
    folder = OutputFolder(tmp_path)
    sentence = r"Results cannot be saved in .*outputs.*set AGENT_LAB_HOME"
    with pytest.raises(EnvironmentFaultError, match=sentence):
        folder.check()
    with pytest.raises(EnvironmentFaultError, match=sentence):
        folder.write("linear", "run-1", {})


def test_a_root_below_a_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFaultError, match="Results cannot be saved"):
        OutputFolder(tmp_path / "file").check()


def test_a_secret_file_is_its_owners_alone_from_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_atomically(path, b"secret", 0o600)
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "inside").write_text("kept")
    with pytest.raises(OSError, match="directory"):
        write_atomically(taken, b"new")
    assert os.listdir(tmp_path) == ["taken"]
    assert (taken / "inside").read_text() == "kept"


def test_the_longest_name_that_a_folder_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomically(path, b"x")
    assert os.listdir(tmp_path) == [path.name]
