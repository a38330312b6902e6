import pytest
from jsonschema import Draft202012Validator

from agent_lab.flows.schema import flow_schema
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
