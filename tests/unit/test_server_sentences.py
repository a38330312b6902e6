"""The sentences that the app has in Spanish are the server's own, word by word: another wording would stay English."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.ports import Reached
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.gateway.misfits import GatewayDefaults, Situation, misfits
from agent_lab.lab import connections, vendors
from agent_lab.lab.connections import Connections
from agent_lab.lab.vendors import Vendor, Vendors
from agent_lab.providers.hosted.errors import Callee
from agent_lab.providers.hosted.line import NothingCameError, UnreachableError
from agent_lab.registries.models import ModelRegistry

WORDS = Path(__file__).parents[2] / "web" / "src" / "messages" / "es" / "server.ts"
FORM = re.compile(r'^  (\w+): \{\n    of: "(.+)",\n', re.MULTILINE)
SLOT = re.compile(r"\\\{\w+\\\}")
HOST = ProviderSpec(key="acme", kind="openai_compatible", base_url="https://acme.test/v1", key_env="ACME_API_KEY")
MODEL = ModelSpec(key="big", name="Big", provider="acme", model_id="acme/big", context_window=1000)


def forms() -> dict[str, re.Pattern[str]]:
    """By name, what finds the sentence in a text."""
    found = FORM.findall(WORDS.read_text("utf-8"))
    return {name: re.compile(SLOT.sub(".+", re.escape(of.replace("''", "'")))) for name, of in found}


def misfit_of(**defaults: Any) -> str:
    situation = Situation(defaults=GatewayDefaults(**defaults), providers=())
    return misfits(GenerationRequest(prompt="?"), MODEL, ModelRegistry([MODEL]), situation)[0].reason


def vendor_of(*, away: frozenset[str] = frozenset(), name: str = "acme") -> Vendor:
    shelf = Vendors(rows={"acme": HOST}, callable={}, away=away, origin_of_key=lambda _: None, dotenv="/a/.env")
    return shelf.get(name, [MODEL, MODEL.model_copy(update={"key": "odd", "provider": "plugged"})])


def note_of(task: str) -> str:
    situation = Situation(defaults=GatewayDefaults(), providers=("acme",))
    return misfits(GenerationRequest(prompt="?", task_type=task), MODEL, ModelRegistry([MODEL]), situation)[-1].reason


def of_registries() -> Iterator[tuple[str, str | None]]:
    yield "not_for_task", note_of("math")
    yield "model_no_key", misfit_of(missing_keys={"acme": "ACME_API_KEY"})
    yield "model_offline", misfit_of(away=frozenset({"acme"}))
    yield "model_no_provider", misfit_of()
    yield "no_key", vendor_of().why_not
    yield "offline", vendor_of(away=frozenset({"acme"})).why_not
    yield "plugin_offline", vendor_of(away=frozenset({"plugged"}), name="plugged").why_not
    yield "plugin_broken", vendor_of(name="plugged").why_not


def of_errors() -> Iterator[tuple[str, str]]:
    callee = Callee(provider=HOST, model=MODEL, secret="")
    keyless = Callee(provider=HOST.model_copy(update={"key_env": None}), model=MODEL, secret="")
    told: list[tuple[str, AgentLabError]] = [
        ("unreachable", callee.fault(UnreachableError())),
        ("silent", callee.fault(NothingCameError())),
        ("misdirected", callee.misdirected()),
        ("wrong_key", callee.refused(401, {})),
        ("wants_key", keyless.refused(401, {})),
        ("no_credit", callee.refused(402, {})),
        ("no_such_model", callee.refused(404, {})),
        ("too_many", callee.refused(429, {})),
        ("too_busy", callee.refused(503, {})),
    ]
    yield from ((name, error.message) for name, error in told)


def of_calls() -> Iterator[tuple[str, str]]:
    bare = Vendor(name="acme", protocol="openai_compatible", host="acme.test")
    keyed = Vendor(name="acme", protocol="openai_compatible", host="acme.test", key="present", key_name="ACME_API_KEY")
    answered = connections._answered
    yield "lists_one_with_key", answered(keyed, Reached(asked="models", models=1)).sentence
    yield "lists_with_key", answered(keyed, Reached(asked="models", models=12)).sentence
    yield "lists_one", answered(bare, Reached(asked="models", models=1)).sentence
    yield "lists", answered(bare, Reached(asked="models", models=12)).sentence
    yield "takes_key", answered(keyed, Reached(asked="key", models=0)).sentence
    yield "no_row", connections._no_model(bare)
    yield "no_local_model", connections._no_model(Vendor(name="local", protocol="local"))


SAID = [*of_registries(), *of_errors(), *of_calls()]


@pytest.mark.parametrize(("name", "sentence"), SAID, ids=[name for name, _ in SAID])
def test_a_sentence_of_the_server_is_known_by_its_own_form_alone(name: str, sentence: str) -> None:
    assert [form for form, find in forms().items() if find.fullmatch(sentence)] == [name], sentence


class Answering:
    """Takes a request and answers as another model, or not at all in time."""

    def __init__(self, model_key: str | None) -> None:
        self.model_key = model_key

    async def generate(self, request: GenerationRequest) -> GenerationResult:
        if self.model_key is None:
            raise TimeoutError
        return GenerationResult.model_construct(model_key=self.model_key)


@pytest.mark.parametrize(("name", "answers"), [("wrote", "big"), ("stood_in", "small"), ("late", None)])
async def test_what_came_of_one_token_is_known(name: str, answers: str | None) -> None:
    tried = Connections(generator=Answering(answers))  # type: ignore[arg-type]
    outcome = await tried.test(Vendor(name="acme", protocol="plug-in"), None, [MODEL])
    assert [form for form, find in forms().items() if find.fullmatch(outcome.sentence)] == [name]


async def test_what_is_missing_here_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendors.importlib.util, "find_spec", lambda _: None)
    shelf = Vendors(
        rows={"acme": HOST},
        callable={"acme": object()},  # type: ignore[dict-item]
        away=frozenset(),
        origin_of_key=lambda _: None,
        dotenv=".env",
    )
    scripted = await Connections(generator=Answering(None)).test(  # type: ignore[arg-type]
        Vendor(name="scripted", protocol="scripted"), None, []
    )
    told = {
        "no_local": shelf.get("local", []).why_not,
        "no_library": shelf.get("acme", []).why_not,
        "scripted": scripted.sentence,
    }
    for name, sentence in told.items():
        assert [form for form, find in forms().items() if find.fullmatch(sentence or "")] == [name]


def test_each_form_is_held_against_the_server() -> None:
    others = {"wrote", "stood_in", "late", "no_local", "no_library", "scripted"}
    assert set(forms()) == {name for name, _ in SAID} | others
