"""What flows are made of, as it is told over HTTP."""

import jsonschema
from doors import Door

from support.flows import LIBRARY, library_document


async def test_every_kind_is_told_and_the_schema_takes_every_flow_of_the_library(door: Door) -> None:
    async with door.owner() as owner:
        told = (await owner.get("/api/node-kinds")).json()
    names = {kind["name"] for kind in told["kinds"]}
    assert names >= {"generate", "vote", "judge", "human", "map", "subflow", "transform", "tool", "validator"}
    assert {f"node_{name}" for name in names} <= set(told["schema"]["$defs"])
    for name in LIBRARY:
        jsonschema.validate(library_document(name), told["schema"])
    generate = next(kind for kind in told["kinds"] if kind["name"] == "generate")
    assert generate["asks_models"]
    assert "prompt" in generate["templates"]
    validator = next(kind for kind in told["kinds"] if kind["name"] == "validator")
    assert [offered["name"] for offered in validator["offers"]["scorer"]] == ["form"]
    tool = next(kind for kind in told["kinds"] if kind["name"] == "tool")
    assert tool["offers"] == {"tool": []}
