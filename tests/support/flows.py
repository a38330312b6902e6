"""The node kinds with a machine and a history that say always the same, and the library's documents."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from agent_lab.contracts.flow_ports import PastRun
from agent_lab.contracts.ports import Resources
from agent_lab.nodes.table import node_kinds


class SteadyMachine:
    def look(self) -> Resources:
        return Resources(
            device="cpu", memory="ram", total_gb=24.0, available_gb=20.0, limit_gb=16.0, used_by_models_gb=0.0
        )


class NoHistory:
    async def similar(self, prompt: str, *, limit: int) -> Sequence[PastRun]:
        return ()


KINDS = node_kinds(monitor=SteadyMachine(), history=NoHistory())
LIBRARY = sorted(
    entry.name.removesuffix(".json") for entry in resources.files("agent_lab.flows").joinpath("library").iterdir()
)


def library_document(name: str) -> dict[str, Any]:
    text = resources.files("agent_lab.flows").joinpath("library", f"{name}.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
