"""The routes of what flows and requests may choose from besides models: strategies and tools."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, JsonValue

from agent_lab.contracts.registry import Loading, Sampling, StrategyLimits
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["models"])

STRATEGY: dict[str, Any] = {
    "name": "optimized",
    "description": "4 bit where the machine can, for large models on small cards",
    "sampling": {"temperature": 0.7, "top_p": 1.0, "top_k": 0},
    "limits": {"max_tokens": None, "timeout_s": 300.0},
    "loading": {
        "precision": "nf4",
        "attention": "auto",
        "compile": False,
        "context": 8192,
        "parallel": 8,
        "needs": "any",
    },
    "fallbacks": ["standard"],
}
TOOL: dict[str, Any] = {
    "name": "weather",
    "summary": "Tells the weather of a town",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
}


class StrategyDetails(BaseModel):
    """A strategy: how a local model is loaded, how any model samples, its limits and what stands in for it."""

    name: str
    description: str
    sampling: Sampling
    limits: StrategyLimits
    loading: Loading
    fallbacks: list[str]


class StrategyList(BaseModel):
    """All strategies, and the one of requests that name none; None: each model's own."""

    model_config = ConfigDict(json_schema_extra={"example": {"strategies": [STRATEGY], "default": None}})

    strategies: list[StrategyDetails]
    default: str | None


class ToolEntry(BaseModel):
    """A tool that nodes of the kind `tool` may call."""

    name: str
    summary: str
    parameters: dict[str, JsonValue]
    """A JSON Schema (2020-12) of what it takes."""


class ToolList(BaseModel):
    """The tools that the administrator registered, and those of plug-ins."""

    model_config = ConfigDict(json_schema_extra={"example": {"tools": [TOOL]}})

    tools: list[ToolEntry]


@router.get("/api/strategies", operation_id="list_strategies", responses=documented())
@owner
def list_strategies(services: Services) -> StrategyList:
    """The strategies that a request, a run or a node may name."""
    rows = [
        StrategyDetails(
            name=row.name,
            description=row.description,
            sampling=row.sampling,
            limits=row.limits,
            loading=row.loading,
            fallbacks=list(row.fallbacks),
        )
        for row in services.strategies.list_strategies()
    ]
    return StrategyList(strategies=rows, default=services.reading.settings.default_strategy)


@router.get("/api/tools", operation_id="list_tools", responses=documented())
@owner
def list_tools(services: Services) -> ToolList:
    """The tools that flows may use here; what they run is the administrator's."""
    tools = sorted(services.tools.values(), key=lambda tool: tool.name)
    entries = [ToolEntry(name=tool.name, summary=tool.description, parameters=tool.parameters) for tool in tools]
    return ToolList(tools=entries)
