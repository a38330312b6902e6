"""`agent-lab eval`: whether a deliberation is worth its price, tested on the same items at equal cost."""

from __future__ import annotations

from agent_lab.cli.lazy import LazyGroup

_COMMANDS = {
    "run": ("agent_lab.cli.eval_run:run_evaluation", "Put a dataset through several arms, and test the differences."),
    "report": ("agent_lab.cli.eval_report:report", "The report of an evaluation: terminal, Markdown, HTML or JSON."),
    "compare": ("agent_lab.cli.eval_compare:compare", "Any two arms as paired data, of one evaluation or of two."),
    "import": ("agent_lab.cli.eval_import:import_evaluation", "Test answers that were made elsewhere."),
    "gate": ("agent_lab.cli.eval_gate:gate", "Exit code 1 where an arm is significantly worse: for pipelines."),
    "list": ("agent_lab.cli.eval_stored:list_evaluations", "The evaluations, newest first."),
    "show": ("agent_lab.cli.eval_stored:show", "What an evaluation is, and how far."),
    "cancel": ("agent_lab.cli.eval_stored:cancel", "Stop an evaluation; what it has is kept."),
    "delete": ("agent_lab.cli.eval_stored:delete", "Forget an evaluation and its answers."),
    "datasets": ("agent_lab.cli.eval_datasets:datasets", "List, add, show and remove datasets."),
}

evaluations = LazyGroup(
    name="eval",
    help="Is a deliberation worth its price? A dataset through several arms, tested on the same items.\n\n"
    "Try: agent-lab eval run demo --limit 50 --arm challenge --arm single~challenge",
    table=_COMMANDS,
)
