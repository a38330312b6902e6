"""The lines of a transcript that no model speaks: what became of the run, what people were asked."""

from __future__ import annotations

from agent_lab.cli.figures import counted
from agent_lab.contracts.events import (
    PersonAnswered,
    RunAdmitted,
    RunPaused,
    RunQueued,
    RunResumed,
    WaitingForPerson,
)


def run_line(event: RunQueued | RunAdmitted | RunPaused | RunResumed) -> str:
    """What became of the run."""
    match event:
        case RunQueued():
            return f"waits for its turn ({counted(event.ahead, 'run')} before it)"
        case RunAdmitted():
            return "its turn has come"
        case RunPaused():
            return "paused"
        case RunResumed():
            return f"taken up again where the record ends ({counted(event.recorded_steps, 'step')})"


def person_line(event: WaitingForPerson | PersonAnswered) -> str:
    """What happened at a node, to be read after its name."""
    match event:
        case WaitingForPerson():
            choices = f" ({' / '.join(event.choices)})" if event.choices else ""
            default = f" [{event.default}]" if event.default is not None else ""
            return f"asks a person: {event.question}{choices}{default}"
        case PersonAnswered():
            return f"was answered: {event.text}"
