"""Registries: the built-in rows, the user's over them, and sentences for files that are wrong."""

from pathlib import Path

import pytest

from agent_lab.contracts.errors import NotFoundError, ValidationError
from agent_lab.contracts.registry import ModelSpec
from agent_lab.registries.models import ModelRegistry, load_models
from agent_lab.registries.providers import load_providers
from agent_lab.registries.references import check_references
from agent_lab.registries.strategies import load_strategies
from agent_lab.settings import read_settings
from agent_lab.wiring import open_lab

MINE = """
[[model]]
key = "mine"
name = "Mine"
family = "llama"
provider = "local"
model_id = "/models/mine"
context_window = 2048
"""

SPLIT = '[[model]]\nkey = "either"\n'
FREE = "cost_profile = { input_usd_per_mtok = 0, output_usd_per_mtok = 0 }"


def test_the_built_in_rows_are_usable() -> None:
    models, strategies = load_models(Path("no such folder")), load_strategies(Path("no such folder"))
    keys = {model.key for model in models.list_models()}
    assert {"mistral7b", "llama3-8b", "deepseek-7b", "deepseek-coder", "demo", "gpt-4o-mini"} <= keys
    for model in models.list_models():
        assert strategies.get_strategy(model.default_strategy)
        assert "chat" in model.capabilities
        assert model.min_vram_gb > 0 or model.provider != "local" or model.demonstration
    assert {"standard", "optimized", "streaming", "greedy"} <= {row.name for row in strategies.list_strategies()}


def test_exactly_one_model_is_the_demonstration_and_it_is_free() -> None:
    (demo,) = [model for model in load_models(Path("no such folder")).list_models() if model.demonstration]
    assert (demo.key, demo.model_id, demo.prompt_format) == ("demo", "builtin:demo", "turns")
    assert demo.cost_profile is not None
    assert demo.cost_profile.output_usd_per_mtok == 0


def test_a_miss_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="no model 'mistal7b'; did you mean 'mistral7b'"):
        load_models(Path("no such folder")).get_model("mistal7b")
    with pytest.raises(NotFoundError, match="no strategy 'optimised'; did you mean 'optimized'"):
        load_strategies(Path("no such folder")).get_strategy("optimised")


@pytest.mark.parametrize(
    ("model", "task", "supported"),
    [
        ("deepseek-coder", "code", True),
        ("deepseek-coder", "Coding", True),
        ("deepseek-7b", "code", False),
        ("demo", "math", True),
        ("demo", "reasoning", False),
        ("mistral7b", "general", True),
        ("mistral7b", "translation", True),
        ("gpt-5", "tool_calling", True),
    ],
)
def test_a_task_asks_for_a_capability(model: str, task: str, supported: bool) -> None:
    assert load_models(Path("no such folder")).supports_task(model, task) is supported


def test_a_users_row_is_added_or_replaces_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(MINE + MINE.replace('"mine"', '"mistral7b"'))
    (tmp_path / "more.toml").write_text('[[strategy]]\nname = "cool"\ndescription = "x"\nsampling.temperature = 0.1\n')
    models = load_models(tmp_path)
    assert models.get_model("mine").model_id == "/models/mine"
    assert models.get_model("mistral7b").context_window == 2048
    assert load_strategies(tmp_path).get_strategy("cool").sampling.temperature == 0.1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (MINE.replace("2048", "0"), ["mine.toml", "'mine'", "needs its context_window, in tokens"]),
        (MINE.replace("context_window", "contxt_window"), ["'mine'", "did you mean 'context_window'?"]),
        (MINE.replace("context_window = 2048", ""), ["'mine'", "needs its context_window, in tokens"]),
        (MINE + 'capabilities = ["chatt"]', ["'mine'", "capabilities", "'chat', 'code'"]),
        (MINE + "cost_profile = { input = 1 }", ["'mine'", "cost_profile"]),
        ("[model]\nkey = 'mine'", ["mine.toml", "[[model]]"]),
        ("[[modell]]\n", ["mine.toml", "'modell'", "[[strategy]]"]),
        ("key = ", ["mine.toml", "not readable TOML"]),
        ("\ud800", ["mine.toml", "not readable TOML"]),
        (MINE + MINE, ["'mine' is given twice"]),
        (MINE.replace('"mine"', '"default"'), ["mine.toml", "'default'", "'key'", "leaves the choice to the gateway"]),
        (MINE + 'fallbacks = ["mine"]', ["mine.toml: The model 'mine' names itself as a fallback; leave that out."]),
        (MINE + 'fallbacks = ["dmeo"]', ["mine.toml: The fallback of the model 'mine'", "did you mean 'demo'"]),
        (SPLIT + "split = { demo = inf }", ["mine.toml", "'either'", "'split.demo'", "finite"]),
        (SPLIT + "split = { demo = nan }", ["mine.toml", "'either'", "'split.demo'"]),
        (SPLIT + "split = { either = 1 }", ["mine.toml: The model 'either' leads to 'either', which shares"]),
        (
            SPLIT + 'split = { demo = 1 }\nfallbacks = ["demo"]',
            ["mine.toml", "'either'", "give 'fallbacks' to the models"],
        ),
        (SPLIT + "split = { demo = 1 }\nlimits = { concurrent = 1 }", ["mine.toml", "give 'limits' to the models"]),
        (SPLIT + "split = { demo = 1 }\ntimeouts = { idle_s = 1 }", ["mine.toml", "give 'timeouts' to the models"]),
        (SPLIT + f"split = {{ demo = 1 }}\n{FREE}", ["mine.toml", "give 'cost_profile' to the models it leads to"]),
    ],
)
def test_a_broken_file_is_told_with_file_row_and_field(tmp_path: Path, content: str, said: list[str]) -> None:
    (tmp_path / "mine.toml").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValidationError) as caught:
        load_models(tmp_path)
    assert "Traceback" not in caught.value.message
    for part in said:
        assert part in caught.value.message


def test_a_strategy_that_falls_back_on_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[[strategy]]\nname = "a"\ndescription = "x"\nfallbacks = ["standrad"]\n')
    with pytest.raises(ValidationError, match=r"s\.toml: .*'a' cannot fall back.*did you mean 'standard'"):
        load_strategies(tmp_path)


PROVIDER = """
[[provider]]
key = "mine"
kind = "openai"
base_url = "http://127.0.0.1:11434/v1/"
"""


def test_providers_are_rows_and_the_users_replace_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROVIDER + PROVIDER.replace("mine", "openai"))
    rows = {row.key: row for row in load_providers(tmp_path)}
    assert [*rows][:2] == ["openai", "anthropic"]
    assert [*rows][-1] == "mine"
    assert rows["openai"].base_url == rows["mine"].base_url == "http://127.0.0.1:11434/v1"
    assert (rows["mine"].key_env, rows["mine"].host) == (None, "127.0.0.1:11434")
    assert rows["anthropic"].key_env == "ANTHROPIC_API_KEY"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mine", "local", "this name belongs to a provider of this machine"),
        ("http://", "ftp://", "it is an address such as https://host/v1"),
        ("http://", "http://me:pw@", "without user, password"),
        ("/v1/", "/v1?key=1", "without user, password, spaces, ? and #"),
        ("/v1/", "/v1?", "it is an address such as https://host/v1"),
        ("/v1/", "/v1#part", "it is an address such as https://host/v1"),
        ("/v1/", "/v 1", "it is an address such as https://host/v1"),
        ("/v1/", "/v1\\t", "it is an address such as https://host/v1"),
        ("/v1/", "/v1\\u0000", "it is an address such as https://host/v1"),
        ("11434", "port", "'base_url' is 'http://127.0.0.1:port/v1/': it is an address such as https://host/v1"),
        ("11434", "70000", "it is an address such as https://host/v1"),
        ("11434", "0", "it is an address such as https://host/v1"),
        ("11434", "", "it is an address such as https://host/v1"),
        ("http://127.0.0.1:11434/v1/", "http://[", "it is an address such as https://host/v1"),
        ('"openai"\n', '"openai"\nkey_env = "DATABASE_URL"\n', "ends in _KEY or _TOKEN"),
        ('"openai"\n', '"openai"\nkey_env = "AGENT_LAB_TOKEN"\n', "is not one of AI Agent Lab"),
    ],
)
def test_a_provider_that_cannot_be_called_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(PROVIDER.replace(old, new))
    with pytest.raises(ValidationError, match=r"mine\.toml, provider ") as caught:
        load_providers(tmp_path)
    assert said in caught.value.message


@pytest.mark.parametrize(
    "address", ["https://api.example.com/v1", "http://[::1]:8000/v1", "http://box", "HTTPS://h:1/a"]
)
def test_an_address_may_have_a_port_and_a_path(tmp_path: Path, address: str) -> None:
    (tmp_path / "mine.toml").write_text(PROVIDER.replace("http://127.0.0.1:11434/v1/", address))
    assert load_providers(tmp_path)[-1].base_url == address


def refer(config_dir: Path) -> None:
    check_references(load_models(config_dir), load_strategies(config_dir), load_providers(config_dir))


def test_the_built_in_rows_name_only_what_there_is() -> None:
    refer(Path("no such folder"))


def test_a_model_may_be_of_a_provider_whose_key_is_nowhere_and_of_none_where_it_shares_out(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        PROVIDER.replace('"openai"\n', '"openai"\nkey_env = "NOBODY_HAS_THIS_KEY"\n')
        + '[[model]]\nkey = "far"\nprovider = "mine"\napi = "responses"\n'
        + SPLIT
        + "split = { far = 9, demo = 1 }\n"
    )
    refer(tmp_path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            'provider = "gorq"',
            "the field 'provider' is 'gorq': there is no provider 'gorq'; did you mean 'groq'",
        ),
        (
            'provider = "loca"\ncontext_window = 10',
            "the field 'provider' is 'loca': there is no provider 'loca'; did you mean 'local'?",
        ),
        (
            'provider = "openai"\ndefault_strategy = "standrad"',
            "the field 'default_strategy' is 'standrad': there is no strategy 'standrad'; did you mean 'standard'",
        ),
        (
            'provider = "anthropic"\napi = "responses"',
            "the field 'api' is 'responses': the provider 'anthropic' is of the kind 'anthropic'",
        ),
    ],
)
def test_a_model_that_names_what_there_is_not_is_told_with_file_row_and_field(
    tmp_path: Path, row: str, said: str
) -> None:
    (tmp_path / "mine.toml").write_text(f'[[model]]\nkey = "far"\n{row}\n')
    with pytest.raises(ValidationError) as caught:
        refer(tmp_path)
    assert f"mine.toml, model 'far': {said}" in caught.value.message


ADAPTER = '[[model]]\nkey = "terse"\nprovider = "local"\nmodel_id = "/adapters/terse"\n'


def test_an_adapter_takes_what_its_row_leaves_out_from_its_base(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(ADAPTER + 'base = "demo"\ncapabilities = ["chat"]\n')
    refer(tmp_path)
    adapter, base = (load_models(tmp_path).get_model(key) for key in ("terse", "demo"))
    assert (adapter.context_window, adapter.prompt_format) == (base.context_window, "turns")
    assert (adapter.cost_profile, adapter.family) == (base.cost_profile, base.family)
    assert adapter.capabilities == {"chat"}
    assert not adapter.demonstration


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('base = "dmeo"', "the field 'base' is 'dmeo': there is no model 'dmeo'; did you mean 'demo'?"),
        ('base = "gpt-5"', "the field 'base' is 'gpt-5': that is no local model"),
        ('base = "terse"', "the field 'base' is 'terse': that is an adapter itself"),
        ('base = "demo"\nresidency = { warm = true, worker = true }', "'residency.worker' is for the row of its base"),
        ('base = "demo"\nprompt_format = "chat"', "'prompt_format' is 'chat': its base 'demo' reads 'turns'"),
        ('base = "demo"\ncontext_window = 9999', "'context_window' is '9999': its base 'demo' reads 1024 tokens"),
    ],
)
def test_an_adapter_on_a_base_that_cannot_be_is_refused(tmp_path: Path, more: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(ADAPTER + more + "\n")
    with pytest.raises(ValidationError, match=rf"mine.toml, model 'terse': .*{said}"):
        refer(tmp_path)


def test_a_hosted_model_that_is_to_stay_in_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(ADAPTER.replace('"local"', '"openai"') + "residency = { pinned = true }\n")
    with pytest.raises(ValidationError, match=r"mine.toml, model 'terse': .*'residency.pinned' is for local models"):
        refer(tmp_path)


def test_an_adapter_of_a_hosted_provider_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(ADAPTER.replace('"local"', '"openai"') + 'base = "demo"\n')
    with pytest.raises(ValidationError, match="'provider' is 'openai': the row has a base"):
        refer(tmp_path)


def test_a_row_that_was_read_from_no_file_is_told_by_its_key() -> None:
    models = ModelRegistry([ModelSpec(key="far", provider="nowhere")])
    with pytest.raises(ValidationError, match=r"^The model 'far': the field 'provider' is 'nowhere': there is no"):
        check_references(models, load_strategies(Path("no such folder")), [])


@pytest.mark.parametrize(("provider", "here"), [("local", True), ("scripted", True), ("openai", False)])
def test_a_model_knows_whether_it_runs_here(provider: str, here: bool) -> None:
    assert ModelSpec(key="m", provider=provider, context_window=10).runs_here is here


def test_a_split_does_not_run_here() -> None:
    assert not ModelSpec(key="m", split={"demo": 1}).runs_here


async def test_a_lab_with_a_row_that_leads_nowhere_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[model]]\nkey = "far"\nprovider = "gorq"\n')
    reading = read_settings({"AGENT_LAB_HOME": str(tmp_path)}, dotenv=tmp_path / "no.env")
    with pytest.raises(ValidationError, match=r"mine.toml, model 'far': .*'gorq'; did you mean 'groq'"):
        async with open_lab(reading):
            pass
