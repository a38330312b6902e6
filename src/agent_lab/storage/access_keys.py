"""Keeps access keys: makes and revokes them, and tells whose key is shown, by the file as it stands at this moment."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pydantic
import structlog

from agent_lab.contracts.errors import (
    ConflictError,
    EnvironmentFaultError,
    TooLargeError,
    ValidationError,
    unknown_name,
)
from agent_lab.registries.access_keys import MAX_BYTES, MOST_KEYS, AccessKey, access_keys, as_toml
from agent_lab.registries.rows import ACCESS_KEYS
from agent_lab.storage.atomic import write_atomically

log = structlog.get_logger(__name__)

PREFIX = "al-"
STRANGERS_RUNS_AT_ONCE = 1
"""How many runs go on at once of a key that is not there any more, or cannot be read."""
_Stamp = tuple[int, ...]


@dataclass(slots=True)
class AccessKeys:
    """The access keys of a configuration folder. The file is read again when it has changed."""

    config_dir: Path
    broken: str | None = None
    """Why the file cannot be used, in a sentence; no key is admitted until it can."""
    _read: Mapping[str, AccessKey] = field(default_factory=dict)
    _stamp: _Stamp | None = None

    @property
    def path(self) -> Path:
        """The file, which may not be there yet."""
        return self.config_dir / ACCESS_KEYS

    def by_name(self) -> Mapping[str, AccessKey]:
        """The keys that are admitted now."""
        stamp = self._look()
        if stamp is None or stamp != self._stamp:
            self._read_again(stamp)
        return self._read

    def name_of(self, shown: str) -> str | None:
        """The name of the key that is shown; None where it is no key of these."""
        if not shown.startswith(PREFIX):
            return None
        digest = _digest(shown)
        # All are compared, each in constant time, so that the time tells nothing.
        names = [key.name for key in self.by_name().values() if hmac.compare_digest(key.sha256, digest)]
        return names[0] if names else None

    def runs_at_once(self, caller: str) -> int | None:
        """How many runs of that caller may go on at once; None: no bound of its own."""
        if not caller:
            return None
        key = self.by_name().get(caller)
        return key.runs_at_once if key else STRANGERS_RUNS_AT_ONCE

    def runs_waiting(self, caller: str) -> int | None:
        """How many runs of that caller may wait for their turn; None: no bound of its own."""
        key = self.by_name().get(caller)
        return key.runs_waiting if key else None

    def add(
        self, name: str, *, runs_at_once: int | None = None, runs_waiting: int | None = None
    ) -> tuple[AccessKey, str]:
        """Make a key of that name: its row, and the key itself, which is kept nowhere.

        Raises ConflictError for a name that is taken, ValidationError for one that cannot be, TooLargeError past the
        most keys, EnvironmentFaultError where the file cannot be written.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        try:
            key = AccessKey(
                name=name,
                sha256=_digest(secret),
                created_at=datetime.now(UTC).replace(microsecond=0),
                runs_at_once=runs_at_once,
                runs_waiting=runs_waiting,
            )
        except pydantic.ValidationError as error:
            raise _wrong(error) from None
        with self._changing() as keys:
            if name in keys:
                raise ConflictError(f"There is an access key {name!r} already; take another name, or revoke it first.")
            if len(keys) >= MOST_KEYS:
                raise TooLargeError(f"There are {MOST_KEYS:,} access keys already; revoke those that nobody needs.")
            keys[name] = key
        return key, secret

    def revoke(self, name: str) -> None:
        """Admit that key no more. Raises NotFoundError, ValidationError, EnvironmentFaultError."""
        with self._changing() as keys:
            if name not in keys:
                raise unknown_name("access key", name, keys)
            del keys[name]

    def check(self) -> Mapping[str, AccessKey]:
        """The keys that are admitted. Raises ValidationError where the file cannot be used."""
        keys = self.by_name()
        if self.broken is not None:
            raise ValidationError(self.broken)
        return keys

    def _look(self) -> _Stamp | None:
        """What tells one state of the file from another; None where it cannot be looked at."""
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return (0,)
        except OSError:
            return None
        return now.st_mtime_ns, now.st_size, now.st_ino

    def _read_again(self, stamp: _Stamp | None) -> None:
        try:
            self._read, broken = access_keys(str(self.path), self._content()), None
        except ValidationError as error:
            self._read, broken = {}, error.message
        except OSError as error:  # another time it may be read, though the file is the same
            self._read, stamp = {}, None
            broken = f"The file {self.path} cannot be read ({error.strerror}); mend it or take it away."
        if broken is not None:
            broken += " Until then no access key is admitted; the token is."
        if broken is not None and broken != self.broken:
            log.warning("access_keys_not_read", reason=broken)
        self._stamp, self.broken = stamp, broken

    def _content(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return b""

    @contextmanager
    def _changing(self) -> Iterator[dict[str, AccessKey]]:
        """The keys, to change; nobody else changes them meanwhile, and they are kept when the block has ended well."""
        try:
            self.config_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (self.config_dir / f".{ACCESS_KEYS}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                keys = dict(self.check())
                yield keys
                write_atomically(self.path, as_toml(keys.values()))
        except OSError as error:
            reason = error.strerror or str(error)
            raise EnvironmentFaultError(
                f"The file {self.path} cannot be written ({reason}); mend its folder, or set AGENT_LAB_HOME."
            ) from error


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest()


def _wrong(error: pydantic.ValidationError) -> ValidationError:
    first = error.errors(include_url=False, include_context=False)[0]
    place = str(first["loc"][0])
    if place == "name":
        said = "is no name for an access key; take up to 64 letters, digits and . _ @ -, a letter or digit first."
        return ValidationError(f"{str(first['input'])[:80]!r} {said}", where="name")
    return ValidationError(f"{place}: {str(first['input'])[:80]!r} is not usable: {first['msg']}.", where=place)
