"""Fetches a model's files from the Hugging Face hub, or says in one sentence and at once why that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import EnvironmentFaultError, UnusableError
from agent_lab.contracts.registry import ModelSpec

CONNECT_TIMEOUT_S = 3.0
# No *.bin, *.pt or *.py: what is not there cannot be loaded by mistake.
WANTED = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
UNWANTED = ("original/*", "metal/*", "onnx/*", "consolidated*")


def fetch(model: ModelSpec, cache_dir: Path | None) -> Path:
    """The folder of the model's files, from the cache or, where HF_HUB_OFFLINE does not forbid it, from the hub.

    Raises UnusableError for whatever stands in the way.
    """
    hub = _hub()
    wanted: dict[str, Any] = {
        "repo_id": model.model_id,
        "revision": model.revision,
        "cache_dir": cache_dir,
        "allow_patterns": list(WANTED),
        "ignore_patterns": list(UNWANTED),
    }
    try:
        folder = Path(hub.snapshot_download(**wanted, local_files_only=True))
        if any(folder.glob("*.safetensors")):
            return folder
    except hub.errors.LocalEntryNotFoundError:
        pass
    except (hub.errors.HFValidationError, ValueError) as error:
        raise UnusableError(
            f"{model.model_id!r}, the model_id of {model.key!r}, is no folder of this machine and no name of a "
            "Hugging Face repository; mend it."
        ) from error
    if hub.constants.HF_HUB_OFFLINE:
        raise UnusableError(f"{_absent(model)} and HF_HUB_OFFLINE forbids to fetch it; {_remedy(model)}")
    _reach(hub, model)
    try:
        return Path(hub.snapshot_download(**wanted))
    except (hub.errors.HfHubHTTPError, hub.errors.LocalEntryNotFoundError, OSError) as error:
        raise UnusableError(f"{_absent(model)} and fetching it broke off; try again, or {_remedy(model)}") from error


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors  # noqa: F401  (reached through the package below)
    except ImportError as error:
        raise EnvironmentFaultError("Local models need the 'local' extra: pip install 'agent-lab[local]'.") from error
    # The library reads its environment when it is imported; nothing is reported to anybody whatever that said.
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    return huggingface_hub


def _reach(hub: Any, model: ModelSpec) -> None:
    """Ask the hub for the repository, once and briefly, so that an unreachable hub is told at once."""
    try:
        hub.HfApi().model_info(model.model_id, revision=model.revision, timeout=CONNECT_TIMEOUT_S)
    except hub.errors.GatedRepoError as error:
        raise UnusableError(
            f"{_absent(model)} and its owner wants its terms accepted first: accept them at "
            f"https://huggingface.co/{model.model_id} and log in with `hf auth login`."
        ) from error
    except hub.errors.RepositoryNotFoundError as error:
        raise UnusableError(
            f"{_absent(model)} and the Hugging Face hub does not know it; mend its model_id."
        ) from error
    except Exception as error:  # the hub's client raises whatever its HTTP library does
        raise UnusableError(f"{_absent(model)} and the Hugging Face hub cannot be reached; {_remedy(model)}") from error


def _absent(model: ModelSpec) -> str:
    return f"The model {model.key!r} ({model.model_id}) is not on this machine"


def _remedy(model: ModelSpec) -> str:
    return f"fetch it where there is a connection (`hf download {model.model_id}`) or use the built-in model 'demo'."
