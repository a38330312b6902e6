from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, create_model

from agent_lab.flows.schema import flow_schema
from agent_lab.nodes.settings import NodeSettings
from support.flows import KINDS, LIBRARY, library_document

SCHEMA = flow_schema(KINDS)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", LIBRARY)
def test_every_flow_of_the_library_fits_it(name: str) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors(library_document(name))) == []


@pytest.mark.parametrize("change", [{"promt": "x"}, {"temperature": 3}, {"kind": "shell"}, {"id": "No Spaces"}])
def test_a_wrong_node_does_not_fit_it(change: dict[str, object]) -> None:
    document = library_document("challenge")
    document["nodes"][0].update(change)
    assert list(Draft202012Validator(SCHEMA).iter_errors(document))


def settings_with(inner: dict[str, Any]) -> type[BaseModel]:
    part = create_model("Part", __base__=NodeSettings, **inner)
    return create_model("Settings", __base__=NodeSettings, part=(part, ...))


def test_two_kinds_may_have_models_of_one_name() -> None:
    one = replace(KINDS["summary"], name="one", settings=settings_with({"size": (int, ...)}))
    two = replace(KINDS["summary"], name="two", settings=settings_with({"colour": (str, ...)}))
    schema = flow_schema({"one": one, "two": two})
    Draft202012Validator.check_schema(schema)

    def fits(**node: Any) -> bool:
        document = {"id": "f", "name": "f", "nodes": [{"id": "a", **node}]}
        return not list(Draft202012Validator(schema).iter_errors(document))

    assert fits(kind="one", part={"size": 1})
    assert fits(kind="two", part={"colour": "red"})
    assert not fits(kind="one", part={"colour": "red"})
