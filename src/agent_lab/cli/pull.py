"""`agent-lab models pull`: a model's weights from the Hugging Face hub, seen as they come and kept when interrupted."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import as_json, offline

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lab.contracts.ports import LoadProgress
    from agent_lab.contracts.registry import ModelSpec
    from agent_lab.providers.local.files.hub import HubCache, Pulled
    from agent_lab.registries.models import ModelRegistry

INTERRUPTED = 130
BAR_COLUMNS = 10
SAID_EVERY_S = 10.0


@click.command(short_help="Fetch the weights of a local model ahead of its first use.")
@click.argument("key")
@click.option("--update", is_flag=True, help="Take the newest version; else the one that the model is held at.")
@offline
@as_json
def pull(key: str, update: bool, as_json: bool) -> int:
    """Fetch the weights of the local model KEY, so that its first question need not wait for them.

    What breaks off is gone on with by the same command. A LoRA adapter brings the model that it is put on.
    """
    from agent_lab.cli.output import note
    from agent_lab.cli.session import as_asked
    from agent_lab.providers.local.opening import hub_cache
    from agent_lab.registries.models import load_models

    settings = as_asked().settings
    cache = hub_cache(settings)
    rows = to_fetch(load_models(settings.config_dir), key)
    shown = _Shown(quiet=as_json)
    try:
        pulled = [(row, _pulled(row, cache, shown, update=update)) for row in rows]
    except KeyboardInterrupt:
        shown.close()
        note(f"Interrupted. What was fetched is kept: `agent-lab models pull {key}` goes on from there.")
        return INTERRUPTED
    finally:
        shown.close()
    _tell(pulled, as_json)
    return 0


def to_fetch(models: ModelRegistry, key: str) -> list[ModelSpec]:
    """The rows whose weights come from the hub: the model's own and that of its base.

    Raises NotFoundError, and ValidationError for a model that nothing is fetched for.
    """
    from agent_lab.contracts.errors import ValidationError

    row = models.get_model(key)
    rows = [row, models.get_model(row.base)] if row.base else [row]
    found = [one for one in rows if _is_on_hub(one)]
    if found:
        return found
    if row.provider != "local":
        raise ValidationError(
            f"{key!r} is served by {row.provider!r}, which needs no weights here; there is nothing to fetch.",
            where="KEY",
        )
    where = "comes with the program" if row.model_id.startswith("builtin:") else f"is the folder {row.model_id}"
    raise ValidationError(f"The model {key!r} {where}; there is nothing to fetch.", where="KEY")


def _is_on_hub(row: ModelSpec) -> bool:
    return row.provider == "local" and not row.model_id.startswith(("builtin:", ".", "/", "~"))


def _pulled(row: ModelSpec, cache: HubCache, shown: _Shown, *, update: bool) -> Pulled:
    from agent_lab.providers.local.files.hub import pull as fetch

    try:
        return fetch(row, cache, shown.take, update=update)
    finally:
        shown.end()


def _tell(pulled: list[tuple[ModelSpec, Pulled]], as_json: bool) -> None:
    from agent_lab.cli.figures import size
    from agent_lab.cli.output import note, write, write_json

    if as_json:
        write_json({"models": [_document(row, one) for row, one in pulled]})
        return
    for row, one in pulled:
        came = f"{size(one.fetched_bytes)} fetched" if one.fetched_bytes else "nothing was missing"
        write(f"{row.key}: {size(one.size_bytes)} in {one.folder} ({came}).\n")
        if one.newer is not None:
            note(
                f"{row.key} is held at version {one.commit[:8]}, and the hub has {one.newer[:8]}: "
                f"`agent-lab models pull {row.key} --update` takes it."
            )


def _document(row: ModelSpec, one: Pulled) -> dict[str, Any]:
    return {
        "model_key": row.key,
        "model_id": row.model_id,
        "folder": str(one.folder),
        "commit": one.commit,
        "newer_commit": one.newer,
        "size_bytes": one.size_bytes,
        "fetched_bytes": one.fetched_bytes,
    }


class _Shown:
    """How far it is: a bar that moves on a terminal, a line now and then elsewhere, nothing beside JSON."""

    def __init__(self, *, quiet: bool) -> None:
        from agent_lab.cli.paper import standard_paper

        self._paper = standard_paper(moving=True)
        self._quiet = quiet
        self._began = datetime.now(UTC)
        self._said_s = time.monotonic()
        self._show: Callable[[LoadProgress], None] = self._move if self._paper.lively else self._say

    def take(self, progress: LoadProgress) -> None:
        """Show it."""
        if not self._quiet:
            self._show(progress)

    def end(self) -> None:
        """One model is there."""
        self._paper.progress("")

    def close(self) -> None:
        """Leave nothing half written."""
        self._paper.close()

    def _move(self, progress: LoadProgress) -> None:
        share = progress.done_bytes / (progress.total_bytes or 1)
        full = min(round(share * BAR_COLUMNS), BAR_COLUMNS)
        bar = f"[{'#' * full}{'.' * (BAR_COLUMNS - full)}]"
        # The name last: it is what a narrow terminal may cut.
        self._paper.progress(f"{bar} {how_far(progress)} · {progress.model_key}", self._began)

    def _say(self, progress: LoadProgress) -> None:
        from agent_lab.cli.output import note

        now_s = time.monotonic()
        if progress.done_bytes == progress.total_bytes or now_s - self._said_s >= SAID_EVERY_S:
            self._said_s = now_s
            note(f"{progress.model_key} · {how_far(progress)}")


def how_far(progress: LoadProgress) -> str:
    """Bytes of all bytes, speed and time left, as far as they are known."""
    from agent_lab.cli.figures import seconds, size

    total, left_s = progress.total_bytes, progress.seconds_left
    parts = [size(progress.done_bytes) + ("" if total is None else f" of {size(total)}")]
    if total is not None and left_s:
        parts += [f"{size(round((total - progress.done_bytes) / left_s))}/s", f"{seconds(left_s)} left"]
    return " · ".join(parts)
