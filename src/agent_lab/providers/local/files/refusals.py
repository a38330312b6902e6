"""Refuses what is wrong with a model's files before any is loaded: out of place, empty, no JSON, overlapping."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent_lab.providers.local.files.damage import damaged, read_json
from agent_lab.providers.local.templates.sandbox import TemplateFailure, Templates

JSON_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "generation_config.json",
    "adapter_config.json",
)
NEVER_EMPTY = ("*.safetensors", "*.json", "*.jinja", "*.model", "vocab.txt", "merges.txt")
ITEM_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
"""Of the types of safetensors whose items are whole bytes."""
MAX_TEMPLATE_CHARS = 1_000_000


def refuse_files(folder: Path) -> None:
    """Raises ModelCorruptError that names the first file that is out of place, empty, or no JSON where it should be."""
    for pattern in NEVER_EMPTY:
        for path in sorted(folder.glob(pattern)):
            _refuse_astray(folder, path)
            if path.stat().st_size == 0:
                raise damaged(path, "it is empty")
    for name in JSON_FILES:
        if (folder / name).is_file():
            read_json(folder / name)
    for path in sorted(folder.glob("*.index.json")):
        _refuse_places(path)


def _refuse_astray(folder: Path, path: Path) -> None:
    """A link may lead to the cache of the hub that the folder lies in, where links are how files are kept."""
    real, home = path.resolve(), folder.resolve()
    root = home.parents[2] if home.parent.name == "snapshots" and len(home.parents) > 2 else home
    if not real.is_relative_to(root):
        raise damaged(path, f"it is a link out of its folder, to {real}")
    if not real.is_file():
        raise damaged(path, "it is a link to nothing" if path.is_symlink() else "it is no file")


def _refuse_places(path: Path) -> None:
    places = read_json(path).get("weight_map", {})
    names = places.values() if isinstance(places, dict) else [places]
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or name in {"", ".."} or "\\" in name:
            raise damaged(path, f"it names {str(name)[:80]!r}, which is no file of its folder")


def refuse_overlaps(path: Path, tensors: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold a safetensors header against itself: tensors lie one behind the other, each as long as its shape says.

    Raises ModelCorruptError.
    """
    end = 0
    for begin, due_end, entry in sorted(_spans(path, tensors), key=lambda span: span[:2]):
        if begin != end or due_end < begin:
            raise damaged(path, "tensors in its header overlap or leave gaps")
        end = due_end
        item_bytes = ITEM_BYTES.get(entry.get("dtype", ""))
        if item_bytes is not None and math.prod(entry["shape"]) * item_bytes != end - begin:
            raise damaged(path, "a tensor in its header is not as long as its shape")


def _spans(path: Path, tensors: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    for entry in tensors.values():
        match entry.get("data_offsets"):
            case [int(begin), int(end)] if bool not in {type(begin), type(end)} and begin >= 0 and _has_shape(entry):
                yield begin, end, entry
            case _:
                raise damaged(path, "a tensor in its header has no place, shape or type")


def _has_shape(entry: Mapping[str, Any]) -> bool:
    shape = entry.get("shape")
    sides = isinstance(shape, list) and all(type(side) is int and side >= 0 for side in shape)
    return sides and isinstance(entry.get("dtype"), str)


def refuse_templates(folder: Path, templates: Templates) -> None:
    """Raises ModelCorruptError that names the file of a chat template that is none."""
    for path, text in _templates(folder):
        try:
            if len(text) > MAX_TEMPLATE_CHARS:
                raise damaged(path, "its chat template is too long to be one")
            templates.check(text)
        except TemplateFailure as error:
            raise damaged(path, f"its chat template is not one: {error}") from error


def _templates(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in (folder / "chat_template.jinja", *sorted((folder / "additional_chat_templates").glob("*.jinja"))):
        if path.is_file():
            try:
                yield path, path.read_text("utf-8")
            except (OSError, ValueError) as error:
                raise damaged(path, "it is not a text in UTF-8") from error
    config = folder / "tokenizer_config.json"
    found = read_json(config).get("chat_template") if config.is_file() else None
    if isinstance(found, str):
        yield config, found
    elif isinstance(found, list):
        yield from ((config, _named(config, one)) for one in found)
    elif found is not None:
        raise damaged(config, "its chat template is not one: neither a text nor a list of them")


def _named(config: Path, one: Any) -> str:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not isinstance(one.get("template"), str):
        raise damaged(config, "its chat template is not one: an entry has no name or no text")
    text: str = one["template"]
    return text
