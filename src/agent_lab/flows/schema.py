"""The published JSON Schema of a flow document, with what each kind of node takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind

SCHEMA_ID = "urn:agent-lab:schema:flow:1"
REF = "#/$defs/{model}"


def flow_schema(kinds: Mapping[str, NodeKind]) -> dict[str, Any]:
    """JSON Schema (2020-12) for a flow that uses these kinds."""
    schema = FlowConfig.model_json_schema(by_alias=True, ref_template=REF)
    definitions = schema["$defs"]
    definitions.pop("NodeConfig")
    for kind in kinds.values():
        node, inner = _node_schema(kind)
        definitions.update(inner)
        definitions[f"node_{kind.name}"] = node
    schema["properties"]["nodes"]["items"] = {"oneOf": [{"$ref": f"#/$defs/node_{name}"} for name in sorted(kinds)]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def _node_schema(kind: NodeKind) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of one kind of node, and the definitions that it refers to."""
    common = NodeConfig.model_json_schema(ref_template=REF)
    # Each kind's own definitions under its name: two kinds may have a model of one name.
    own = kind.settings.model_json_schema(ref_template=REF.format(model=f"{kind.name}.{{model}}"))
    fields = "; ".join(f"{name}: {what}" for name, what in kind.fields.items())
    node = {
        "type": "object",
        "title": kind.name,
        "description": f"{kind.summary} Leaves the fields {fields}." if fields else kind.summary,
        "properties": {**common["properties"], "kind": {"const": kind.name}, **own.get("properties", {})},
        "required": [*common["required"], *own.get("required", [])],
        "additionalProperties": False,
    }
    named = {f"{kind.name}.{name}": inner for name, inner in own.get("$defs", {}).items()}
    return node, {**common.get("$defs", {}), **named}
