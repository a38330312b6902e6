"""Brings back what was said before: the conversation so far, and finished runs on similar questions."""

from __future__ import annotations

from pydantic import Field

from agent_lab.contracts.flow_ports import HistoryReader, NodeKind, PastRun, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState, conversation
from agent_lab.nodes.settings import NodeSettings

MAX_CHARS = 500
"""Of each earlier question and answer."""


class HistorySettings(NodeSettings):
    """`limit`: how many earlier runs to bring at the most."""

    limit: int = Field(default=3, ge=1, le=20)


def history_kind(reader: HistoryReader) -> NodeKind:
    """The kind, reading through that reader."""

    async def read(state: AgentState, settings: HistorySettings, step: Step) -> NodeOutput:
        past = await reader.similar(state["user_input"], limit=settings.limit)
        spoken = conversation(state["history"])
        parts = ([spoken] if spoken else []) + [_told(run) for run in past]
        return NodeOutput(
            text="\n\n".join(parts),  # empty where nothing is found, so that a block that speaks of it goes
            fields={"found": len(past), "runs": [run.run_id for run in past]},
        )

    return NodeKind(
        name="history",
        summary="Brings back earlier runs on similar questions.",
        settings=HistorySettings,
        run=read,
        fields={
            "found": said("history_found", "how many earlier runs were found"),
            "runs": said("history_runs", "their ids"),
        },
        types={"found": "number", "runs": "list"},
    )


def _told(run: PastRun) -> str:
    return f"Question: {_cut(run.prompt)}\nAnswer: {_cut(run.answer)}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1].rstrip() + "…"
