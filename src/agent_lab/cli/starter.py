"""The flow that `flows new` writes: one drafts, one reviews, one repairs, to be changed at will."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import ConflictError, EnvironmentFaultError, ValidationError
from agent_lab.contracts.flow import NAME


def starter_flow(name: str) -> dict[str, Any]:
    """The document of a small flow of that name."""
    return {
        "id": name,
        "name": name.replace("_", " ").capitalize(),
        "description": "One drafts, one reviews the draft, one repairs it.",
        "nodes": [
            {
                "id": "creator",
                "kind": "generate",
                "label": "Creator",
                "system": "You draft solutions. Answer the question fully and to the point.",
                "prompt": "{user_input}",
                "temperature": 0.7,
            },
            {
                "id": "challenger",
                "kind": "generate",
                "label": "Challenger",
                "system": "You review other people's solutions. Report real faults only, each with its place.",
                "prompt": "The question:\n{user_input}\n\nThe proposed solution:\n{creator_output}\n\nIs it right?",
                "temperature": 0.0,
            },
            {
                "id": "refiner",
                "kind": "generate",
                "label": "Refiner",
                "system": "You repair solutions. Mend what the criticism rightly names and give the whole solution.",
                "prompt": "The question:\n{user_input}\n\nThe proposed solution:\n{creator_output}\n\n"
                "The criticism:\n{challenger_output}\n\nGive the whole solution.",
                "temperature": 0.0,
            },
        ],
        "edges": [{"from": "creator", "to": "challenger"}, {"from": "challenger", "to": "refiner"}],
        "draft": "creator",
        "answer": "refiner",
    }


def write_starter(folder: Path, name: str, *, taken: Collection[str]) -> Path:
    """Write it into the user's folder and return its path. `taken`: ids that other flows have.

    Raises ValidationError for a name that no flow may have, ConflictError where a flow has it already,
    EnvironmentFaultError where the folder cannot be written.
    """
    if not re.fullmatch(NAME, name):
        raise ValidationError(
            f"{name[:80]!r} is no flow name; use small letters, digits and _, a letter first, 64 at most.", where="NAME"
        )
    path = folder / f"{name}.json"
    if path.exists() or name in taken:
        raise ConflictError(f"There is a flow {name!r} already; choose another name.", where="NAME")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(starter_flow(name), indent=2, ensure_ascii=False) + "\n")
    except FileExistsError as error:
        raise ConflictError(f"The file {path} exists already; choose another name.", where="NAME") from error
    except OSError as error:
        raise EnvironmentFaultError(f"The file {path} cannot be written: {error.strerror or error}.") from error
    return path
