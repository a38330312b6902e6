"""Examines the installation one thing at a time; what is broken is a finding, and the next is still examined."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent_lab.contracts.errors import AgentLabError
from agent_lab.settings import Reading, Settings

if TYPE_CHECKING:
    from agent_lab.contracts.registry import ModelSpec, ProviderSpec
    from agent_lab.wiring import Lab

State = Literal["ok", "missing", "bad"]
HUB = "https://huggingface.co/api/models?limit=1"
HUB_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `missing`: something cannot be used; `bad`: nothing can."""

    what: str
    state: State
    says: str


LIBRARIES = (
    ("torch", "local", "local"),
    ("transformers", "local", "local"),
    ("bitsandbytes", "4-bit", "local"),
    ("peft", "adapted", "local"),
    ("openai", "hosted", "hosted"),
    ("anthropic", "hosted", "hosted"),
)
"""What may be left out of an installation, and what needs it."""


def check_up(reading: Reading | None, refused: str, *, network: bool) -> list[Finding]:
    """All findings. `refused` is why the settings could not be read, where they could not."""
    findings = [*_software()]
    if reading is None:
        return [Finding("settings", "bad", refused), *findings]
    findings += [Finding("settings", "missing", warning) for warning in reading.warnings]
    findings += _folders(reading.settings)
    findings += _port(reading.settings)
    findings += asyncio.run(_opened(reading))
    return [*findings, _hub(reading.settings)] if network else findings


def _software() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("Python", "ok", f"{version} at {sys.executable}")
    for name, kind, extra in LIBRARIES:
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "missing", f"not installed; {kind} models need it: pip install 'agent-lab[{extra}]'")


def _folders(settings: Settings) -> Iterator[Finding]:
    for what, folder in (("configuration folder", settings.config_dir), ("data folder", settings.data_dir)):
        yield _writable(what, folder)


def _writable(what: str, folder: Path) -> Finding:
    from tempfile import TemporaryFile

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=folder):
            return Finding(what, "ok", f"{folder} can be written")
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(what, "bad", f"{folder} cannot be written ({reason}); mend it or set AGENT_LAB_HOME")


def _port(settings: Settings) -> Iterator[Finding]:
    from agent_lab.cli.listening import bound_socket

    port = settings.port or 8000
    try:
        bound_socket("127.0.0.1", port).close()
        yield Finding("port", "ok", f"{port} is free")
    except AgentLabError as error:
        yield Finding("port", "missing", error.message)


async def _opened(reading: Reading) -> list[Finding]:
    """What can only be looked at in the open lab."""
    try:
        from agent_lab.wiring import open_lab

        async with open_lab(reading) as lab:
            findings = [_database(reading.settings), *_local_models(lab)]
            findings += _providers(lab.providers.values(), lab.models.list_models(), lab.hosted.missing_keys)
            findings += [Finding("flow file", "missing", one.sentence()) for one in lab.flows.broken()]
            findings += [*_additions(lab), *_access_keys(lab)]
            findings.append(Finding("flows", "ok", f"{len(await lab.shelf.served())} can be run"))
            try:
                model = lab.models.get_model("demo")
                resident = await lab.host.load(model, lab.strategies.get_strategy(model.default_strategy))
                findings.append(Finding("built-in model", "ok", f"loads, on {resident.device}"))
            except AgentLabError as error:
                findings.append(Finding("built-in model", "bad", error.message))
            return findings
    except AgentLabError as error:
        return [Finding("lab", "bad", error.message)]


def _local_models(lab: Lab) -> Iterator[Finding]:
    from agent_lab.cli import checkup_local
    from agent_lab.providers.local.gpu_guard import capability

    told = (
        *checkup_local.machine(lab.monitor.look()),
        *checkup_local.strategies(lab.strategies, capability()),
        *checkup_local.warm(lab.models.list_models()),
        *checkup_local.network(offline=lab.settings.agent_lab_offline),
    )
    return (Finding(*one) for one in told)


def _providers(
    rows: Iterable[ProviderSpec], models: Iterable[ModelSpec], missing_keys: Mapping[str, str]
) -> Iterator[Finding]:
    """The hosted providers that a model is of or that have a key; the others are only known, and wanted by nobody."""
    wanted = {model.provider for model in models}
    for row in rows:
        what = f"provider {row.key}"
        if row.key in missing_keys:
            if row.key in wanted:
                yield Finding(what, "missing", f"needs {missing_keys[row.key]}, for {row.host}")
        elif row.key_env is not None:
            yield Finding(what, "ok", f"key in {row.key_env}, for {row.host}")
        elif row.key in wanted:
            yield Finding(what, "ok", f"no key, {row.host}")


def _additions(lab: Lab) -> Iterator[Finding]:
    """The tools, and what other packages add."""
    if lab.tools:
        yield Finding("tools", "ok", ", ".join(sorted(lab.tools)))
    if lab.plugins.off:
        yield Finding("plug-ins", "missing", "left out, for AGENT_LAB_PLUGINS says so")
    elif lab.plugins.used:
        yield Finding("plug-ins", "ok", ", ".join(lab.plugins.used))
    for sentence in lab.plugins.broken:
        yield Finding("plug-in", "missing", sentence)


def _access_keys(lab: Lab) -> Iterator[Finding]:
    """Whom the server lets in beside the owner, where there is anybody."""
    names = sorted(lab.access_keys.by_name())
    if lab.access_keys.broken is not None:
        yield Finding("access keys", "missing", lab.access_keys.broken)
    elif names:
        yield Finding("access keys", "ok", ", ".join(names))


def _database(settings: Settings) -> Finding:
    from agent_lab.storage.place import database_place
    from agent_lab.storage.tables import SCHEMA_VERSION

    return Finding("database", "ok", f"{database_place(settings)}, schema {SCHEMA_VERSION}")


def _hub(settings: Settings) -> Finding:
    import urllib.request

    if settings.agent_lab_offline:
        return Finding("Hugging Face hub", "missing", "not asked, for AGENT_LAB_OFFLINE is set; leave that out")
    try:
        with urllib.request.urlopen(HUB, timeout=HUB_TIMEOUT_S) as answer:
            return Finding("Hugging Face hub", "ok", f"answers (HTTP {answer.status})")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Finding("Hugging Face hub", "missing", f"cannot be reached ({reason}); models here work all the same")
