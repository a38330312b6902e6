"""Files of models that are damaged or hostile: each is named with what to do, and none does harm on the way."""

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import ModelCorruptError, UnusableError
from agent_lab.providers.local.files.refusals import refuse_templates
from agent_lab.providers.local.files.weights import inspect
from agent_lab.providers.local.templates.sandbox import Templates
from support.tiny_model import local_stack, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(scope="module")
def templates() -> Iterator[Templates]:
    opened = Templates()
    yield opened
    opened.close()


def write_header(folder: Path, header: object, data_bytes: int) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(data_bytes))
    return path


def tensor(begin: int, end: int, shape: list[int] | None = None, dtype: str = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


# --- any file ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "model.safetensors"]
)
def test_an_empty_file_is_named(copied: Path, name: str) -> None:
    (copied / name).write_bytes(b"")
    with pytest.raises(ModelCorruptError, match=rf"{copied / name} is damaged \(it is empty\); put a whole copy"):
        local_stack(tiny_spec(copied)).manager.load_model("tiny", "standard")


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json"])
@pytest.mark.parametrize("content", ["{", "[1]", "\udcff", "[" * 200_000])
def test_what_should_be_json_and_is_not_is_named(copied: Path, name: str, content: str) -> None:
    (copied / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ModelCorruptError, match=f"{name} is damaged"):
        inspect(copied)


def test_a_json_file_of_no_sensible_size_is_not_read(copied: Path) -> None:
    with (copied / "tokenizer.json").open("wb") as file:
        file.truncate(65_000_000)
    with pytest.raises(ModelCorruptError, match=r"tokenizer\.json is damaged \(it is larger than 64 MB\)"):
        inspect(copied)


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "..\\x", "", "..", 7])
def test_an_index_that_names_files_elsewhere_is_refused(copied: Path, name: object) -> None:
    (copied / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ModelCorruptError, match=r"index\.json is damaged \(it names .*no file of its folder"):
        inspect(copied)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_link_out_of_the_folder_is_refused(copied: Path, tmp_path: Path, name: str) -> None:
    (copied / name).rename(tmp_path / "elsewhere")
    (copied / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelCorruptError, match=rf"{name} is damaged \(it is a link out of its folder"):
        inspect(copied)


def test_links_as_the_hubs_cache_has_them_are_followed(copied: Path, tmp_path: Path) -> None:
    place = tmp_path / "hub" / "models--owner--model"
    folder, blobs = place / "snapshots" / ("a" * 40), place / "blobs"
    folder.mkdir(parents=True)
    blobs.mkdir()
    for number, path in enumerate(sorted(copied.iterdir())):
        path.rename(blobs / str(number))
        (folder / path.name).symlink_to(os.path.relpath(blobs / str(number), folder))
    assert inspect(folder).parameters > 0
    (tmp_path / "outside").write_text("{}")
    (folder / "vocab.json").symlink_to(tmp_path / "outside")
    with pytest.raises(ModelCorruptError, match=r"vocab\.json is damaged \(it is a link out"):
        inspect(folder)


def test_a_link_to_nothing_is_named(copied: Path) -> None:
    (copied / "vocab.json").symlink_to("gone")
    with pytest.raises(ModelCorruptError, match=r"vocab\.json is damaged \(it is a link to nothing"):
        inspect(copied)


# --- the header --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("header", "data_bytes"),
    [
        ({"a": tensor(0, 8), "b": tensor(4, 12)}, 12),
        ({"a": tensor(0, 4), "b": tensor(8, 12)}, 12),
        ({"a": tensor(4, 12)}, 12),
        ({"a": {**tensor(0, 4), "data_offsets": [-4, 4]}}, 4),
        ({"a": {**tensor(0, 4), "data_offsets": [4, 0]}}, 4),
        ({"a": {**tensor(0, 4), "data_offsets": [0, 4, 4]}}, 4),
        ({"a": {**tensor(0, 4), "data_offsets": ["0", "4"]}}, 4),
        ({"a": {**tensor(0, 4), "data_offsets": [0.0, 4.0]}}, 4),
        ({"a": {**tensor(0, 4), "data_offsets": [False, 4]}}, 4),
        ({"a": tensor(0, 4, [5])}, 4),
        ({"a": tensor(0, 4, [4], "F32")}, 4),
        ({"a": tensor(0, 4, [-1, -4])}, 4),
        ({"a": tensor(0, 4, [True, 4])}, 4),
        ({"a": {**tensor(0, 4), "dtype": 3}}, 4),
        ({"a": 3}, 0),
        ([], 0),
        (b'{"a": NaN}', 0),
        (b'{"a": {"dtype": "U8", "shape": [NaN], "data_offsets": [0, 4]}}', 4),
        (
            b'{"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, '
            b'"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}',
            4,
        ),
        (b'{"a": {"dtype": "U8", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 4]}}', 4),
        (b'{"a":' * 50_000, 0),
        (b" " * 17_000_000, 0),
    ],
)
def test_a_header_that_tricks_is_damaged(copied: Path, header: object, data_bytes: int) -> None:
    path = write_header(copied, header, data_bytes)
    with pytest.raises(ModelCorruptError, match=rf"{path} is damaged"):
        inspect(copied)


words = st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__", "a", "U8", "F32", "BF16", "F4", ""])
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-4, 40) | st.floats() | words | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
counts = st.integers(0, 24)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["U8", "F16", "F32", "I64", "BF16"]) | anything,
        "shape": st.lists(counts, max_size=3) | anything,
        "data_offsets": st.tuples(counts, counts) | anything,
    }
)
headers = st.dictionaries(words | st.text(max_size=2), entries | anything, max_size=3)


@settings(max_examples=300, deadline=None, suppress_health_check=UNCHECKED)
@given(
    raw=st.binary(max_size=60) | (headers | anything).map(lambda value: json.dumps(value).encode()),
    data_bytes=st.integers(0, 60),
    cut=st.none() | st.integers(0, 80),
)
def test_whatever_a_header_holds_it_is_read_or_refused(
    copied: Path, raw: bytes, data_bytes: int, cut: int | None
) -> None:
    from safetensors import safe_open

    path = write_header(copied, raw, data_bytes)
    path.write_bytes(path.read_bytes()[:cut])
    refusal = refused(copied)
    if refusal is None:
        with safe_open(path, framework="pt") as opened:  # what is taken here is taken by the library too
            opened.keys()
    else:
        assert str(path) in refusal


@settings(max_examples=60, deadline=None, suppress_health_check=UNCHECKED)
@given(at=st.integers(0, 3000), flip=st.integers(1, 255))
def test_a_flipped_byte_in_a_header_never_ends_in_anything_but_a_sentence(copied: Path, at: int, flip: int) -> None:
    path = copied / "model.safetensors"
    whole = path.read_bytes()
    spoilt = bytearray(whole)
    spoilt[at % len(spoilt)] ^= flip
    path.write_bytes(spoilt)
    refusal = refused(copied)
    path.write_bytes(whole)
    assert refusal is None or str(path) in refusal


def refused(folder: Path) -> str | None:
    """The sentence that a folder is refused with; None where it is taken."""
    try:
        inspect(folder)
    except UnusableError as error:
        return error.message
    return None


# --- templates ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("chat_template.jinja", b"{% for m in messages %}", "not one: Unexpected end of template"),
        ("chat_template.jinja", b"\xff\xfe", "not a text in UTF-8"),
        ("chat_template.jinja", b"x" * 1_000_001, "too long"),
        ("additional_chat_templates/tool.jinja", b"{% endfor %}", "not one: Encountered unknown tag 'endfor'"),
        ("tokenizer_config.json", b'{"chat_template": "{{"}', "not one"),
        ("tokenizer_config.json", b'{"chat_template": [{"name": "default", "template": "{% if %}"}]}', "not one"),
        ("tokenizer_config.json", b'{"chat_template": [{"name": "default"}]}', "has no name or no text"),
        ("tokenizer_config.json", b'{"chat_template": 7}', "neither a text nor a list"),
    ],
)
def test_a_chat_template_that_is_none_is_named_before_the_model_is_loaded(
    copied: Path, templates: Templates, file: str, content: bytes, said: str
) -> None:
    (copied / file).parent.mkdir(exist_ok=True)
    (copied / file).write_bytes(content)
    with pytest.raises(ModelCorruptError, match=said) as caught:
        refuse_templates(copied, templates)
    assert str(copied / file) in caught.value.message


def test_whole_templates_pass(tiny_folder: Path, templates: Templates) -> None:
    refuse_templates(tiny_folder, templates)
