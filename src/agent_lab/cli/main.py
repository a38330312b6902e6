"""The door of the command line: every failure leaves it as one sentence and an exit code, never as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from agent_lab import __version__
from agent_lab.cli.lazy import LazyGroup
from agent_lab.cli.output import PipeClosed, end_output, note, prepare_streams, write_json
from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

_COMMANDS = {
    "run": ("agent_lab.cli.run:run", "Run a flow on a question, and show the deliberation live."),
    "ask": ("agent_lab.cli.ask:ask", "Ask one model, once."),
    "flows": ("agent_lab.cli.flows:flows", "List, show, check, save and publish flows."),
    "models": ("agent_lab.cli.models:models", "List models, say which is chosen and why; pull, load and pin."),
    "finetune": ("agent_lab.cli.finetune:finetune", "Train an adapter for a local model on examples of your own."),
    "runs": ("agent_lab.cli.runs:runs", "Stored runs: look at them, act on them, run them again."),
    "eval": ("agent_lab.cli.eval:evaluations", "Is a deliberation worth its price? Tested on the same items."),
    "keys": ("agent_lab.cli.keys:keys", "Let others in with access keys that have bounds of their own."),
    "up": ("agent_lab.cli.server:up", "Serve the web application and its API (port 8000)."),
    "lab": ("agent_lab.cli.server:lab", "Serve the lab's API alone (port 8001)."),
    "backend": ("agent_lab.cli.server:backend", "Serve page and API (port 8000) before a lab elsewhere."),
    "backup": ("agent_lab.cli.backup:backup", "Save everything that is kept into one file."),
    "restore": ("agent_lab.cli.backup:restore", "Put a backup back, here or elsewhere."),
    "doctor": ("agent_lab.cli.doctor:doctor", "Say what was read from where, and what is missing."),
}

root = LazyGroup(
    name="agent-lab",
    help="AI Agent Lab: language models that work on one question together.\n\n"
    "Try: agent-lab run challenge --example\n\nExit codes: 0 done, 1 the work failed, 2 wrong use, 130 interrupted.",
    table=_COMMANDS,
)
root = click.version_option(__version__, prog_name="agent-lab")(root)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit code."""
    prepare_streams()
    code = run_command(list(sys.argv[1:] if args is None else args))
    sys.exit(end_output(code))


def run_command(args: list[str]) -> int:
    """Run a command; its exit code."""
    as_json = "--json" in (args[: args.index("--")] if "--" in args else args)
    try:
        with root.make_context("agent-lab", args) as context:
            code = root.invoke(context)
        return code if isinstance(code, int) else DONE
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        return _wrong_use(error, as_json)
    except PipeClosed:  # whoever read us has seen enough
        return DONE
    except (KeyboardInterrupt, click.Abort):
        note("Interrupted.")
        return INTERRUPTED
    except AgentLabError as error:
        return _told(error, as_json)
    except Exception as error:  # noqa: BLE001 - the last door: the traceback goes to the log, a sentence to the user
        return _unexpected(error, as_json)


def _wrong_use(error: click.ClickException, as_json: bool) -> int:
    if as_json:
        _write_error("wrong-use", error.format_message())
    error.show()
    return error.exit_code


def _told(error: AgentLabError, as_json: bool) -> int:
    if as_json:
        _write_error(error.slug, error.message, error.where)
    note(f"Error: {error.message}")
    return error.exit_code


def _unexpected(error: Exception, as_json: bool) -> int:
    from agent_lab.cli.faults import record_fault

    sentence = record_fault(error)
    if as_json:
        _write_error("internal", sentence)
    note(f"Error: {sentence}")
    return FAILED


def _write_error(kind: str, message: str, where: str | None = None) -> None:
    # Where it cannot be written, that may be the very error: the sentence on standard error remains.
    with suppress(PipeClosed, EnvironmentFaultError):
        write_json({"error": {"type": kind, "message": message, "where": where}})
