"""Which path of the lab a path of the backend means, and which are refused."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.backend.paths import AT_THE_ROOT, MAX_PATH_CHARS, door_path, lab_path, may_repeat, plain_path
from agent_lab.backend.patience import Patience
from agent_lab.contracts.errors import ValidationError


@pytest.mark.parametrize(
    ("given_path", "meant"),
    [
        ("runs", "/api/runs"),
        ("runs/20261121t090000-5f/events", "/api/runs/20261121t090000-5f/events"),
        ("flows", "/api/flows"),
        ("inference", "/api/inference"),
        ("models", "/models"),
        ("models/qwen3%3A8b/load", "/models/qwen3:8b/load"),
        ("cache/clear", "/cache/clear"),
        ("metrics", "/metrics"),
        ("metrics/history", "/api/metrics/history"),
        ("health/ready", "/health/ready"),
        ("no-such-thing", "/api/no-such-thing"),
        ("flows/a%C3%B1o", "/api/flows/a%C3%B1o"),
        ("flows/%252e%252e", "/api/flows/%252e%252e"),
        ("flows/a%3Fb%23c", "/api/flows/a%3Fb%23c"),
    ],
)
def test_a_path_means_the_lab_s_own(given_path: str, meant: str) -> None:
    assert lab_path(given_path) == meant


@pytest.mark.parametrize(
    "trick",
    [
        "",
        "/",
        "runs/",
        "/runs",
        "runs//x",
        "..",
        "../health",
        "runs/../../v1",
        "runs/%2e%2e/x",
        "runs/.%2E",
        "models/a%2fb",
        "models/a%2Fb",
        "models/a%5cb",
        "models/a\\b",
        "http://elsewhere.example/x",
        "//elsewhere.example/x",
        "runs/%00",
        "runs/a%0d%0aHost:%20x",
        "runs/%ff",
        "v1/runs",
        "v1",
        "x" * (MAX_PATH_CHARS + 1),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(trick: str) -> None:
    with pytest.raises(ValidationError):
        lab_path(trick)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_whatever_is_let_through_stays_below_its_root_and_is_written_plainly(text: str) -> None:
    try:
        path = plain_path(text)
    except ValidationError:
        return
    parts = path.split("/")[1:]
    assert path.isascii()
    assert all(part and unquote(part) not in {".", ".."} and "/" not in unquote(part) for part in parts)
    assert plain_path(path[1:]) == path


@given(st.sampled_from(["runs/x", "flows/a/versions/2", *AT_THE_ROOT]))
def test_what_the_lab_says_is_somewhere_is_found_through_the_backend(path: str) -> None:
    assert door_path(lab_path(path)) == f"/api/v1/{path}"


@pytest.mark.parametrize("other", ["//elsewhere.example/api", "https://elsewhere.example/", "", "/login"])
def test_other_places_are_left_as_they_are(other: str) -> None:
    assert door_path(other) == other


@pytest.mark.parametrize(
    ("method", "path", "has_key", "may"),
    [
        ("GET", "/api/runs", False, True),
        ("HEAD", "/models", False, True),
        ("POST", "/api/runs", True, True),
        ("POST", "/api/runs/x/fork", True, True),
        ("POST", "/api/runs/x/retry", True, True),
        ("POST", "/api/runs", False, False),
        ("POST", "/api/runs/x/answer", True, False),
        ("POST", "/api/inference", True, False),
        ("POST", "/api/runs/x/y/fork", True, False),
        ("DELETE", "/api/flows/x", True, False),
        ("PUT", "/api/flows/x", True, False),
    ],
)
def test_only_what_the_lab_takes_once_is_sent_twice(method: str, path: str, has_key: bool, may: bool) -> None:
    assert may_repeat(method, path, has_key=has_key) is may


@given(
    attempt=st.integers(1, 10),
    was_heard=st.booleans(),
    may_repeat=st.booleans(),
    jitter=st.floats(0, 1),
    tries=st.integers(1, 5),
)
def test_patience_is_bounded_and_never_repeats_what_may_have_cost(
    attempt: int, was_heard: bool, may_repeat: bool, jitter: float, tries: int
) -> None:
    wait_s = Patience(attempts=tries).wait_s(attempt, was_heard=was_heard, may_repeat=may_repeat, jitter=jitter)
    if attempt >= tries or (was_heard and not may_repeat):
        assert wait_s is None
    else:
        assert wait_s is not None
        assert 0 < wait_s <= 0.1 * 4 ** (tries - 2)
