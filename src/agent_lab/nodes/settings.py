"""What every kind's settings have in common: closed, so that a misspelt field is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class NodeSettings(BaseModel):
    """What a node says beyond its id, kind, label and role."""

    model_config = ConfigDict(frozen=True, extra="forbid")
