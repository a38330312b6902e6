"""How a vendor behaves: what it answers, each way in which it fails, and models that are named after them."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LONG = " ".join(f"word{number}" for number in range(200))
JSON = {"content-type": "application/json"}


@dataclass(kw_only=True)
class Behaviour:
    """What a vendor answers. Everything but `text`, `tool_calls` and `thinks` is a fault, or switches one on."""

    text: str = LONG
    tool_calls: Sequence[tuple[str, str]] = ()
    """Name and arguments of each call, which come after the text."""
    thinks: int = 0
    """Events of thinking before the first word."""
    refuses: bool = False
    """The text is told as the model's own refusal, where the protocol has a form for that."""
    lasts_s: float | None = None
    """In a plan: how long the vendor behaves like this, from the model's first request on. None: for one request."""
    delay_s: float = 0.0
    """Passes after the head and after each event."""
    first_token_s: float = 0.0
    """Passes once, after the head."""
    silent: bool = False
    """Nothing comes, not even a head."""
    resets: bool = False
    """The connection is reset (RST) in place of an answer; with `cut_at`, in place of being closed."""
    status: str | None = None
    """In place of an answer, with `headers` and `body`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    end: str | None = None
    """The finish or stop reason to give."""
    drop_last: int = 0
    """Events left out at the end; the response itself ends as it should."""
    hangs: bool = False
    """Nothing comes after the last event, and the response does not end."""
    stall_after: int | None = None
    """Nothing comes after that many events, and the response does not end."""
    insert: str | None = None
    """The data of an event that comes after the first words; an answer in one piece is this and nothing else."""
    cut_at: int | None = None
    """The connection is closed after that many bytes, of the head too."""
    counts: bool = True
    models: Sequence[str] | None = ("big-1", "small-1")
    """What it lists where it is asked for its models. None: it offers no list."""
    piece_bytes: int = 1000


def refused(status: str, message: str = "no", headers: Mapping[str, str] | None = None, **words: Any) -> Behaviour:
    """An error as all three protocols tell it."""
    body = {"type": "error", "error": {"message": message, **words}}
    return Behaviour(status=status, headers={**JSON, **(headers or {})}, body=body)


def bomb() -> Behaviour:
    """A few kilobytes that unpack to 50 MB."""
    return Behaviour(
        status="200 OK", headers={**JSON, "content-encoding": "gzip"}, body=gzip.compress(b" " * 50_000_000)
    )


WELL = Behaviour(text="one two three")
OVERLOADED = '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
FAULTS: Mapping[str, Sequence[Behaviour]] = {
    # A model of this name behaves so: step by step, and then as the last step says for ever.
    "well": [WELL],
    "429-then-well": [refused("429 Slow down", headers={"retry-after": "1"}), WELL],
    "429-bare-then-well": [refused("429 Slow down"), WELL],
    "429": [refused("429 Slow down", headers={"retry-after": "60"})],
    "500-then-well": [refused("500 Oops"), WELL],
    "500": [refused("500 Oops")],
    "503": [refused("503 No")],
    "401": [refused("401 No")],
    "reset": [Behaviour(resets=True)],
    "reset-then-well": [Behaviour(resets=True), WELL],
    "silent": [Behaviour(silent=True)],
    "slow-first-token": [Behaviour(first_token_s=3.0, text=WELL.text)],
    "cut": [Behaviour(cut_at=1500)],
    "cut-then-well": [Behaviour(cut_at=1500), WELL],
    "cut-by-reset": [Behaviour(cut_at=1500, resets=True)],
    "stall": [Behaviour(stall_after=6)],
    "malformed": [Behaviour(insert="{")],
    "no-end": [Behaviour(text=WELL.text, drop_last=1)],
    "no-end-hangs": [Behaviour(text=WELL.text, drop_last=1, hangs=True)],
    "too-long": [refused("400 No", "This prompt is too long", code="context_length_exceeded")],
    "filter": [refused("400 No", "The prompt was flagged", code="content_filter")],
    "in-band": [Behaviour(insert=OVERLOADED)],
    "gzip-bomb": [bomb()],
    "page": [Behaviour(status="200 OK", headers={"content-type": "text/html"}, body="<html>Welcome</html>")],
    "wrong-type": [Behaviour(text=WELL.text, headers={"content-type": "text/plain"})],
    "down-for-1s": [Behaviour(status="503 No", body="", lasts_s=1.0), WELL],
}
