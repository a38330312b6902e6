"""Fixtures around the tiny model; name this module in `pytest_plugins` and take the rest from `support.tiny_model`."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.tiny_model import LocalStack, local_stack, save_tiny_model, tiny_spec


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint's folder, to be read only; `copied` gives one that a test may spoil."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "spoilt"))


@pytest.fixture
async def tiny_stack(tiny_folder: Path) -> AsyncIterator[LocalStack]:
    """The local provider with the model `tiny`."""
    stack = local_stack(tiny_spec(tiny_folder))
    yield stack
    await stack.provider.close()
