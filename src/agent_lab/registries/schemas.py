"""Says in a sentence why a value does not fit a JSON Schema, or why a schema is none. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

LONGEST = 200
"""Characters of a message: it repeats the value, which may be long."""


def schema_fault(schema: dict[str, JsonValue]) -> str | None:
    """What is wrong with a JSON Schema (2020-12); None where it can be used."""
    from jsonschema import Draft202012Validator, SchemaError

    if schema.get("type") != "object":
        return "it describes no object; write type = 'object'"
    elsewhere = next((ref for ref in _references(schema) if not ref.startswith("#")), None)
    if elsewhere is not None:
        return f"it refers to {elsewhere[:LONGEST]!r}, and nothing is fetched; write that out under '$defs'"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{_cut(error.message)} (at {error.json_path})"
    return None


def _references(value: JsonValue) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            refs = (one.get(name) for name in ("$ref", "$dynamicRef"))
            yield from (ref for ref in refs if isinstance(ref, str))
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def misfit(value: JsonValue, schema: dict[str, JsonValue]) -> str | None:
    """Why the value does not fit the schema, with its place; None where it fits."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable

    try:
        # With a registry of its own, a reference is never looked up on the network.
        error = best_match(Draft202012Validator(schema, registry=REGISTRY).iter_errors(value))
    except Unresolvable as unresolvable:
        return f"its schema refers to {unresolvable.ref!r}, which is nowhere in it"
    return None if error is None else f"{_cut(error.message)} (at {error.json_path})"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
