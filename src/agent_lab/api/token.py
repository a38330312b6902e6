"""Keeps the secret that the owner shows at the door: `<data_dir>/token`, readable by nobody else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError

FILE_NAME = "token"
LEAST_CHARS = 16


def obtain_token(data_dir: Path, given: str | None = None) -> str:
    """The token that was given, else the one in the file, which is made where it is missing.

    Raises ValidationError for a token that is too weak, EnvironmentFaultError where the file cannot be used.
    """
    if given is not None:
        return usable_token(given, "AGENT_LAB_TOKEN")
    path = data_dir / FILE_NAME
    try:
        return _read(path) if path.exists() else _make(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentFaultError(
            f"The token file {path} cannot be used ({reason}); make its folder writable, or set AGENT_LAB_TOKEN."
        ) from error


def usable_token(token: str, name: str) -> str:
    """The token, if it can be sent in a header and is long enough not to be guessed. Raises ValidationError."""
    if len(token) < LEAST_CHARS or not all("!" <= char <= "~" for char in token):
        raise ValidationError(
            f"{name} must have at least {LEAST_CHARS} characters, letters, digits and signs without spaces; "
            "choose a longer one, or leave it out and one is made.",
            where=name,
        )
    return token


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    try:
        return usable_token(path.read_text(encoding="ascii").strip(), f"The token in {path}")
    except UnicodeDecodeError:
        raise ValidationError(f"The file {path} holds no token; delete it, and a new one is made.") from None


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = secrets.token_urlsafe(32)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        # A link appears whole or not at all, and never over the token that another process made meanwhile.
        os.link(draft, path)
    except FileExistsError:
        return _read(path)
    finally:
        draft.unlink(missing_ok=True)
    return token
