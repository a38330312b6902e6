"""Lets a client send a request that costs money again without paying twice: the header `Idempotency-Key`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="A text of your own for this request: sent again with the same body, it answers with the same run; "
        "with another body it is refused (422).",
    ),
]
"""A parameter of this type gets the key, or None."""
