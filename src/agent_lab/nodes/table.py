"""The table of node kinds: adding a kind is one new file and one row here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agent_lab.contracts.flow_ports import HistoryReader, NodeKind, Scorer, ToolSpec
from agent_lab.contracts.ports import ResourceMonitor
from agent_lab.nodes.analyzer import ANALYZER
from agent_lab.nodes.generate import GENERATE
from agent_lab.nodes.history import history_kind
from agent_lab.nodes.human import HUMAN
from agent_lab.nodes.judge import JUDGE
from agent_lab.nodes.map import MAP
from agent_lab.nodes.resources import resources_kind
from agent_lab.nodes.subflow import SUBFLOW
from agent_lab.nodes.summary import SUMMARY
from agent_lab.nodes.tool import tool_kind
from agent_lab.nodes.transform import TRANSFORM
from agent_lab.nodes.validator import SCORERS, validator_kind
from agent_lab.nodes.vote import VOTE

NO_TOOLS: Mapping[str, ToolSpec] = MappingProxyType({})


def node_kinds(
    *,
    monitor: ResourceMonitor,
    history: HistoryReader,
    tools: Mapping[str, ToolSpec] = NO_TOOLS,
    scorers: Mapping[str, Scorer] = SCORERS,
) -> dict[str, NodeKind]:
    """Every built-in kind by its name."""
    rows = (
        GENERATE,
        MAP,
        VOTE,
        JUDGE,
        HUMAN,
        SUBFLOW,
        TRANSFORM,
        tool_kind(tools),
        ANALYZER,
        resources_kind(monitor),
        validator_kind(scorers),
        history_kind(history),
        SUMMARY,
    )
    return {row.name: row for row in rows}
