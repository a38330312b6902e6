from pathlib import Path

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.settings import read_secret, read_settings


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(dotenv: Path) -> None:
    dotenv.write_text("LOG_LEVEL=debug\nDEFAULT_MODEL=from-file\n", "utf-8")
    reading = read_settings({"LOG_LEVEL": "error"}, dotenv)
    assert reading.settings.log_level == "ERROR"
    assert reading.settings.default_model == "from-file"
    assert (reading.origins["LOG_LEVEL"], reading.origins["DEFAULT_MODEL"], reading.origins["PORT"]) == (
        "environment",
        ".env",
        "default",
    )


def test_every_variable_of_the_seeds_is_read(dotenv: Path) -> None:
    seeds = {
        "APP_ENV": "dev",
        "LOG_LEVEL": "INFO",
        "PORT": "8001",
        "OPENAI_API_KEY": "",
        "ANTHROPIC_API_KEY": "",
        "DEFAULT_PROVIDER": "local",
        "DEFAULT_STRATEGY": "optimized",
        "MAX_TOKENS_DEFAULT": "1024",
        "MAX_VRAM_USAGE_GB": "6.0",
        "MODEL_CACHE_DIR": ".cache/models",
        "CIRCUIT_BREAKER_MAX_FAILURES": "3",
        "CIRCUIT_BREAKER_TIMEOUT": "60",
        "LAB_API_URL": "http://localhost:8001",
        "REQUEST_TIMEOUT": "300",
        "NEXT_PUBLIC_API_URL": "http://localhost:8000",
        "NEXT_PUBLIC_MOCK_MODE": "false",
    }
    reading = read_settings(seeds, dotenv)
    settings = reading.settings
    assert (settings.port, settings.max_vram_usage_gb, settings.default_strategy) == (8001, 6.0, "optimized")
    assert settings.openai_api_key is None
    assert settings.next_public_mock_mode is False
    assert {reading.origins[name] for name in seeds} == {"environment"}


def test_the_older_name_of_the_memory_limit_counts_and_the_newer_is_stronger(dotenv: Path) -> None:
    assert read_settings({"MAX_VRAM_USAGE": "6.0"}, dotenv).settings.max_vram_usage_gb == 6.0
    both = {"MAX_VRAM_USAGE": "6.0", "MAX_VRAM_USAGE_GB": "4.0"}
    assert read_settings(both, dotenv).settings.max_vram_usage_gb == 4.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS_DEFAULT", "many"),
        ("PORT", "99999"),
        ("LOG_LEVEL", "LOUD"),
        ("CIRCUIT_BREAKER_TIMEOUT", "-1"),
        ("AGENT_LAB_MAX_RUNS", "0"),
        ("AGENT_LAB_MAX_RUNS", "10001"),
        ("AGENT_LAB_MAX_QUEUE", "0"),
    ],
)
def test_a_wrong_value_is_told_with_its_name_and_where_it_was_read(dotenv: Path, name: str, value: str) -> None:
    dotenv.write_text(f"{name}={value}\n", "utf-8")
    with pytest.raises(ValidationError, match=rf"{name} '{value}' \(from \.env\) is not usable"):
        read_settings({}, dotenv)


def test_a_wrong_secret_is_not_shown(dotenv: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        read_settings({"MAX_TOKENS_DEFAULT": "0", "OPENAI_API_KEY": "sk-canary"}, dotenv)
    assert "sk-canary" not in caught.value.message
    assert "sk-canary" not in repr(read_settings({"OPENAI_API_KEY": "sk-canary"}, dotenv))


def test_warm_models_are_named_apart_by_commas_and_once(dotenv: Path) -> None:
    settings = read_settings({"AGENT_LAB_WARM_MODELS": " a, b,,a ", "AGENT_LAB_KEEP_ALIVE_S": "90"}, dotenv).settings
    assert (settings.warm_models, settings.agent_lab_keep_alive_s) == (("a", "b"), 90)
    blank = read_settings({"AGENT_LAB_WARM_MODELS": "", "AGENT_LAB_KEEP_ALIVE_S": " "}, dotenv).settings
    assert (blank.warm_models, blank.agent_lab_keep_alive_s) == ((), None)


def test_a_blank_variable_is_as_good_as_none(dotenv: Path) -> None:
    blank = dict.fromkeys(("PORT", "MAX_VRAM_USAGE_GB", "AGENT_LAB_DAILY_BUDGET_USD", "AGENT_LAB_KEEP_ALIVE_S"), " ")
    settings = read_settings(blank, dotenv).settings
    assert {getattr(settings, name.lower()) for name in blank} == {None}


@pytest.mark.parametrize("value", ["-1", "soon", "inf", "nan"])
def test_a_keep_alive_that_is_no_time_is_told(dotenv: Path, value: str) -> None:
    with pytest.raises(ValidationError, match=rf"AGENT_LAB_KEEP_ALIVE_S '{value}' \(from environment\) is not usable"):
        read_settings({"AGENT_LAB_KEEP_ALIVE_S": value}, dotenv)


def test_a_misspelt_name_is_warned_of_with_the_nearest(dotenv: Path) -> None:
    reading = read_settings({"AGENT_LAB_HOMES": "/x", "OTHER": "y"}, dotenv)
    assert reading.warnings == ("AGENT_LAB_HOMES is not a setting; did you mean AGENT_LAB_HOME?",)


def test_an_env_file_that_is_no_text_is_told(dotenv: Path) -> None:
    dotenv.write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(ValidationError, match="cannot be read"):
        read_settings({}, dotenv)


def test_one_folder_is_both_homes_where_it_is_named(tmp_path: Path, dotenv: Path) -> None:
    settings = read_settings({"AGENT_LAB_HOME": str(tmp_path)}, dotenv).settings
    assert settings.config_dir == settings.data_dir == tmp_path
    usual = read_settings({}, dotenv).settings
    assert usual.config_dir == Path.home() / ".config" / "agent-lab"
    assert usual.data_dir == Path.home() / ".local" / "share" / "agent-lab"


def test_a_named_secret_is_read_from_the_environment_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ONE_KEY=from-file\nTWO_KEY=from-file\n")
    environ = {"ONE_KEY": "from-environ", "BLANK_KEY": " "}
    found = [read_secret(name, environ, dotenv) for name in ("ONE_KEY", "TWO_KEY", "BLANK_KEY", "NO_KEY")]
    assert [secret.get_secret_value() if secret else None for secret in found] == [
        "from-environ",
        "from-file",
        None,
        None,
    ]
    assert "from-" not in repr(found)
