"""Fixtures that send a test through each protocol, streamed and whole."""

import pytest

from support.hosted import Kind


@pytest.fixture(params=["openai", "anthropic", "responses"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return request.param
