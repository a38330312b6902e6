"""What installed packages add: used where it is sound, named where it is not, imported only where it is wished."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import agent_lab.wiring.parts
from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.registries.plugins import KINDS, PROVIDERS, SCORERS, TOOLS, Plugins
from agent_lab.settings import read_settings
from agent_lab.wiring import open_lab


def entry(group: str, value: str, name: str = "it") -> EntryPoint:
    return EntryPoint(name=name, value=f"support.plugins:{value}", group=group)


def test_a_kind_may_be_there_itself_or_be_made_by_a_function() -> None:
    for value in ("SHOUT", "shout"):
        plugins = Plugins([entry(KINDS, value)])
        assert list(plugins.node_kinds(taken=["generate"])) == ["shout"]
        assert (plugins.used, plugins.broken) == (["node kind 'shout'"], [])


def test_each_group_has_its_own_things_and_names() -> None:
    entries = [entry(PROVIDERS, "Parrot", "parrot"), entry(SCORERS, "score", "strict"), entry(TOOLS, "DIAL")]
    plugins = Plugins(entries)
    assert list(plugins.providers(taken=())) == ["parrot"]
    assert list(plugins.scorers(taken=())) == ["strict"]
    assert list(plugins.tools(taken=())) == ["dial"]
    assert plugins.node_kinds(taken=()) == {}
    assert plugins.broken == []


@pytest.mark.parametrize(
    ("group", "value", "sentence"),
    [
        (KINDS, "NUMBER", "is neither a NodeKind nor a function that returns one"),
        (KINDS, "score", "TypeError"),
        (KINDS, "raising", "RuntimeError: the wire is cut"),
        (KINDS, "NO_SETTINGS", "no pydantic model"),
        (KINDS, "absent", "AttributeError"),
        (PROVIDERS, "NUMBER", "TypeError"),
        (PROVIDERS, "shout", "has no `stream` and `close`"),
        (SCORERS, "NUMBER", "is no function"),
        (TOOLS, "BAD_SCHEMA", "no usable JSON Schema: it describes no object"),
        (TOOLS, "BAD_NAME", "'../../bad' is no name"),
        (TOOLS, "SHOUT", "is neither a ToolSpec"),
    ],
)
def test_what_is_not_what_its_group_says_is_left_out_and_named(group: str, value: str, sentence: str) -> None:
    plugins = Plugins([entry(group, value), entry(TOOLS, "DIAL"), entry(KINDS, "SHOUT")])
    kinds, tools = plugins.node_kinds(taken=()), plugins.tools(taken=())
    plugins.providers(taken=())
    plugins.scorers(taken=())
    assert (list(kinds), list(tools)) == (["shout"], ["dial"])
    (broken,) = plugins.broken
    assert broken.startswith("The ")
    assert sentence in broken


def test_a_name_that_is_taken_is_refused_whoever_has_it() -> None:
    plugins = Plugins([entry(KINDS, "SHOUT"), entry(KINDS, "shout", "again")])
    assert len(plugins.node_kinds(taken=())) == 1
    assert plugins.broken == ["The node kind 'again' is left out: the name 'shout' is taken; it needs another one."]
    assert Plugins([entry(KINDS, "SHOUT")]).node_kinds(taken=["shout"]) == {}


def test_nothing_is_imported_where_plug_ins_are_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud_plugin.py").write_text("KIND = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    loud = EntryPoint(name="loud", value="loud_plugin:KIND", group=KINDS)
    Plugins([loud], off=True).node_kinds(taken=())
    assert "loud_plugin" not in sys.modules
    Plugins([loud]).node_kinds(taken=())
    assert sys.modules.pop("loud_plugin")


PARROT = '[[model]]\nkey = "polly"\nprovider = "parrot"\n'


async def test_a_model_of_a_plug_ins_provider_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "polly.toml").write_text(PARROT)
    entries = [
        entry(PROVIDERS, "Parrot", "parrot"),
        entry(KINDS, "SHOUT"),
        entry(TOOLS, "DIAL"),
        entry(SCORERS, "score", "strict"),
    ]
    monkeypatch.setattr(agent_lab.wiring.parts, "installed_entries", lambda: entries)
    request = GenerationRequest(prompt="Hello", model_key="polly")
    async with open_lab(read_settings({"AGENT_LAB_HOME": str(tmp_path)}, tmp_path / ".env")) as lab:
        assert (await lab.generator.generate(request)).text == "parrot: Hello"
        assert "shout" in lab.kinds
        assert "dial" in lab.tools
        validator = lab.kinds["validator"]
        assert not list(validator.problems(validator.settings.model_validate({"scorer": "strict"})))
    offline = {"AGENT_LAB_HOME": str(tmp_path), "AGENT_LAB_OFFLINE": "1"}
    async with open_lab(read_settings(offline, tmp_path / ".env")) as lab:
        with pytest.raises(AgentLabError, match=r"'polly' is asked over the network, which .* forbids"):
            await lab.generator.generate(request)
