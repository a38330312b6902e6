"""What the settings say of how long local models stay in memory is laid over the rows of the registry."""

from pathlib import Path

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.registry import Residency
from agent_lab.registries.models import ModelRegistry, load_models
from agent_lab.registries.residency import with_residency
from agent_lab.settings import read_settings
from agent_lab.wiring import open_lab

STAYING = """
[[model]]
key = "a"
provider = "local"
context_window = 512

[[model]]
key = "b"
provider = "local"
context_window = 512
residency = { keep_alive_s = 5, pinned = true }

[[model]]
key = "far"
provider = "openai"
"""


def staying(tmp_path: Path, warm: tuple[str, ...] = (), keep_alive_s: float | None = None) -> ModelRegistry:
    (tmp_path / "models.toml").write_text(STAYING)
    return with_residency(load_models(tmp_path), warm=warm, keep_alive_s=keep_alive_s)


def test_the_settings_say_how_long_models_stay_whose_rows_do_not(tmp_path: Path) -> None:
    models = staying(tmp_path, warm=("b",), keep_alive_s=90)
    assert models.get_model("a").residency == Residency(keep_alive_s=90)
    assert models.get_model("b").residency == Residency(keep_alive_s=5, pinned=True, warm=True)
    assert models.get_model("far").residency == Residency()
    assert "models.toml" in models.place_of("a")
    plain = staying(tmp_path)
    assert plain.get_model("a").residency == Residency()
    assert plain.get_model("b").residency == Residency(keep_alive_s=5, pinned=True)


@pytest.mark.parametrize(
    ("key", "told"), [("aa", "AGENT_LAB_WARM_MODELS .* no model 'aa'; did you mean 'a'"), ("far", "served by 'openai'")]
)
def test_what_cannot_be_warm_is_told_with_the_setting(tmp_path: Path, key: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        staying(tmp_path, warm=("a", key))


async def test_a_lab_whose_warm_models_are_not_there_does_not_open(tmp_path: Path) -> None:
    reading = read_settings({"AGENT_LAB_HOME": str(tmp_path), "AGENT_LAB_WARM_MODELS": "demo,dmo"}, tmp_path / "no.env")
    with pytest.raises(ValidationError, match="AGENT_LAB_WARM_MODELS"):
        async with open_lab(reading):
            pass
