"""Keeps the traceback of an unexpected failure in the log and gives the sentence that the user reads."""

from __future__ import annotations

from pathlib import Path

from agent_lab.contracts.errors import AgentLabError
from agent_lab.settings import read_settings
from agent_lab.telemetry import logging


def record_fault(error: Exception) -> str:
    """Log the failure; one sentence that says what it was and where the log is."""
    what = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
    try:
        folder = read_settings().settings.data_dir / "logs"
    except (AgentLabError, RuntimeError, OSError):
        return f"Something unexpected went wrong ({what}), and no log could be kept."
    if not _writable(folder):
        return f"Something unexpected went wrong ({what}), and no log could be kept in {folder}."
    logging.configure(folder)
    logging.get_logger("cli").error("command_failed", exc_info=error)
    logging.close()
    return f"Something unexpected went wrong ({what}). The details are in {folder / logging.FILE_NAME}"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / logging.FILE_NAME).open("a"):
            return True
    except OSError:
        return False
