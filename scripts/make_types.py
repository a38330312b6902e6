"""Writes web/src/run/events.ts anew: the events and the view of a run in TypeScript, as the API sends them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from pydantic import TypeAdapter  # noqa: E402 - the path is made above

from agent_lab.contracts.events import RUN_EVENT  # noqa: E402
from agent_lab.contracts.run import RunView  # noqa: E402

PATH = ROOT / "web" / "src" / "run" / "events.ts"
OPENING = """\
// What a run says, and what it adds up to, as the API sends them.
// Made by scripts/make_types.py from src/agent_lab/contracts: do not edit; `make generate` makes it anew.

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
"""
SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}

Schema = Mapping[str, Any]


def typescript() -> str:
    """The whole file."""
    named, schema = TypeAdapter.json_schemas(
        [("event", "serialization", RUN_EVENT), ("view", "serialization", TypeAdapter(RunView))]
    )
    events = "".join(f"\n  | {_type(one)}" for one in named["event", "serialization"]["oneOf"])
    interfaces = [_interface(name, one) for name, one in sorted(schema["$defs"].items()) if name != "JsonValue"]
    return "\n".join([OPENING, f"export type RunEvent ={events};\n", *interfaces])


def _interface(name: str, schema: Schema) -> str:
    lines = [*_comment(schema), f"export interface {name} {{"]
    # Whatever has a default is there all the same: what the API sends is whole.
    lines += [f"  {key}: {_type(field)};" for key, field in schema["properties"].items()]
    if schema.get("additionalProperties"):
        lines.append("  [setting: string]: JsonValue;")
    return "\n".join([*lines, "}\n"])


def _comment(schema: Schema) -> list[str]:
    told = schema.get("description", "").splitlines()
    if len(told) < 2:
        return [f"/** {line} */" for line in told]
    return ["/**", *(f" * {line}".rstrip() for line in told), " */"]


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(_type(one) for one in schema[key]))
    return _structure(schema)


def _structure(schema: Schema) -> str:
    kind = schema.get("type")
    if kind == "array":
        inner = _type(schema["items"])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if kind == "object":
        return f"Record<string, {_values(schema)}>"
    if kind not in SCALARS:
        raise ValueError(f"there is no TypeScript for {dict(schema)}")
    return SCALARS[kind]


def _values(schema: Schema) -> str:
    values = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    found = [one for one in values if isinstance(one, dict)]
    return _type(found[0]) if found else "JsonValue"


if __name__ == "__main__":
    PATH.write_text(typescript(), "utf-8")
