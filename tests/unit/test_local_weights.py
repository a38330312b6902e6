"""A model's files: complete, safetensors only, no code; and a sentence for whatever is wrong with them."""

import hashlib
import json
import struct
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import ModelCorruptError, UnusableError
from agent_lab.providers.local.files.weights import inspect, locate
from support.tiny_model import local_stack, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def load(folder: Path) -> None:
    local_stack(tiny_spec(folder)).manager.load_model("tiny", "standard")


def test_a_whole_checkpoint_is_counted_from_its_headers(tiny_folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    found = inspect(tiny_folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    assert found.parameters == sum(weights.numel() for weights in model.parameters())
    assert found.size_bytes == 4 * found.parameters
    assert not found.packed


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_file_is_named_with_what_to_do(copied: Path, keep: int) -> None:
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnusableError) as caught:
        load(copied)
    assert str(path) in caught.value.message
    assert "is damaged" in caught.value.message
    assert "put a whole copy of it there" in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 10\n",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 4) + b"nope",
        struct.pack("<Q", 12) + b'{"a":{"b":1}',
        struct.pack("<Q", 13) + b'{"a":{"b":1}}',
        struct.pack("<Q", 44) + b'{"a":{"shape":"x","data_offsets":[0,0]}}    ',
    ],
)
def test_a_file_that_is_no_safetensors_is_named(copied: Path, content: bytes) -> None:
    (copied / "model.safetensors").write_bytes(content)
    with pytest.raises(UnusableError, match=r"model\.safetensors is damaged"):
        load(copied)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "fields",
    [
        {"auto_map": {"AutoModelForCausalLM": "evil.Model"}},
        {"trust_remote_code": True},
        {"text_config": {"layers": [{"auto_map": {}}]}},
        {"_attn_implementation_internal": "owner/kernel"},
    ],
)
def test_a_config_that_asks_for_code_is_refused(copied: Path, file: str, fields: dict[str, Any]) -> None:
    change(copied / file, **fields)
    with pytest.raises(UnusableError, match=r"asks for code of its own .*never run"):
        load(copied)


def test_pickled_weights_are_refused_and_never_opened(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(UnusableError, match="pickled weights only"):
        load(copied)


def test_a_missing_part_is_named(copied: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UnusableError, match=r"model-00002-of-00002\.safetensors is missing"):
        load(copied)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000])
def test_a_config_that_is_no_json_object_is_named(copied: Path, content: str) -> None:
    (copied / "config.json").write_text(content)
    with pytest.raises(UnusableError, match=r"config\.json is damaged"):
        load(copied)


def test_weights_that_do_not_fit_their_config_are_a_sentence(copied: Path) -> None:
    change(copied / "config.json", model_type="unheard of")
    with pytest.raises(UnusableError, match=r"'tiny' in .* cannot be loaded"):
        load(copied)


def test_weights_that_are_not_in_the_files_are_never_made_up(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnusableError, match=r"has no weights for model\.layers\.1\.mlp\.up_proj\.weight"):
        load(copied)


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(UnusableError, match=r"The folder /no/such/folder of the model 'tiny' does not exist"):
        locate(tiny_spec(Path("/no/such/folder")), None)
    with pytest.raises(UnusableError, match="no built-in model 'demi'"):
        locate(tiny_spec(Path("x"), model_id="builtin:demi"), None)


@pytest.mark.parametrize("offline", [True, False])
def test_a_model_that_is_nowhere_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    spec = tiny_spec(Path("x"), "far", model_id="owner/far-away")
    started = time.monotonic()
    with pytest.raises(UnusableError) as caught:
        locate(spec, tmp_path)
    assert time.monotonic() - started < 30
    assert "'far' (owner/far-away) is not on this machine" in caught.value.message
    assert ("HF_HUB_OFFLINE" in caught.value.message) is offline
    assert "hf download owner/far-away" in caught.value.message
    assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY


def test_a_model_id_that_is_no_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="mend it"):
        locate(tiny_spec(Path("x"), model_id="a/b/c d"), tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_file_that_differs_from_its_sum_is_damaged(copied: Path, name: str) -> None:
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(copied.iterdir())]
    (copied / "SHA256SUMS").write_text("".join(sums), "ascii")
    load(copied)
    raw = bytearray((copied / name).read_bytes())
    raw[-20] ^= 1
    (copied / name).write_bytes(raw)
    with pytest.raises(ModelCorruptError, match=f"{name} is damaged"):
        load(copied)


def test_a_tokenizer_that_is_no_json_is_damaged(copied: Path) -> None:
    (copied / "tokenizer.json").write_text("{oops", "utf-8")
    with pytest.raises(ModelCorruptError, match=r"tokenizer\.json is damaged"):
        load(copied)


def test_the_built_in_model_is_what_its_sums_say() -> None:
    folder = Path(str(files("agent_lab"))) / "demo" / "weights"
    listed = {line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text("ascii").splitlines()}
    assert listed == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert inspect(folder).parameters > 1_000_000
