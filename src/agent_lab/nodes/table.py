"""The table of node kinds: adding a kind is one new file and one row here."""

from __future__ import annotations

from agent_lab.contracts.flow_ports import HistoryReader, NodeKind
from agent_lab.contracts.ports import ResourceMonitor
from agent_lab.nodes.analyzer import ANALYZER
from agent_lab.nodes.generate import GENERATE
from agent_lab.nodes.history import history_kind
from agent_lab.nodes.resources import resources_kind
from agent_lab.nodes.summary import SUMMARY
from agent_lab.nodes.validator import VALIDATOR


def node_kinds(*, monitor: ResourceMonitor, history: HistoryReader) -> dict[str, NodeKind]:
    """Every built-in kind by its name."""
    rows = (GENERATE, ANALYZER, resources_kind(monitor), VALIDATOR, history_kind(history), SUMMARY)
    return {row.name: row for row in rows}
