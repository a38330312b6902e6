"""Which model takes a request, and why: named ones, defaults, bounds, and a reason for every model."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import (
    AgentLabError,
    CapacityError,
    LimitExceededError,
    NotFoundError,
    TooLargeError,
    UnusableError,
    ValidationError,
)
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import CostProfile, ModelSpec, StrategySpec
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults, Situation
from agent_lab.gateway.resolution import choose, explain_choice
from agent_lab.gateway.sizing import answer_tokens
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.models import ModelRegistry, load_models
from agent_lab.registries.strategies import load_strategies

NOWHERE = Path("no such folder")
PRICE = CostProfile.model_validate({"input_usd_per_mtok": 3, "output_usd_per_mtok": 15})


def spec(key: str = "s", **more: Any) -> ModelSpec:
    row = {"name": key, "family": "s", "provider": "scripted", "model_id": "scripted:echo", "context_window": 4096}
    return ModelSpec.model_validate({"key": key, **row, **more})


def ask(prompt: str = "one two three", **more: Any) -> GenerationRequest:
    return GenerationRequest.model_validate({"prompt": prompt, **more})


def situation(*providers: str, provider: str = "scripted", **more: Any) -> Situation:
    return Situation(defaults=GatewayDefaults(provider=provider), providers=providers or {"scripted"}, **more)


def chosen(request: GenerationRequest, **defaults: Any) -> ModelSpec:
    here = Situation(defaults=GatewayDefaults(**defaults), providers={"local", "scripted"})
    return choose(request, load_models(NOWHERE), here).model


def test_unasked_the_built_in_model_answers() -> None:
    assert chosen(ask()).key == "demo"


def test_the_request_is_stronger_than_the_setting_and_the_setting_than_the_built_in_model() -> None:
    assert chosen(ask(), model="mistral7b").key == "mistral7b"
    assert chosen(ask(model_key="qwen3-4b"), model="mistral7b").key == "qwen3-4b"


def test_an_unknown_model_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'mistral7b'"):
        chosen(ask(model_key="mistral7"))
    with pytest.raises(NotFoundError, match="did you mean 'mistral7b'") as caught:
        chosen(ask(), model="mistral7")
    assert caught.value.where == "DEFAULT_MODEL"


def test_the_default_provider_counts_where_no_model_is_named() -> None:
    models = ModelRegistry([spec("a"), spec("b", provider="other"), spec("c", provider="other")])
    got = choose(ask(), models, situation("scripted", "other", provider="other"))
    assert got.model.key == "b"
    with pytest.raises(NotFoundError, match="no provider 'othr'; did you mean 'other'"):
        choose(ask(), models, situation("other", provider="othr"))


def test_a_hosted_model_without_a_key_says_which_one_it_needs() -> None:
    with pytest.raises(UnusableError, match=r"'gpt-5' needs OPENAI_API_KEY; put it into \.env, or use a local model"):
        chosen(ask(model_key="gpt-5"), missing_keys={"openai": "OPENAI_API_KEY"})
    with pytest.raises(UnusableError, match=r"'gpt-5' is served by 'openai', which no \[\[provider\]\] row describes"):
        chosen(ask(model_key="gpt-5"))


def test_a_model_over_the_memory_bound_is_refused_with_those_that_would_do() -> None:
    with pytest.raises(CapacityError, match=r"needs 4.5 GB .* allows 1 GB\. These would do: demo, qwen3-0.6b"):
        chosen(ask(model_key="mistral7b", constraints={"max_vram_gb": 1}))


def test_a_prompt_over_the_context_window_is_refused_with_those_that_would_do() -> None:
    with pytest.raises(TooLargeError, match=r"'deepseek-7b' reads 4096 with the answer\. These would do: "):
        chosen(ask("word " * 8000, model_key="deepseek-7b"))


def test_a_budget_that_pays_for_nothing_is_refused() -> None:
    with pytest.raises(LimitExceededError, match="pay for no answer of 'dear'"):
        choose(
            ask("word " * 100, constraints={"cost_budget_usd": "0.000001"}),
            ModelRegistry([spec("dear", cost_profile=PRICE)]),
            situation(),
        )


def test_a_task_type_orders_the_models_and_never_forbids_a_named_one() -> None:
    models = ModelRegistry([spec("talker"), spec("coder", capabilities=["chat", "code"])])
    assert choose(ask(task_type="code"), models, situation()).model.key == "coder"
    assert choose(ask(task_type="creative"), models, situation()).model.key == "talker"
    named = choose(ask(task_type="code", model_key="talker"), models, situation())
    assert named.notes == ("'talker' is not listed for 'code', which the task 'code' asks for.",)


def test_explain_gives_every_model_a_reason_and_takes_what_is_resolved() -> None:
    models = load_models(NOWHERE)
    found = explain_choice(ask(constraints={"max_vram_gb": 5}), models, situation("local", provider="local"))
    assert len(found) == len(models.list_models())
    assert [candidate.key for candidate in found if candidate.taken] == ["demo"]
    reasons = {candidate.key: candidate.reason for candidate in found}
    assert "needs 6 GB" in reasons["llama3-8b"]
    assert "no [[provider]] row describes" in reasons["gpt-5"]
    assert all(reasons.values())


def test_explain_of_what_cannot_be_takes_none_and_says_why() -> None:
    found = explain_choice(ask(model_key="gpt-5"), load_models(NOWHERE), situation("local", provider="local"))
    assert not any(candidate.taken for candidate in found)
    assert "no [[provider]] row describes" in next(candidate.reason for candidate in found if candidate.key == "gpt-5")


def test_health_and_latency_set_a_model_back_and_never_forbid_it() -> None:
    models = ModelRegistry([spec("sick"), spec("slow"), spec("well")])
    here = situation(
        left_alone_s=lambda key: 30.0 if key == "sick" else 0.0, p50_s=lambda key: 9.0 if key == "slow" else 1.0
    )
    hurried = ask(constraints={"latency_budget_s": 3})
    assert choose(hurried, models, here).model.key == "well"
    assert choose(ask(), models, here).model.key == "slow"
    named = choose(hurried.model_copy(update={"model_key": "slow"}), models, here)
    assert named.notes == ("Half of the last answers of 'slow' took over 9 s; the request allows 3 s.",)
    reasons = {one.key: one.reason for one in explain_choice(hurried, models, here)}
    assert "left alone for 30 s" in reasons["sick"]


def test_the_machines_memory_as_it_is_now_is_told_and_left_to_the_loader() -> None:
    models = ModelRegistry([spec("big", provider="local", min_vram_gb=40)])
    here = situation("local", provider="local", memory_gb=lambda: 12.5)
    assert choose(ask(model_key="big"), models, here).notes == ()
    told = explain_choice(ask(model_key="nobody"), models, here)[0]
    assert told.reason == "'big' needs 40 GB of memory and models may take 12.5 GB here now."


def test_a_fallback_stands_in_for_what_is_known_not_to_fit_and_the_rest_are_asked_in_order() -> None:
    rows = [
        spec("small", context_window=100, fallbacks=["absent", "large", "larger"]),
        spec("absent", provider="nowhere"),
        spec("large"),
        spec("larger"),
    ]
    models = ModelRegistry(rows)
    short = choose(ask(model_key="small"), models, situation())
    assert (short.model.key, [row.key for row in short.fallbacks]) == ("small", ["large", "larger"])
    long = choose(ask("word " * 200, model_key="small"), models, situation())
    assert (long.model.key, [row.key for row in long.fallbacks]) == ("large", ["larger"])
    told = explain_choice(ask(model_key="small"), models, situation())
    assert [one.key for one in told] == ["small", "large", "larger", "absent"]
    assert told[2].reason == "It is asked when 'small' and 'large' did not answer."


def test_a_split_keeps_a_run_with_its_model_and_shares_runs_out_by_weight() -> None:
    models = ModelRegistry([spec("a"), spec("b"), ModelSpec(key="ab", split={"a": 3, "b": 1})])
    picks = [choose(ask(model_key="ab"), models, situation(), sticky=f"run {n}") for n in range(2000)]
    again = [choose(ask("another", model_key="ab"), models, situation(), sticky=f"run {n}") for n in range(2000)]
    assert [pick.model.key for pick in picks] == [pick.model.key for pick in again]
    assert {pick.asked_key for pick in picks} == {"ab"}
    assert 0.71 < sum(pick.model.key == "a" for pick in picks) / 2000 < 0.79
    told = {one.key: one for one in explain_choice(ask(model_key="ab"), models, situation())}
    assert told["ab"].reason == "It shares its requests out: 75% to 'a', 25% to 'b'."
    assert told["a"].taken != told["b"].taken


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"fallbacks": ["b2"]}, "The fallback of the model 'a' cannot be: There is no model 'b2'; did you mean 'b'?"),
        ({"split": {"c": 1}, "provider": "split"}, "The split of the model 'a' cannot be: There is no model 'c'"),
        ({"fallbacks": ["a"]}, "The model 'a' names itself as a fallback; leave that out."),
        ({"fallbacks": ["s"]}, "The model 'a' leads to 's', which shares requests out; name a model."),
    ],
)
def test_a_row_that_leads_nowhere_is_told_at_the_start(row: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        ModelRegistry([spec("a", **row), spec("b"), ModelSpec(key="s", split={"b": 1})])


SPECS = st.builds(
    lambda key, window, vram, provider, code: spec(
        key, context_window=window, min_vram_gb=vram, provider=provider, capabilities=["chat", *code]
    ),
    key=st.sampled_from("abcdef"),
    window=st.integers(1, 3000),
    vram=st.floats(0, 20),
    provider=st.sampled_from(["scripted", "other", "absent"]),
    code=st.sampled_from([[], ["code"]]),
)
REQUESTS = st.builds(
    lambda prompt, key, vram, task, tokens: ask(
        prompt, model_key=key, task_type=task, max_tokens=tokens, constraints={"max_vram_gb": vram}
    ),
    prompt=st.integers(1, 8000).map(lambda length: "x" * length),
    key=st.none() | st.sampled_from("abcdef"),
    vram=st.none() | st.floats(0.1, 20),
    task=st.none() | st.sampled_from(["code", "general", "never heard of"]),
    tokens=st.none() | st.integers(1, 5000),
)


@given(st.lists(SPECS, max_size=6, unique_by=lambda row: row.key), REQUESTS, st.sampled_from(["scripted", "other"]))
def test_whatever_is_asked_the_choice_fits_or_a_sentence_says_why_not(
    rows: list[ModelSpec], request: GenerationRequest, provider: str
) -> None:
    models, here = ModelRegistry(rows), situation("scripted", "other", provider=provider)
    explained = explain_choice(request, models, here)
    assert sorted(candidate.key for candidate in explained) == sorted(row.key for row in rows)
    if not any(candidate.taken for candidate in explained):
        with pytest.raises(AgentLabError) as caught:
            choose(request, models, here)
        assert caught.value.message.rstrip()[-1] in ".?"
        return
    model = choose(request, models, here).model
    assert [candidate.key for candidate in explained if candidate.taken] == [model.key]
    assert model.provider in here.providers
    assert request.model_key in {None, model.key}
    assert request.model_key is not None or model.provider == provider
    assert model.min_vram_gb <= (request.constraints.max_vram_gb or 1e9)
    strategy = StrategySpec(name="t", description="x")
    tokens, _ = answer_tokens(request, model, strategy, here.defaults, model.cost_profile, None)
    assert 1 <= tokens <= (request.max_tokens or 1024)
    assert len(request.prompt) // 4 + tokens <= model.context_window


@pytest.mark.parametrize(("strategy", "fits"), [("standard", False), ("long", True)])
def test_a_local_model_reads_no_more_than_its_strategy_has_it_loaded_with(strategy: str, fits: bool) -> None:
    model = spec("big", context_window=100_000, provider="local")
    gateway = ProviderGateway(
        models=ModelRegistry([model]),
        strategies=load_strategies(Path("no such folder")),
        providers={"local": ScriptedProvider()},
    )
    request = GenerationRequest(prompt="four" * 9000, model_key="big", strategy=strategy)
    if fits:
        assert gateway.resolve_model(request) == model
    else:
        with pytest.raises(TooLargeError, match=r"'big' reads 8192 with the answer .100000 with a strategy of more"):
            gateway.resolve_model(request)
