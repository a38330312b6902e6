"""`agent-lab doctor` and the providers of hosted models: whose key is there, whose is missing, who is not told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
ROWS = """
[[provider]]
key = "my-box"
kind = "openai_compatible"
base_url = "http://10.0.0.5:8000/private/v1"

[[provider]]
key = "idle-box"
kind = "openai_compatible"
base_url = "http://10.0.0.6:8000/v1"

[[model]]
key = "boxed"
provider = "my-box"

[[model]]
key = "mixtral"
provider = "mistral"
"""
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "GROQ_API_KEY", "XAI_API_KEY", "GEMINI_API_KEY")


@pytest.fixture
def keyless(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*KEYS, "DEEPSEEK_API_KEY", "OPENROUTER_API_KEY", "TOGETHER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def providers(said: Run) -> dict[str, tuple[str, str]]:
    """What the doctor says of each provider: its state, and the words."""
    told = json.loads(said("doctor", "--json").out)["findings"]
    return {one["what"]: (one["state"], one["says"]) for one in told if one["what"].startswith("provider ")}


def test_a_provider_is_told_where_a_model_is_of_it_or_its_key_is_set(
    said: Run, home: Any, keyless: pytest.MonkeyPatch
) -> None:
    (home.path / "mine.toml").write_text(ROWS)
    keyless.setenv("OPENAI_API_KEY", "sk-very-secret")
    (home.path / ".env").write_text("GROQ_API_KEY=gsk-very-secret\n")
    assert providers(said) == {
        "provider openai": ("ok", "key in OPENAI_API_KEY, for api.openai.com"),
        "provider anthropic": ("missing", "needs ANTHROPIC_API_KEY, for api.anthropic.com"),
        "provider groq": ("ok", "key in GROQ_API_KEY, for api.groq.com"),
        "provider mistral": ("missing", "needs MISTRAL_API_KEY, for api.mistral.ai"),
        "provider my-box": ("ok", "no key, 10.0.0.5:8000"),
    }


def test_a_missing_key_leaves_the_lab_usable_and_no_key_is_shown(
    said: Run, home: Any, keyless: pytest.MonkeyPatch
) -> None:
    keyless.setenv("XAI_API_KEY", "xai-very-secret")
    done = said("doctor")
    assert done.code == 0
    assert "very-secret" not in done.out
    told = [line for line in done.out.splitlines() if "provider " in line]
    assert [line.split()[0] for line in told] == ["missing", "missing", "ok"]
    assert max(map(len, told)) <= 80
