"""Finds a model's files in the Hugging Face hub's cache or fetches them, or says in one sentence why that fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import EnvironmentFaultError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.files.fetching import Errand, RemoteFile, download
from agent_lab.providers.local.files.pins import COMMIT, Pins

CONNECT_TIMEOUT_S = 3.0
# No *.bin, *.pt or *.py: what is not there cannot be loaded by mistake.
WANTED = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
UNWANTED = ("original/*", "metal/*", "onnx/*", "consolidated*")
CHUNK_BYTES = 262_144
"""What is at most lost when a download breaks off, and how finely its progress is told."""

ProgressSink = Callable[[LoadProgress], None]


def silent(_: LoadProgress) -> None:
    """For those who do not watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCache:
    """Where fetched files are kept, at which versions, and whether anything may be fetched."""

    folder: Path | None = None
    """None: where the hub's own library keeps them."""
    pins: Pins | None = None
    """None: nothing is held; a model is at whatever its row's revision is."""
    offline: bool = False

    def commit(self, model: ModelSpec) -> str | None:
        """The commit that the model is held at."""
        return self.pins.commit(model) if self.pins else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A model's files on this machine. Bytes."""

    folder: Path
    commit: str
    size_bytes: int
    fetched_bytes: int
    """What of it was not there before."""
    newer: str | None = None
    """A later commit that the hub has, where the model is held at an earlier one."""


def fetch(model: ModelSpec, cache: HubCache | Path | None = None, on_progress: ProgressSink = silent) -> Path:
    """The folder of the model's files, from the cache or, where it may, from the hub.

    Raises UnusableError for whatever stands in the way.
    """
    kept = cache if isinstance(cache, HubCache) else HubCache(folder=cache)
    hub = _hub(kept)
    revision = kept.commit(model) or model.revision
    found = _cached(hub, model, kept, revision)
    if found is not None:
        return found
    _refuse_offline(hub, model, kept)
    return _fetched(hub, model, kept, _listing(hub, model, revision), on_progress).folder


def pull(model: ModelSpec, cache: HubCache, on_progress: ProgressSink = silent, *, update: bool = False) -> Pulled:
    """Fetch what is missing of the version that the model is held at; with `update`, hold it at the newest from now on.

    Raises UnusableError for whatever stands in the way.
    """
    hub = _hub(cache)
    _refuse_offline(hub, model, cache)
    held = cache.commit(model)
    if held is None and not update:  # what is on this machine already stays what is used
        found = _cached(hub, model, cache, model.revision)
        held = found.name if found is not None and COMMIT.fullmatch(found.name) else None
    newest = _listing(hub, model, model.revision)
    if update or held is None or held == newest.commit:
        return _fetched(hub, model, cache, newest, on_progress)
    pulled = _fetched(hub, model, cache, _listing(hub, model, held), on_progress)
    return Pulled(
        folder=pulled.folder,
        commit=pulled.commit,
        size_bytes=pulled.size_bytes,
        fetched_bytes=pulled.fetched_bytes,
        newer=newest.commit,
    )


@dataclass(frozen=True, slots=True)
class _Listing:
    """A version of a repository: its commit, and those of its files that are wanted."""

    asked: str | None
    """The branch, tag or commit that was asked for; None: the main branch."""
    commit: str
    files: tuple[RemoteFile, ...]


def _hub(cache: HubCache) -> Any:
    """The hub's own library, told how it is used here."""
    try:
        hub: Any = import_module("huggingface_hub")
        for name in ("constants", "errors", "file_download", "utils"):
            import_module(f"huggingface_hub.{name}")
    except ImportError as error:
        raise EnvironmentFaultError(
            said("local_extra", "Local models need the 'local' extra: pip install 'agent-lab[local]'.")
        ) from error
    # The library reads its environment when it is imported; nothing is reported to anybody whatever that said.
    hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    hub.constants.HF_HUB_DISABLE_XET = True  # it keeps nothing of a file that broke off
    hub.constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    if cache.offline:  # whoever else in this process asks the hub is refused too
        hub.constants.HF_HUB_OFFLINE = True
    hub.utils.logging.set_verbosity_error()
    hub.utils.disable_progress_bars()
    return hub


def _cached(hub: Any, model: ModelSpec, cache: HubCache, revision: str | None) -> Path | None:
    try:
        folder = Path(hub.snapshot_download(**_wanted(model, cache, revision), local_files_only=True))
    except hub.errors.LocalEntryNotFoundError:
        return None
    except (hub.errors.HFValidationError, ValueError) as error:
        raise UnusableError(
            said(
                "no_folder_no_repository",
                "{id!r}, the model_id of {model!r}, is no folder of this machine and no name of a "
                "Hugging Face repository; mend it.",
                id=model.model_id,
                model=model.key,
            )
        ) from error
    if not any(folder.glob("*.safetensors")):
        return None
    if cache.pins is not None:
        cache.pins.hold(model, folder.name)
    return folder


def _wanted(model: ModelSpec, cache: HubCache, revision: str | None) -> dict[str, Any]:
    return {
        "repo_id": model.model_id,
        "revision": revision,
        "cache_dir": cache.folder,
        "allow_patterns": list(WANTED),
        "ignore_patterns": list(UNWANTED),
    }


def _refuse_offline(hub: Any, model: ModelSpec, cache: HubCache) -> None:
    if cache.offline or hub.constants.HF_HUB_OFFLINE:
        by = "--offline (AGENT_LAB_OFFLINE)" if cache.offline else "HF_HUB_OFFLINE"
        raise UnusableError(
            said(
                "hub_forbidden",
                "{absent} and {by} forbids to fetch it; {remedy}",
                absent=_absent(model),
                by=by,
                remedy=_remedy(model),
            )
        )


def _listing(hub: Any, model: ModelSpec, revision: str | None) -> _Listing:
    """What the hub has, asked once and briefly, so that an unreachable hub is told at once."""
    try:
        info = hub.HfApi().model_info(model.model_id, revision=revision, timeout=CONNECT_TIMEOUT_S, files_metadata=True)
    except Exception as error:  # the hub's client raises whatever its HTTP library does
        raise _refusal(hub, model, error) from error
    found = {one.rfilename: one for one in info.siblings or ()}
    names = hub.utils.filter_repo_objects(found, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED))
    files = tuple(_remote_file(found[name]) for name in sorted(names))
    if not any(one.name.endswith(".safetensors") for one in files):
        raise UnusableError(
            said(
                "hub_without_safetensors",
                "{absent} and its repository has no *.safetensors file; use a version of it with safetensors.",
                absent=_absent(model),
            )
        )
    if not COMMIT.fullmatch(info.sha or ""):
        raise UnusableError(
            said(
                "hub_without_commit",
                "{absent} and what answers as the hub names no commit of it; check HF_ENDPOINT.",
                absent=_absent(model),
            )
        )
    return _Listing(asked=revision, commit=info.sha, files=files)


def _remote_file(entry: Any) -> RemoteFile:
    sha256 = entry.lfs.sha256 if entry.lfs else None
    blob = sha256 or entry.blob_id or ""
    if not BLOB.fullmatch(blob):  # it becomes the name of a file here
        return RemoteFile(name=entry.rfilename, size_bytes=entry.size or 0)
    return RemoteFile(name=entry.rfilename, size_bytes=entry.size or 0, blob=blob, sha256=sha256)


def _fetched(hub: Any, model: ModelSpec, cache: HubCache, listing: _Listing, on_progress: ProgressSink) -> Pulled:
    errand = Errand(
        model_key=model.key,
        repository=model.model_id,
        asked=listing.asked or "main",
        commit=listing.commit,
        files=listing.files,
        folder=Path(cache.folder or hub.constants.HF_HUB_CACHE).expanduser().resolve(),
    )
    wanted = _wanted(model, cache, listing.commit)
    try:
        folder, fetched_bytes = download(hub, errand, on_progress, lambda: Path(hub.snapshot_download(**wanted)))
    except UnusableError:
        raise
    except Exception as error:  # the hub's client raises whatever its HTTP library and the disk do
        raise _refusal(hub, model, error) from error
    if cache.pins is not None:
        cache.pins.hold(model, listing.commit)
    return Pulled(
        folder=folder,
        commit=listing.commit,
        size_bytes=sum(one.size_bytes for one in listing.files),
        fetched_bytes=fetched_bytes,
    )


def _refusal(hub: Any, model: ModelSpec, error: Exception) -> UnusableError:
    """The one door where errors of the hub's client become sentences."""
    response = getattr(error, "response", None)
    status = None if response is None else response.status_code
    if isinstance(error, hub.errors.GatedRepoError):
        why = said(
            "hub_terms",
            "its owner wants its terms accepted first: accept them at "
            "https://huggingface.co/{id} and log in with `hf auth login`.",
            id=model.model_id,
        )
    elif isinstance(error, hub.errors.RevisionNotFoundError):
        why = said(
            "hub_version_gone",
            "the Hugging Face hub no longer has the version that it is held at; mend its "
            "revision, or take the newest with `agent-lab models pull {model} --update`.",
            model=model.key,
        )
    elif status in {401, 403}:
        why = said(
            "hub_hides",
            "the Hugging Face hub does not show it to you: mend its model_id, or log in with `hf auth login`.",
        )
    elif isinstance(error, hub.errors.RepositoryNotFoundError):
        why = said("hub_does_not_know", "the Hugging Face hub does not know it; mend its model_id.")
    elif status == 429:
        why = said(
            "hub_busy",
            "the Hugging Face hub takes no more requests from here{later}; what was fetched is kept.",
            later=_later(response),
        )
    elif isinstance(error, OSError) and error.errno is not None and status is None:
        why = said(
            "hub_not_written",
            "its files cannot be written ({reason}); make room or set MODEL_CACHE_DIR.",
            reason=str(error.strerror),
        )
    elif status is not None:
        why = said(
            "hub_failed",
            "the Hugging Face hub failed (status {status}); try again, or {remedy}",
            status=status,
            remedy=_remedy(model),
        )
    else:
        why = said("hub_unreachable", "the Hugging Face hub cannot be reached; {remedy}", remedy=_remedy(model))
    return UnusableError(said("hub_refused", "{absent} and {why}", absent=_absent(model), why=why))


def _later(response: Any) -> str:
    wait = str(response.headers.get("Retry-After", ""))
    return (
        said("hub_wait", "; try again in {seconds} s", seconds=wait)
        if wait.isdigit()
        else said("hub_later", "; try again later")
    )


def _absent(model: ModelSpec) -> str:
    return said("model_absent", "The model {model!r} ({id}) is not on this machine", model=model.key, id=model.model_id)


def _remedy(model: ModelSpec) -> str:
    return said(
        "hub_remedy",
        "fetch it where there is a connection (`hf download {id}`) or use the built-in model 'demo'.",
        id=model.model_id,
    )
