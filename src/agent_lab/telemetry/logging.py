"""Writes the log: JSON lines in `<data_dir>/logs/agent-lab.log`, rotated, each with what is bound to its context."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import MutableMapping
from functools import partialmethod
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import orjson
import structlog

from agent_lab.telemetry.redaction import redact

FILE_NAME = "agent-lab.log"
MAX_FILE_BYTES = 10_000_000
KEPT_FILES = 5

_ROOT = "agent_lab"


def _dumped(line: Any, **how: Any) -> str:
    try:
        return orjson.dumps(line, default=how["default"]).decode()
    except TypeError:  # half of a surrogate pair, or a whole number over 64 bit
        return json.dumps(line, **how)


_JSON = structlog.processors.JSONRenderer(_dumped)

bound = structlog.contextvars.bound_contextvars
"""`with bound(run_id=..., node=...):` - every line written inside, in this task and those it starts, carries them."""


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a part of the product; silent until `configure` was called, and never on standard output."""
    part = logging.getLogger(f"{_ROOT}.{name}")
    _silence()
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        _Sink(part), processors=_processors(), wrapper_class=structlog.stdlib.BoundLogger
    )
    return logger


def configure(folder: Path, *, level: str = "INFO", stderr: bool = False) -> None:
    """Log into `folder` from `level` on, and warnings to standard error too where `stderr` says so.

    Other libraries' warnings come with ours. May be called again: the last call counts. A folder that cannot be
    written stops nothing: warnings then go to standard error, the first of them says so.
    """
    close()
    ours = logging.getLogger(_ROOT)
    ours.setLevel(level)
    unwritable: OSError | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handlers: list[logging.Handler] = [_LogFile(folder / FILE_NAME)]
    except OSError as error:
        unwritable, handlers = error, []
    if stderr or unwritable is not None:
        handlers.append(_StandardError())
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    structlog.configure(
        processors=_processors(),
        logger_factory=lambda name: _Sink(logging.getLogger(name)),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    if unwritable is not None:
        get_logger("telemetry").warning("no log is kept", folder=str(folder), reason=unwritable.strerror)


def close() -> None:
    """Stop logging and close the file."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _LogFile | _StandardError)]:
        root.removeHandler(handler)
        with contextlib.suppress(OSError):  # a full disk was told when it was met
            handler.close()
    _silence()


def _silence() -> None:
    # Without a handler of its own, Python prints a logger's warnings to standard error while nothing is configured.
    ours = logging.getLogger(_ROOT)
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())


def _processors() -> list[Any]:
    return [structlog.stdlib.filter_by_level, *_steps(), _as_one_argument]


def _as_one_argument(_logger: object, _method: str, line: MutableMapping[str, Any]) -> tuple[tuple[Any, ...], Any]:
    return (line,), {}


def _steps() -> list[Any]:
    """What is done to our lines and to those of other libraries alike."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,  # last, so that tracebacks are cleaned too
    ]


def _formatter(renderer: Any) -> logging.Formatter:
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_steps(), processors=[without_meta, renderer])


class _Sink:
    """Hands finished lines to the handlers of the standard library.

    Its own loggers walk the stack for the caller of each line, which ours do not show.
    """

    disabled = False

    def __init__(self, part: logging.Logger) -> None:
        self.name = part.name
        self.getEffectiveLevel = part.getEffectiveLevel
        self._handle = part.handle

    def _write(self, level: int, line: dict[str, Any]) -> None:
        self._handle(logging.LogRecord(self.name, level, "", 0, line, None, None))

    debug = partialmethod(_write, logging.DEBUG)
    info = partialmethod(_write, logging.INFO)
    warning = partialmethod(_write, logging.WARNING)
    error = exception = partialmethod(_write, logging.ERROR)
    critical = partialmethod(_write, logging.CRITICAL)


def _is_own(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, dict) and record.name.startswith(_ROOT)


class _LogFile(RotatingFileHandler):
    """The file; when it cannot be written any more it says so once and lets the program go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        self.setFormatter(_formatter(_JSON))
        self._said = False
        self._size_bytes = path.stat().st_size

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line.

        Two are written for each call of a model, and the handler above formats each once more to know its length.
        """
        try:
            line = self.format(record) + "\n"
            self._size_bytes += len(line)
            if self._size_bytes > self.maxBytes:
                self.doRollover()
                self._size_bytes = len(line)
            self._write(line)
        except Exception:  # noqa: BLE001 - a line that cannot be written ends nothing
            self.handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """As JSON."""
        return str(_JSON(None, "", record.msg)) if _is_own(record) else super().format(record)  # type: ignore[arg-type]

    def _write(self, line: str) -> None:
        if self.stream is None:
            self.stream = self._open()
        self.stream.write(line)
        self.flush()

    def handleError(self, record: logging.LogRecord) -> None:
        """In place of a traceback for each line."""
        if not self._said:
            self._said = True
            sys.stderr.write(f"warning: the log {self.baseFilename} cannot be written ({sys.exception()}).\n")


class _StandardError(logging.Handler):
    """Warnings and errors, a line each for people. Looks `sys.stderr` up each time: it is replaced under tests."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(_formatter(_sentence))

    def format(self, record: logging.LogRecord) -> str:
        """As a sentence."""
        return _sentence(None, "", {**record.msg}) if _is_own(record) else super().format(record)  # type: ignore[dict-item]

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except (OSError, ValueError):  # nobody reads it any more
            return


def _sentence(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    level, what = line.pop("level", "warning"), line.pop("event", "")
    trace = line.pop("exception", None)
    about = ", ".join(f"{name}={value}" for name, value in line.items() if name not in {"at", "logger"})
    return f"{level}: {what}" + (f" ({about})" if about else "") + (f"\n{trace}" if trace else "")
