"""Reads answers that were asked for as JSON, and makes fields of them that conditions and templates can name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.flow import NAME, Text
from agent_lab.contracts.flow_ports import FieldType
from agent_lab.contracts.sentences import said
from agent_lab.nodes.objects import objects_in

MAX_SCHEMA_BYTES = 20_000
NOT_PARSED = "The answer holds no JSON object that fits output_schema, or several that differ."
# What people and models call how grave something is, as the figure of a scale from 0 to 4.
GRAVITY: Mapping[str, int] = {
    word: figure
    for figure, words in enumerate((
        "none info informational ninguna ninguno",
        "low minor trivial baja bajo leve menor",
        "medium moderate media medio moderada moderado",
        "high major serious severe alta alto grave mayor seria serio",
        "critical blocker fatal crítica crítico critica critico",
    ))
    for word in words.split()
}  # fmt: skip
VALUES = frozenset({"enum", "const", "default", "examples", "required"})
"""Keywords of a schema that hold values, not schemas."""
NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions"})
"""Keywords that hold schemas by names of the author's."""
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "null": type(None),
}
_FIELD_TYPES: Mapping[str, FieldType] = {
    "string": "text",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "array": "list",
    "object": "object",
}

Schema = dict[str, JsonValue]
Phrases = Annotated[tuple[Text, ...], Field(max_length=50)]


def _usable(schema: Schema) -> Schema:
    if len(canonical_json(schema)) > MAX_SCHEMA_BYTES:
        raise ValueError(
            said("schema_too_long", "the schema has over {most:,} bytes; shorten it", most=MAX_SCHEMA_BYTES)
        )
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict) or not schema["properties"]:
        raise ValueError(
            said(
                "schema_of_object", 'the schema must be that of an object: {{"type": "object", "properties": {{...}}}}'
            )
        )
    return schema


OutputSchema = Annotated[Schema, AfterValidator(_usable)]
"""A JSON Schema of an object, within bounds."""


def asked_schema(schema: Schema) -> Schema:
    """The schema as models are asked for it: where it leaves that open, objects are closed and every property must be
    there, as vendors want it."""
    told: Schema = {key: _asked(key, value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        told.setdefault("additionalProperties", False)
        told.setdefault("required", list(_properties(schema)))
    return told


def _asked(key: str, value: JsonValue) -> JsonValue:
    if key in VALUES:
        return value
    if key in NAMED and isinstance(value, dict):
        return {name: _asked("", part) for name, part in value.items()}
    if isinstance(value, dict):
        return asked_schema(value)
    return [_asked("", one) for one in value] if isinstance(value, list) else value


def _properties(schema: Schema) -> dict[str, Schema]:
    found = schema.get("properties")
    known = found.items() if isinstance(found, dict) else ()
    return {str(name): resolved(part, schema) for name, part in known}


def resolved(part: JsonValue, root: Schema) -> Schema:
    """The part of a schema, or what its `$ref` within the document stands for; empty, which lets everything through,
    where that is not found."""
    for _ in range(8):
        if not isinstance(part, dict):
            return {}
        place = part.get("$ref")
        if not isinstance(place, str):
            return part
        part = root
        for step in place.removeprefix("#/").split("/"):
            part = part.get(step) if isinstance(part, dict) else None
    return {}


# --- what is declared ---------------------------------------------------------------------------------------------
def declared_fields(schema: Schema) -> dict[str, str]:
    """The fields that answers of this schema leave, and what each holds."""
    fields: dict[str, str] = {"parsed": said("answer_parsed", "true where the answer is JSON that fits output_schema")}
    for name, part in _properties(schema).items():
        fields[name] = _told(part)
        if part.get("type") == "array":
            fields.setdefault(f"{name}_count", said("answer_count", "how many {name} there are", name=name))
            for figure in _figures(part, schema):
                form = "the greatest {figure} in the lists; 0 where there is nothing"
                fields.setdefault(f"{figure}_max", said("answer_max", form, figure=figure))
    return {name: told for name, told in fields.items() if re.match(NAME, name)}


def field_types(schema: Schema) -> dict[str, FieldType]:
    """What those fields hold."""
    fields: dict[str, FieldType] = {"parsed": "boolean"}
    for name, part in _properties(schema).items():
        named = part.get("type")
        fields[name] = _FIELD_TYPES.get(named, "any") if isinstance(named, str) else "any"
        if named == "array":
            fields.setdefault(f"{name}_count", "number")
            for figure in _figures(part, schema):
                fields.setdefault(f"{figure}_max", "number")
    return fields


def _told(part: Schema) -> str:
    own = part.get("description")
    if isinstance(own, str) and own:
        return own
    return said("of_answer", "of the answer ({type})", type=str(part.get("type", "any value")))


def _figures(part: Schema, root: Schema) -> Iterator[str]:
    """Properties of a list's objects that are figures, or words for one."""
    for name, one in _properties_of_items(part, root):
        words = one.get("enum")
        graded = isinstance(words, list) and bool(words) and all(figure_of(word) is not None for word in words)
        if graded or one.get("type") in {"integer", "number"}:
            yield name


def _properties_of_items(part: Schema, root: Schema) -> Iterator[tuple[str, Schema]]:
    found = resolved(part.get("items"), root).get("properties")
    for name, one in found.items() if isinstance(found, dict) else ():
        yield str(name), resolved(one, root)


def schema_problems(schema: Schema, taken: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the properties as names of fields: (JSON pointer into the schema, sentence)."""
    names = set(taken)
    for name, part in _properties(schema).items():
        path = "/properties/" + name.replace("~", "~0").replace("/", "~1")
        if not re.match(NAME, name):
            form = "{name!r} cannot be a field; use small letters, digits and _, a letter first."
            yield path, said("no_field_name", form, name=name[:60])
        elif name in names:
            form = "{name!r} is a field of every answer already; give the property another name."
            yield path, said("field_taken", form, name=name)
        elif name == "accepted" and part.get("type") != "boolean":
            yield f"{path}/type", said("accepted_boolean", "'accepted' must be a boolean.")


# --- what is read -------------------------------------------------------------------------------------------------
def read_object(text: str, schema: Schema) -> dict[str, JsonValue] | None:
    """The object of this schema in an answer, also in a fenced block or with text around it; None where there is none.

    Every required property must be there, with a value of its type; other properties that do not fit are left out, and
    so is what the schema does not name. Where several objects fit and differ nobody can say which one is meant: None.
    """
    found: dict[bytes, dict[str, JsonValue]] = {}
    for value in objects_in(text):
        fitting = _fitting(value, schema)
        if fitting is not None:
            found[canonical_json(fitting)] = fitting
    return next(iter(found.values())) if len(found) == 1 else None


def _fitting(value: dict[str, JsonValue], schema: Schema) -> dict[str, JsonValue] | None:
    required = schema.get("required", list(_properties(schema)))
    parts = _properties(schema)
    kept = {name: value[name] for name, part in parts.items() if name in value and _fits(value[name], part)}
    needed = required if isinstance(required, list) else []
    return kept if kept and all(name in kept for name in needed if name in parts) else None


def _fits(value: JsonValue, part: Schema) -> bool:
    """By type and enumeration alone: patterns of a schema could be made to take for ever."""
    named = part.get("type")
    types = [one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str)]
    if types and not any(_is(value, one) for one in types):
        return False
    words = part.get("enum")
    return not isinstance(words, list) or value in words


def _is(value: JsonValue, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(name, object))


def derived_fields(value: Mapping[str, JsonValue], schema: Schema) -> dict[str, JsonValue]:
    """The fields of an object that was read: its properties, the length of each list, the greatest of each figure.

    A greatest figure is left out where a list has an object whose figure cannot be read: what is not known meets no
    condition.
    """
    greatest: dict[str, float | None] = {}
    fields: dict[str, JsonValue] = {"parsed": True}
    for name, part in _properties(schema).items():
        items = value.get(name)
        if part.get("type") != "array" or not isinstance(items, list):
            continue
        fields[f"{name}_count"] = len(items)
        for figure in _figures(part, schema):
            most = _greatest(items, figure)
            before = greatest.get(figure, 0)
            greatest[figure] = None if most is None or before is None else max(before, most)
    fields |= {f"{figure}_max": most for figure, most in greatest.items() if most is not None}
    return fields | dict(value)  # a property of the schema's own wins over what is derived


def _greatest(items: Sequence[JsonValue], name: str) -> float | None:
    figures = [figure_of(item.get(name)) if isinstance(item, dict) else None for item in items]
    known = [figure for figure in figures if figure is not None]
    return max(known, default=0) if len(known) == len(figures) else None


def figure_of(value: JsonValue) -> float | None:
    """A figure, also one that is written as a text or as a word such as `high`; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    word = value.strip().casefold()
    return float(word) if re.fullmatch(r"-?\d+(?:\.\d+)?", word, re.ASCII) else GRAVITY.get(word)


def agrees(text: str, phrases: Iterable[Text]) -> bool:
    """Whether the text holds one of the phrases, whatever the case of its letters and the spaces between its words."""
    spoken = " ".join(text.casefold().split())
    for phrase in phrases:
        for words in [phrase] if isinstance(phrase, str) else phrase.values():
            wanted = " ".join(words.casefold().split())
            if wanted and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", spoken):
                return True
    return False
