"""Says why Pydantic does not take a value, so that it can be said in another language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from agent_lab.contracts.sentences import Sentence, Told, Value, as_sentence

REASONS: Mapping[str, tuple[str, ...]] = {
    "string_type": (),
    "string_too_short": ("min_length",),
    "string_too_long": ("max_length",),
    "string_pattern_mismatch": ("pattern",),
    "int_type": (),
    "int_parsing": (),
    "int_from_float": (),
    "float_type": (),
    "float_parsing": (),
    "finite_number": (),
    "decimal_parsing": (),
    "bool_type": (),
    "bool_parsing": (),
    "list_type": (),
    "tuple_type": (),
    "dict_type": (),
    "model_type": (),
    "model_attributes_type": (),
    "none_required": (),
    "literal_error": ("expected",),
    "union_tag_invalid": ("tag", "expected_tags"),
    "union_tag_not_found": ("discriminator",),
    "greater_than": ("gt",),
    "greater_than_equal": ("ge",),
    "less_than": ("lt",),
    "less_than_equal": ("le",),
    "too_short": ("min_length", "actual_length"),
    "too_long": ("max_length", "actual_length"),
    "json_invalid": ("error",),
}
"""Pydantic's own kinds of errors that what is sent here may have, each with the values of its sentence."""
_LISTED = {"expected", "expected_tags"}


def reason(one: ErrorDetails) -> Sentence:
    """Pydantic's sentence, without its own mark before one of ours; of a kind of error that is told nowhere else, as
    the English that it is."""
    context = one.get("ctx", {})
    ours = context.get("error")
    if isinstance(ours, ValueError) and ours.args and isinstance(ours.args[0], Sentence):
        return ours.args[0]
    text = one["msg"].removeprefix("Value error, ")
    if one["type"] not in REASONS:
        return as_sentence(text)
    values = {name: _value(name, context) for name in REASONS[one["type"]]}
    return Sentence(text, Told(code=f"is_{one['type']}", values=values))


def _value(name: str, context: Mapping[str, Any]) -> Value:
    found = context.get(name)
    if name in _LISTED:  # "'a', 'b' or 'c'"
        return tuple(re.findall(r"'([^']*)'", str(found))) or (str(found),)
    return found if isinstance(found, int | float) else str(found)
