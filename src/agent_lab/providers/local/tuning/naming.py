"""Says what may be trained and under which name, before anything is loaded."""

from __future__ import annotations

import re
from pathlib import Path

from agent_lab.contracts.errors import ConflictError, ValidationError
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.local.files.adapter_files import CONFIG
from agent_lab.providers.local.tuning.checkpoint import FILE
from agent_lab.providers.local.tuning.plan import TuningPlan
from agent_lab.registries.models import ModelRegistry

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def trainable(models: ModelRegistry, key: str) -> ModelSpec:
    """The row of a base. Raises NotFoundError with the nearest keys, and ValidationError for what is no base."""
    spec = models.get_model(key)
    if spec.provider != "local":
        raise ValidationError(
            f"The model {key!r} does not run on this machine, and only what does can be trained; name a local model "
            "such as 'demo'.",
            where="--base",
        )
    if spec.base is not None:
        raise ValidationError(f"The model {key!r} is an adapter itself; name its base, {spec.base!r}.", where="--base")
    return spec


def row_file(config_dir: Path, name: str) -> Path:
    """Where the row of an adapter of that name is written."""
    return config_dir / f"adapters-{name}.toml"


def default_name(base: str, source: Path) -> str:
    """A name for an adapter that was given none."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{base}-{source.stem}")[:64].strip("-.")


def check_free(models: ModelRegistry, plan: TuningPlan, config_dir: Path) -> None:
    """Raise ValidationError for a name that is none and ConflictError for one that is taken."""
    if not NAME.fullmatch(plan.name) or plan.name == "default":
        raise ValidationError(
            f"{plan.name[:80]!r} cannot be the name of a model; use letters, digits, - _ and . (and not 'default').",
            where="--name",
        )
    if any(row.key == plan.name for row in models.list_models()) or row_file(config_dir, plan.name).exists():
        raise ConflictError(f"There is a model {plan.name!r} already; take another --name.", where="--name")
    is_begun = (plan.out / FILE).is_file()
    if is_begun and not plan.resume:
        raise ConflictError(
            f"A training of that name was stopped in {plan.out}; go on with --resume, take another --name, or delete "
            "that folder.",
            where="--name",
        )
    if not is_begun and plan.resume:
        raise ValidationError(
            f"There is no training to go on with in {plan.out}; leave out --resume.", where="--resume"
        )
    if not is_begun and (plan.out / CONFIG).exists():
        raise ConflictError(f"There is an adapter in {plan.out} already; name another folder.", where="--out")
