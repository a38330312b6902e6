"""Finds what other installed packages add: node kinds, providers, scorers and tools. One that is broken is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from pydantic import BaseModel

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow_ports import NodeKind, Scorer, ToolSpec
from agent_lab.contracts.ports import Provider
from agent_lab.registries.schemas import schema_fault

KINDS, PROVIDERS, SCORERS, TOOLS = (f"agent_lab.{part}" for part in ("node_kinds", "providers", "scorers", "tools"))
NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
T = TypeVar("T")


def installed_entries() -> list[EntryPoint]:
    """The entry points of this environment that are for AI Agent Lab. Loads none of them."""
    found = entry_points()
    return [entry for group in (KINDS, PROVIDERS, SCORERS, TOOLS) for entry in found.select(group=group)]


@dataclass(slots=True)
class Plugins:
    """What installed packages add. Nothing of them is imported before it is asked for.

    Each method takes the names that are `taken` and raises nothing: what cannot be used is left out, with a sentence
    in `broken`. `used` says what was added: `node kind 'shout' (shouting 1.0)`.
    """

    entries: Iterable[EntryPoint] = ()
    off: bool = False
    """True: nothing is added, and nothing imported."""
    broken: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)

    def provider_names(self) -> tuple[str, ...]:
        """The providers that there would be, were none of them broken or left out: models may name them."""
        return tuple(entry.name for entry in self._of(PROVIDERS))

    def node_kinds(self, taken: Collection[str]) -> dict[str, NodeKind]:
        """By the kind's own name."""
        return self._added(KINDS, "node kind", _node_kind, taken)

    def tools(self, taken: Collection[str]) -> dict[str, ToolSpec]:
        """By the tool's own name."""
        return self._added(TOOLS, "tool", _tool, taken)

    def providers(self, taken: Collection[str]) -> dict[str, Provider]:
        """Opened, by the name of the entry point. Whoever asks closes them."""
        return self._added(PROVIDERS, "provider", _provider, taken)

    def scorers(self, taken: Collection[str]) -> dict[str, Scorer]:
        """By the name of the entry point."""
        return self._added(SCORERS, "scorer", _scorer, taken)

    def _of(self, group: str) -> list[EntryPoint]:
        return [entry for entry in self.entries if entry.group == group]

    def _added(
        self, group: str, what: str, read: Callable[[EntryPoint], tuple[str, T]], taken: Collection[str]
    ) -> dict[str, T]:
        added: dict[str, T] = {}
        for entry in () if self.off else self._of(group):
            try:
                name, thing = read(entry)
                if name in added or name in taken:
                    raise ValidationError(f"the name {name!r} is taken; it needs another one")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it does, the lab starts without it
                why = error.message if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
                self.broken.append(f"The {what} {entry.name!r}{_package(entry)} is left out: {why[:300]}.")
            else:
                added[name] = thing
                self.used.append(f"{what} {name!r}{_package(entry)}")
        return added


def _package(entry: EntryPoint) -> str:
    return f" ({entry.dist.name} {entry.dist.version})" if entry.dist else ""


def _made(entry: EntryPoint, kind: type[T]) -> T:
    """What the entry point is, or what the function that it is returns."""
    thing: Any = entry.load()
    made = thing if isinstance(thing, kind) or not callable(thing) else thing()
    if not isinstance(made, kind):
        raise ValidationError(f"{entry.value} is neither a {kind.__name__} nor a function that returns one")
    return made


def _node_kind(entry: EntryPoint) -> tuple[str, NodeKind]:
    kind = _made(entry, NodeKind)
    if not (isinstance(kind.settings, type) and issubclass(kind.settings, BaseModel)):
        raise ValidationError(f"the settings of {entry.value} are no pydantic model")
    return _named(kind.name), kind


def _tool(entry: EntryPoint) -> tuple[str, ToolSpec]:
    tool = _made(entry, ToolSpec)
    fault = schema_fault(tool.parameters)
    if fault:
        raise ValidationError(f"its parameters are no usable JSON Schema: {fault}")
    return _named(tool.name), tool


def _provider(entry: EntryPoint) -> tuple[str, Provider]:
    provider = entry.load()()
    if not (callable(getattr(provider, "stream", None)) and callable(getattr(provider, "close", None))):
        raise ValidationError(f"what {entry.value} returns has no `stream` and `close`")
    return _named(entry.name), provider


def _scorer(entry: EntryPoint) -> tuple[str, Scorer]:
    scorer = entry.load()
    if not callable(scorer):
        raise ValidationError(f"{entry.value} is no function")
    return _named(entry.name), scorer


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValidationError(f"{name!r} is no name: small letters, digits, '_', '.' and '-', beginning with a letter")
    return name
