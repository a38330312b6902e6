"""Reads the environment and `.env`, once; everything else is handed its values."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from agent_lab.contracts.errors import ValidationError

Origin = Literal["environment", ".env", "default"]


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _blank_is_no(value: object) -> object:
    return False if isinstance(value, str) and not value.strip() else value


def _blank_is_yes(value: object) -> object:
    return True if isinstance(value, str) and not value.strip() else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


# The bound stands before the validator: laid around it, it would be asked of None too.
OptionalText = Annotated[str | None, BeforeValidator(_blank_is_unset)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_blank_is_unset)]
OptionalUsd = Annotated[Decimal | None, Field(ge=0), BeforeValidator(_blank_is_unset)]
OptionalSeconds = Annotated[float | None, Field(ge=0, allow_inf_nan=False), BeforeValidator(_blank_is_unset)]
OptionalGb = Annotated[float | None, Field(gt=0, allow_inf_nan=False), BeforeValidator(_blank_is_unset)]


class Settings(BaseModel):
    """What the environment says. Field names are the variables' names in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    app_env: str = "dev"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    port: Annotated[int | None, Field(ge=1, le=65535), BeforeValidator(_blank_is_unset)] = None
    openai_api_key: OptionalSecret = None
    anthropic_api_key: OptionalSecret = None
    default_provider: str = "local"
    default_strategy: OptionalText = None
    default_model: OptionalText = None
    max_tokens_default: int = Field(default=1024, gt=0, le=1_000_000)
    max_vram_usage_gb: OptionalGb = None
    """What local models may take of the GPU's memory, or of RAM where there is no GPU. None: 80 % of it."""
    model_cache_dir: OptionalText = None
    circuit_breaker_max_failures: int = Field(default=3, gt=0)
    circuit_breaker_timeout: float = Field(default=60.0, gt=0)
    agent_lab_daily_budget_usd: OptionalUsd = None
    """What hosted models may cost a day (UTC), all together. None: no bound."""
    agent_lab_warm_models: str = ""
    """Keys of local models, apart by commas, that are loaded when the server starts, besides rows that say `warm`."""
    agent_lab_keep_alive_s: OptionalSeconds = None
    """Seconds after its last answer until a local model is unloaded, for rows that do not say. None: until another
    model needs its place."""
    agent_lab_offline: Annotated[bool, BeforeValidator(_blank_is_no)] = False
    """True: nothing leaves this machine. No weights are fetched, and of the hosted models only those are asked that are
    served on this machine."""
    agent_lab_plugins: Annotated[bool, BeforeValidator(_blank_is_yes)] = True
    """False: what other packages add (node kinds, providers, scorers, tools) is left out, and not imported."""
    agent_lab_max_runs: int = Field(default=64, ge=1, le=10_000)
    """How many runs go on at once in one process."""
    agent_lab_max_queue: int = Field(default=1000, ge=1, le=100_000)
    """How many runs may wait for their turn."""
    lab_api_url: OptionalText = None
    request_timeout: float = Field(default=300.0, gt=0)
    database_url: OptionalText = None
    """`sqlite:////full/path/to/file.db` or `postgresql://user:password@host/name`. None: a file in the data folder."""
    agent_lab_home: OptionalText = None
    agent_lab_token: OptionalSecret = None
    agent_lab_allowed_hosts: str = ""
    """Host names, apart by commas, under which the server may be reached besides the loopback names."""
    agent_lab_allowed_origins: str = ""
    """Origins, apart by commas, of pages elsewhere that may ask this server from a browser; none where it is empty."""
    next_public_api_url: OptionalText = None
    next_public_mock_mode: bool = False

    @property
    def warm_models(self) -> tuple[str, ...]:
        """The keys that `AGENT_LAB_WARM_MODELS` names, each once."""
        return tuple(dict.fromkeys(key.strip() for key in self.agent_lab_warm_models.split(",") if key.strip()))

    @property
    def config_dir(self) -> Path:
        """Where the user's own models, strategies and flows are: `AGENT_LAB_HOME`, else `~/.config/agent-lab`."""
        return self._home(".config")

    @property
    def data_dir(self) -> Path:
        """Where runs, outputs, logs and the token are kept: `AGENT_LAB_HOME`, else `~/.local/share/agent-lab`."""
        return self._home(".local", "share")

    def _home(self, *below: str) -> Path:
        if self.agent_lab_home:
            return Path(self.agent_lab_home).expanduser().absolute()
        return Path.home().joinpath(*below, "agent-lab")


# Older names of a variable, and the one that they mean.
ALIASES = {"MAX_VRAM_USAGE": "MAX_VRAM_USAGE_GB"}
KNOWN = tuple(name.upper() for name in Settings.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The settings, where each came from, and what looked wrong without being fatal."""

    settings: Settings
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...]
    dotenv: Path
    """The file that was looked for, whole; it need not exist."""


def read_settings(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Reading:
    """Read the environment over `.env` over the defaults.

    Raises ValidationError that names the variable, where it was read, and what it may be.
    """
    environ = os.environ if environ is None else environ
    dotenv = Path(".env") if dotenv is None else dotenv
    values: dict[str, str] = {}
    origins: dict[str, Origin] = dict.fromkeys(KNOWN, "default")
    file_values = {name: value for name, value in _dotenv(dotenv).items() if value is not None}
    sources: tuple[tuple[Origin, Mapping[str, str]], ...] = ((".env", file_values), ("environment", environ))
    for origin, source in sources:
        for name in (*ALIASES, *KNOWN):
            if name in source:
                known = ALIASES.get(name, name)
                values[known.lower()] = source[name]
                origins[known] = origin
    try:
        settings = Settings.model_validate(values)
    except pydantic.ValidationError as error:
        raise ValidationError(_sentence(error, origins)) from None
    warnings = tuple(_unknown_names({**file_values, **environ}))
    return Reading(settings=settings, origins=origins, warnings=warnings, dotenv=dotenv.absolute())


def read_secret(name: str, environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> SecretStr | None:
    """The value of a variable that a provider's row names, from the environment over `.env`; None where unset."""
    environ = os.environ if environ is None else environ
    file_values = _dotenv(Path(".env") if dotenv is None else dotenv)
    value = (environ.get(name) or file_values.get(name) or "").strip()
    return SecretStr(value) if value else None


def secret_of(settings: Settings, name: str) -> SecretStr | None:
    """The value of a variable that a provider's row names; None where unset."""
    known = {"OPENAI_API_KEY": settings.openai_api_key, "ANTHROPIC_API_KEY": settings.anthropic_api_key}
    return known[name] if name in known else read_secret(name)


def origin_of_secret(reading: Reading, name: str, environ: Mapping[str, str] | None = None) -> Origin | None:
    """Where the value of a variable that a provider's row names is read; None where it is unset."""
    if name in KNOWN:
        return reading.origins[name] if secret_of(reading.settings, name) is not None else None
    environ = os.environ if environ is None else environ
    if read_secret(name, environ, reading.dotenv) is None:
        return None
    return "environment" if environ.get(name) else ".env"


def environment_of_tools(
    names: Collection[str], environ: Mapping[str, str] | None = None, dotenv: Path | None = None
) -> dict[str, str]:
    """What a tool gets to see: PATH, HOME, LANG and the variables of these names, from the environment over `.env`."""
    environ = os.environ if environ is None else environ
    file_values = _dotenv(Path(".env") if dotenv is None else dotenv)
    found = {name: environ.get(name, file_values.get(name)) for name in ("PATH", "HOME", "LANG", *names)}
    return {name: value for name, value in found.items() if value is not None}


def _dotenv(path: Path) -> Mapping[str, str | None]:
    try:
        return dotenv_values(path) if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"The file {path} cannot be read ({error}); mend it or take it away.") from error


def _sentence(error: pydantic.ValidationError, origins: Mapping[str, Origin]) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0]).upper()
    shown = "" if name.endswith(("_KEY", "_TOKEN")) else f" {str(first['input'])[:60]!r}"
    return f"{name}{shown} (from {origins.get(name, 'environment')}) is not usable: {first['msg']}."


def _unknown_names(source: Mapping[str, str]) -> list[str]:
    found = []
    for name in sorted(source):
        if name.startswith("AGENT_LAB_") and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else "; see `agent-lab doctor` for those that are."
            found.append(f"{name} is not a setting{hint}")
    return found


def plain_output_wanted(environ: Mapping[str, str] | None = None) -> bool:
    """True where the user (NO_COLOR) or the terminal (TERM=dumb) wants no control codes."""
    environ = os.environ if environ is None else environ
    return bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
