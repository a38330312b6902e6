"""What a vendor's own words for an error mean for the caller, in each protocol."""

import json
from typing import Any

import pytest

from agent_lab.contracts.errors import (
    AgentLabError,
    BrokenOffError,
    BusyError,
    ContentRefusedError,
    RateLimitedError,
    TooLargeError,
    UnusableError,
    ValidationError,
)
from support.hosted import CANARY, Kind, error_of
from support.vendor_faults import JSON

pytest_plugins = ("support.hosted_fixtures",)


def fault(message: str, **words: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"message": message, **words}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"type": "overloaded_error"}, BusyError),
        ({"type": "server_error", "code": "rate_limit_exceeded"}, RateLimitedError),
        ({"type": "invalid_request_error"}, ValidationError),
        ({"type": "api_error"}, BrokenOffError),
        ({"code": 500}, BrokenOffError),
        ({"code": 429}, RateLimitedError),
        ({"type": "authentication_error"}, UnusableError),
        ({"code": "content_filter"}, ContentRefusedError),
        ({}, BrokenOffError),
    ],
)
async def test_an_error_inside_a_good_response_is_told_by_its_own_words(
    kind: Kind, streamed: bool, words: dict[str, Any], expected: type[AgentLabError]
) -> None:
    body = fault("Something is wrong", **words)
    inside = await error_of(kind, streamed=streamed, insert=json.dumps(body))
    in_place = await error_of(kind, streamed=streamed, status="200 OK", headers=JSON, body=body)
    assert type(inside) is type(in_place) is expected
    assert inside.message == in_place.message


async def test_a_response_that_failed_is_told_by_its_error() -> None:
    failed = {"status": "failed", "error": {"code": "server_error", "message": "boom"}, "output": []}
    error = await error_of("responses", insert=json.dumps({"type": "response.failed", "response": failed}))
    assert isinstance(error, BrokenOffError)
    assert "(boom)" in error.message


AZURE = {"code": "content_policy", "innererror": {"code": "ResponsibleAIPolicyViolation"}}


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        ("500 Oops", fault("boom", type="api_error"), BrokenOffError, r"failed \(status 500\) \(boom\)"),
        ("502 Bad", "<html>bad gateway</html>", BrokenOffError, r"failed \(status 502\); ask again"),
        ("504 Late", "", BrokenOffError, "ask again or use another model"),
        ("408 Late", "", BrokenOffError, "ask again or use another model"),
        ("409 Conflict", fault("x"), BrokenOffError, "ask again or use another model"),
        ("503 No", "", BusyError, "has too much to do to answer for 'big'"),
        ("503 No", fault("x", type="server_error"), BusyError, "has too much to do"),
        ("529 Full", fault("Overloaded", type="overloaded_error"), BusyError, "has too much to do"),
        ("429 No", fault("slow down"), RateLimitedError, "takes no more requests for 'big' now"),
        ("401 No", fault(f"Incorrect API key: {CANARY}"), UnusableError, "does not accept the key in VENDOR_KEY"),
        ("403 No", fault("no"), UnusableError, "put one that it takes into .env"),
        ("404 No", fault("gone", type="not_found_error"), UnusableError, "has no model 'big-1'"),
        ("405 No", fault("no"), UnusableError, "correct its base_url"),
        ("400 No", fault(f"bad\n\x07 value {CANARY}"), ValidationError, r"\(bad value \[hidden\]\); change it"),
        ("400 No", fault("x", code="context_length_exceeded"), TooLargeError, "too long for 'big'"),
        ("400 No", fault("prompt is too long: 9 > 8"), TooLargeError, "shorten it"),
        ("413 No", fault("x", type="request_too_large"), TooLargeError, "shorten it"),
        ("400 No", fault("flagged", code="content_filter"), ContentRefusedError, r"request through \(flagged\)"),
        ("400 No", fault("flagged", code="content_policy_violation"), ContentRefusedError, "say it in other words"),
        ("400 No", fault("flagged", **AZURE), ContentRefusedError, "say it in other words"),
        ("422 No", {"detail": "no such field"}, ValidationError, r"\(no such field\)"),
        ("429 No", fault("pay", code="insufficient_quota"), UnusableError, "has no credit left"),
        ("402 No", fault("pay"), UnusableError, "has no credit left"),
        ("302 Moved", "", UnusableError, "points to another address"),
    ],
)
async def test_a_refusal_says_what_to_do_next(
    kind: Kind, status: str, body: object, expected: type[AgentLabError], said: str
) -> None:
    error = await error_of(kind, status=status, body=body, headers=JSON)
    assert type(error) is expected
    with pytest.raises(expected, match=said):
        raise error


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", ["429 Slow down", "503 No"])
async def test_a_busy_vendor_says_how_long(
    kind: Kind, status: str, headers: dict[str, str], wait_s: float | None
) -> None:
    error = await error_of(kind, status=status, headers=headers, body=fault("slow down"))
    assert isinstance(error, BusyError)
    assert error.retry_after_s == wait_s
