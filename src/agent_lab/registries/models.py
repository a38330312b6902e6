"""The catalogue of models: what each is called, who serves it, and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agent_lab.contracts.errors import ValidationError, unknown_name
from agent_lab.contracts.registry import Capability, ModelSpec
from agent_lab.registries.rows import read_rows

TASKS: Mapping[str, Capability] = {
    "code": "code",
    "coding": "code",
    "programming": "code",
    "debugging": "code",
    "math": "math",
    "mathematics": "math",
    "arithmetic": "math",
    "reasoning": "reasoning",
    "logic": "reasoning",
    "planning": "reasoning",
    "vision": "vision",
    "image": "vision",
    "tools": "tool-calling",
    "tool-calling": "tool-calling",
    "structured": "function-schemas",
    "extraction": "function-schemas",
    "long-context": "long-context",
    "long-document": "long-context",
}
"""Task types and the capability that each asks for. Whatever is not here (general, creative, summarization,
translation, ...) asks for nothing beyond `chat`."""


OF_THE_BASE = (
    "family",
    "context_window",
    "default_strategy",
    "capabilities",
    "cost_profile",
    "min_vram_gb",
    "residency",
    "prompt_format",
)
"""What an adapter's row takes from its base where it says nothing itself."""


class ModelRegistry:
    """The models that may be asked for, by key. `files`: where the rows were read, for those that were.

    The row of an adapter is filled from its base's.

    Raises ValidationError where a fallback or a side of a split does not exist, is a split or is the row itself.
    """

    def __init__(self, rows: Iterable[ModelSpec], files: Mapping[str, str] | None = None) -> None:
        read = {row.key: row for row in rows}
        self._rows = {key: _filled_from(read.get(row.base or ""), row) for key, row in read.items()}
        self._files = files or {}
        for row in self._rows.values():
            for name in (*row.fallbacks, *row.split):
                self._check_target(row, name)

    def _check_target(self, row: ModelSpec, name: str) -> None:
        file = f"{self._files[row.key]}: " if row.key in self._files else ""
        if name not in self._rows:
            what = "split" if name in row.split else "fallback"
            missing = unknown_name("model", name, self._rows).message
            raise ValidationError(f"{file}The {what} of the model {row.key!r} cannot be: {missing}")
        if name == row.key and name not in row.split:
            raise ValidationError(f"{file}The model {name!r} names itself as a fallback; leave that out.")
        if self._rows[name].split:
            raise ValidationError(
                f"{file}The model {row.key!r} leads to {name!r}, which shares requests out; name a model."
            )

    def place_of(self, key: str) -> str:
        """The row of that key as an error names it: with its file, where it was read from one."""
        return f"{self._files[key]}, model {key!r}" if key in self._files else f"The model {key!r}"

    def get_model(self, key: str) -> ModelSpec:
        """The model of that key. Raises NotFoundError with the nearest keys."""
        if key not in self._rows:
            raise unknown_name("model", key, self._rows)
        return self._rows[key]

    def list_models(self) -> list[ModelSpec]:
        """All of them, in the order of the files: built in first, the user's last."""
        return list(self._rows.values())

    def changed(self, change: Callable[[ModelSpec], ModelSpec]) -> ModelRegistry:
        """The same registry with each row as `change` returns it."""
        return ModelRegistry([change(row) for row in self._rows.values()], self._files)

    def supports_task(self, model_key: str, task_type: str) -> bool:
        """Whether the model's row lists what such a task asks for. Raises NotFoundError for an unknown model."""
        return self.needed_capability(task_type) in self.get_model(model_key).capabilities

    @staticmethod
    def needed_capability(task_type: str) -> Capability:
        """The capability that a task of this type asks for: `chat` where the type is a general or an unknown one."""
        return TASKS.get(task_type.strip().lower().replace("_", "-"), "chat")


def _filled_from(base: ModelSpec | None, row: ModelSpec) -> ModelSpec:
    if base is None or row.base is None:
        return row
    left_out = [name for name in OF_THE_BASE if name not in row.model_fields_set]
    return row.model_copy(update={name: getattr(base, name) for name in left_out})


def load_models(config_dir: Path) -> ModelRegistry:
    """The built-in models, with the `[[model]]` tables of `<config_dir>/*.toml` over and after them.

    A user's row with an existing key replaces the built-in one. Raises ValidationError naming file, row and field.
    """
    read = read_rows("model", ModelSpec, "key", config_dir)
    return ModelRegistry(read.rows, read.files)
