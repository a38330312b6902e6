"""The routes of the flow catalogue: which flows there are, their documents, and checking a new one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, JsonValue

from agent_lab.contracts.flow import FlowConfig, FlowInput, Text
from agent_lab.flows.catalog import LIBRARY, flow_hash
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["flows"])

ENTRY: dict[str, Any] = {
    "id": "challenge",
    "name": {"en": "Challenge", "es": "Debate"},
    "description": {"en": "One drafts, one attacks, one repairs."},
    "origin": "library",
    "flow_hash": "9f2c",
    "inputs": {"user_input": {"description": "The question", "default": None}},
    "roles": ["creator", "challenger", "refiner"],
}
DOCUMENT: dict[str, Any] = {
    "id": "two_steps",
    "name": "Two steps",
    "nodes": [
        {"id": "draft", "kind": "generate", "prompt": "{user_input}"},
        {"id": "better", "kind": "generate", "prompt": "Improve: {draft_output}"},
    ],
    "edges": [{"from": "draft", "to": "better"}],
}
PROBLEM: dict[str, Any] = {"path": "/nodes/0/kind", "message": "There is no node kind 'gennerate'."}


class FlowEntry(BaseModel):
    """A flow of the catalogue. `origin` is `library` or `user`."""

    model_config = ConfigDict(json_schema_extra={"example": ENTRY})

    id: str
    name: Text
    description: Text
    origin: str
    flow_hash: str
    inputs: dict[str, FlowInput]
    roles: list[str]


class FlowProblem(BaseModel):
    """What is wrong with a flow document, and where (a JSON pointer)."""

    model_config = ConfigDict(json_schema_extra={"example": PROBLEM})

    path: str
    message: str


class BrokenFile(BaseModel):
    """A file of the user's flow folder that cannot be used, and why."""

    file: str
    problems: list[FlowProblem]


class FlowList(BaseModel):
    """All usable flows, and the files that are none yet."""

    model_config = ConfigDict(json_schema_extra={"example": {"flows": [ENTRY], "broken": []}})

    flows: list[FlowEntry]
    broken: list[BrokenFile]


class Verdict(BaseModel):
    """Whether a document is a flow that can be run."""

    model_config = ConfigDict(json_schema_extra={"example": {"valid": False, "problems": [PROBLEM]}})

    valid: bool
    problems: list[FlowProblem]


class FlowDocument(FlowConfig):
    """A flow: nodes, edges, inputs and limits."""

    model_config = ConfigDict(json_schema_extra={"example": DOCUMENT})


class AnyDocument(BaseModel):
    """A flow document as somebody wrote it; what is wrong with it is the answer."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": DOCUMENT})

    __pydantic_extra__: dict[str, JsonValue]


@router.get("/api/flows", operation_id="list_flows", responses=documented())
@owner
def list_flows(services: Services) -> FlowList:
    """All flows that can be run, from the library and from your own folder."""
    flows = services.flows
    origins = flows.origins()
    entries = [
        FlowEntry(
            id=flow.id,
            name=flow.name,
            description=flow.description,
            origin="library" if origins.get(flow.id) == LIBRARY else "user",
            flow_hash=flow_hash(flow),
            inputs=flow.inputs,
            roles=list(dict.fromkeys(node.part for node in flow.nodes)),
        )
        for flow in flows.list()
    ]
    broken = [
        BrokenFile(
            file=file.path.name,
            problems=[FlowProblem(path=one.path, message=one.message) for one in file.problems],
        )
        for file in flows.broken()
    ]
    return FlowList(flows=entries, broken=broken)


@router.get(
    "/api/flows/{flow_id}",
    operation_id="get_flow",
    response_model=FlowDocument,
    response_model_exclude_unset=True,
    responses=documented(404, 422),
)
@owner
def get_flow(flow_id: str, services: Services) -> FlowConfig:
    """A flow's document, ready to be changed and saved under another id."""
    return services.flows.get(flow_id)


@router.post("/api/flows/validate", operation_id="validate_flow", responses=documented(body=True))
@owner
def validate_flow(body: AnyDocument, services: Services) -> Verdict:
    """Check a document without saving it: every problem, each with its place and with what would do."""
    flow, problems = services.flows.check(dict(body.model_extra or {}))
    told = [FlowProblem(path=problem.path, message=problem.message) for problem in problems]
    return Verdict(valid=flow is not None and not told, problems=told)
