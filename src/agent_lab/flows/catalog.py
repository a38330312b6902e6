"""Finds flows: those of the library, and the JSON files in the user's own folder, without a line of Python."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from agent_lab.contracts.documents import content_hash, read_json
from agent_lab.contracts.errors import AgentLabError, ProblemsError, unknown_name
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef
from agent_lab.contracts.sentences import Sentence, as_sentence, said
from agent_lab.flows.checks import Checker, Problem

LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class BrokenFlow:
    """A file of the user's folder that cannot be used, and why."""

    path: Path
    problems: tuple[Problem, ...]

    def sentence(self) -> str:
        """The problems in one text."""
        return self.error().message

    def error(self) -> ProblemsError:
        """What whoever asks for it is told: all the problems."""
        return problems_error(str(self.path), self.problems)


@dataclass(frozen=True, slots=True)
class FoundFlow:
    """A flow that can be run, and its file where it is not the library's."""

    flow: FlowConfig
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read: either a flow or its problems."""

    stamp: tuple[int, int]
    flow: FlowConfig | None
    problems: tuple[Problem, ...]


class FlowCatalog:
    """The flows that can be run now. A file that is new or changed is seen at the next look."""

    def __init__(self, folder: Path, check: Checker) -> None:
        self._folder = folder
        self._check = check
        self._library: dict[str, FlowConfig] | None = None
        self._read: dict[Path, _Read] = {}

    @property
    def folder(self) -> Path:
        """Where the user's own flows are dropped."""
        return self._folder

    def found(self) -> dict[str, FoundFlow]:
        """All usable flows by id. A user's flow stands in for the library's of the same id."""
        flows = {flow_id: FoundFlow(flow) for flow_id, flow in self._built_in().items()}
        flows.update((flow.id, FoundFlow(flow, path)) for path, flow in self._own())
        return dict(sorted(flows.items()))

    def list(self) -> list[FlowConfig]:
        """All usable flows, in the order of their ids."""
        return [one.flow for one in self.found().values()]

    def get(self, flow_id: str) -> FlowConfig:
        """The flow. Raises NotFoundError with the nearest names, ValidationError where its file is broken."""
        return self.find(flow_id).flow

    def find(self, flow_id: str, *, beside: Iterable[str] = ()) -> FoundFlow:
        """The flow and its file; what `get` raises. `beside`: names that would do as well."""
        flows = self.found()
        if flow_id in flows:
            return flows[flow_id]
        for broken in self.broken():
            if broken.path.stem == flow_id:
                raise broken.error()
        raise unknown_name("flow", flow_id, {*flows, *beside}, where="flow")

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """The flow as a run takes it. Raises what `get` raises."""
        flow = await asyncio.to_thread(self.get, name)
        return FlowRef(flow=flow, flow_hash=flow_hash(flow))

    def broken(self) -> Sequence[BrokenFlow]:
        """The files of the user's folder that cannot be used."""
        self._look()
        return [
            BrokenFlow(path, read.problems) for path, read in sorted(self._read.items()) if errors_in(read.problems)
        ]

    def load(self, path: Path) -> FlowConfig:
        """A flow from any file. Raises ValidationError with all its problems."""
        read = self._parse(path, (0, 0))
        if read.flow is None or errors_in(read.problems):
            raise problems_error(str(path), errors_in(read.problems), where=str(path))
        return read.flow

    def check(self, document: JsonValue) -> tuple[FlowConfig | None, Sequence[Problem]]:
        """What `check_flow` says of a document."""
        return self._check(document)

    def _built_in(self) -> dict[str, FlowConfig]:
        if self._library is None:
            library: dict[str, FlowConfig] = {}  # filled aside: other threads must never see half of it
            for entry in resources.files("agent_lab.flows").joinpath(LIBRARY).iterdir():
                if entry.name.endswith(".json"):
                    flow = FlowConfig.model_validate(read_json(entry.read_bytes(), what=entry.name))
                    library[flow.id] = flow
            self._library = library
        return self._library

    def _own(self) -> Iterator[tuple[Path, FlowConfig]]:
        self._look()
        for path, read in sorted(self._read.items()):
            if read.flow is not None and not errors_in(read.problems):
                yield path, read.flow

    def _look(self) -> None:
        present: dict[Path, _Read] = {}
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            try:
                stat = path.stat()
            except OSError:  # taken away between the listing and the look
                continue
            stamp = (stat.st_mtime_ns, stat.st_size)
            known = self._read.get(path)
            present[path] = known if known and known.stamp == stamp else self._parse(path, stamp)
        self._read = present

    def _parse(self, path: Path, stamp: tuple[int, int]) -> _Read:
        try:
            document = read_json(path.read_bytes(), what=said("the_file", "The file"))
        except OSError as error:
            return _Read(stamp, None, (Problem("", _unreadable(error)),))
        except AgentLabError as error:
            return _Read(stamp, None, (Problem("", as_sentence(error.message)),))
        flow, problems = self._check(document)
        return _Read(stamp, flow, tuple(problems))


def _unreadable(error: OSError) -> Sentence:
    return said("file_unreadable", "The file cannot be read: {reason}.", reason=error.strerror or str(error))


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep a flow from being run; warnings do not."""
    return [problem for problem in problems if problem.severity == "error"]


def in_the_way(problems: Iterable[Problem], flow: FlowConfig, only: str) -> list[Problem]:
    """Those errors that keep the node `only` from being run alone: of what it says, of inputs and of limits."""
    own = tuple(f"/nodes/{place}/" for place, node in enumerate(flow.nodes) if node.id == only)
    return [one for one in errors_in(problems) if one.path.startswith(("/inputs", "/limits", *own))]


def problems_error(name: str, problems: Sequence[Problem], *, where: str | None = None) -> ProblemsError:
    """The error with one text for people: the flow, then each problem with its place."""
    lines = [_line(problem) for problem in problems]
    if len(lines) == 1:
        told = said("flow_unusable", "The flow {flow} cannot be used: {problem}", flow=name, problem=lines[0])
    else:
        told = said("flow_unusable_many", "The flow {flow} cannot be used:{lines:below}", flow=name, lines=lines)
    return ProblemsError(
        told,
        problems=[(problem.path, problem.message) for problem in problems],
        where=where,
    )


def _line(problem: Problem) -> Sentence:
    if not problem.path:
        return problem.message
    return said("at_place", "{place}: {problem}", place=problem.path, problem=problem.message)


def flow_hash(flow: FlowConfig) -> str:
    """The content hash that names a flow's version."""
    return content_hash(document_of(flow))


def document_of(flow: FlowConfig) -> dict[str, Any]:
    """The flow as its JSON document, without what is left at its default."""
    return flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
