from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.doors import Door, open_door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path / "home") as opened:
        yield opened
