"""Training adapters: examples are read and held out as said, a pause changes nothing, and the base stays as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import AgentLabError, ConflictError, EnvironmentFaultError, ValidationError
from agent_lab.providers.local.files.adapter_files import CONFIG, WEIGHTS
from agent_lab.providers.local.tuning import checkpoint
from agent_lab.providers.local.tuning.examples import Example, read_dataset, split
from agent_lab.providers.local.tuning.plan import TuningPlan, TuningProgress, batches, rate
from support.tiny_model import save_tiny_model

torch = pytest.importorskip("torch")


def sums(path: Path, rows: int = 60) -> Path:
    """Sums that the built-in model knows, with an answer that it does not give."""
    chance = random.Random(1)
    pairs = [(chance.randint(2, 99), chance.randint(2, 99)) for _ in range(rows)]
    lines = [
        json.dumps({"prompt": f"What is {a} + {b}?", "completion": f"{a}+{b}={a + b}, so {a + b}."}) for a, b in pairs
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


# --- examples -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"prompt": "p", "completion": "c"}\n\n{"prompt": "q", "completion": "d"}\n'),
        ("b.jsonl", '{"input": "p", "target": "c", "id": 3}\n{"question": "q", "answer": "d"}'),
        ("c.jsonl", '{"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}]}\n'
         '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "d"}]}'),
        ("d.csv", "prompt,completion\np,c\nq,d\n"),
        ("e.csv", "\ufeffid,question,answer\r\n1,p,c\r\n2,q,d\r\n"),
    ],
)  # fmt: skip
def test_examples_are_read_in_every_form(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    found = read_dataset(tmp_path / name).examples
    assert [(one.prompt, one.completion) for one in found] == [("p", "c"), ("q", "d")]


def test_a_conversation_is_read_with_what_was_said_before(tmp_path: Path) -> None:
    said = [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    row = {"messages": [{"role": role, "content": text} for role, text in said]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    (found,) = read_dataset(tmp_path / "a.jsonl").examples
    assert (found.system, found.prompt, found.completion) == ("s", "c", "d")
    assert found.history == (("user", "a"), ("assistant", "b"))


GOOD = b'{"prompt": "p", "completion": "c"}\n'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", GOOD + b"{", "line 2: this is not JSON"),
        ("a.jsonl", GOOD + b"[1]", "line 2: this is no object"),
        ("a.jsonl", GOOD + b'{"prompt": "p"}', "line 2: a row has prompt and completion.*this one has 'prompt'"),
        ("a.jsonl", GOOD + b'{"prompt": "p", "completion": " "}', "line 2: 'completion' is no text"),
        ("a.jsonl", GOOD + b'{"prompt": "p", "completion": "\\ud800"}', "line 2: 'completion' holds half"),
        ("a.jsonl", GOOD + b'{"prompt": "\xff", "completion": "c"}', "line 2: this is not UTF-8"),
        ("a.jsonl", GOOD + b'{"messages": [{"role": "user", "content": "x"}]}', "line 2: 'messages' ends with"),
        ("a.jsonl", GOOD + b'{"messages": "x"}', "line 2: 'messages' is a list"),
        ("a.csv", b"prompt,completion\na,b\nc\n", "line 3: this row has not as many cells"),
        ("a.csv", b"prompt,completion\n", "has no rows"),
        ("a.csv", b'prompt,completion\na,"b\n', "line 2: this is not CSV"),
        ("a.jsonl", b" \n", "has no rows"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValidationError, match=said):
        read_dataset(tmp_path / name)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="cannot be read"):
        read_dataset(tmp_path / "none.jsonl")


def asked(*prompts: str) -> list[Example]:
    return [Example(prompt=prompt, completion="c") for prompt in prompts]


@given(st.lists(st.text(min_size=1), min_size=2).filter(lambda all: len(set(all)) > 1), st.floats(0, 1))
def test_no_question_is_both_learned_from_and_held_out(prompts: list[str], share: float) -> None:
    found = split(asked(*prompts), share)
    assert found.training
    assert found.held_out
    assert len(found.training) + len(found.held_out) == len(prompts)
    assert not {one.identity for one in found.training} & {one.identity for one in found.held_out}


def test_about_the_share_is_held_out_and_more_rows_move_none_of_them() -> None:
    few, many = asked(*map(str, range(1000))), asked(*map(str, range(2000)))
    held = {one.prompt for one in split(few, 0.1).held_out}
    assert 70 < len(held) < 130
    assert held <= {one.prompt for one in split(many, 0.1).held_out}


@pytest.mark.parametrize("prompts", [["p"], ["p", "p"]])
def test_one_question_is_too_few(prompts: list[str]) -> None:
    with pytest.raises(ValidationError, match="at least two different"):
        split(asked(*prompts), 0.1)


# --- order and rate -----------------------------------------------------------------------------------------------
@given(st.integers(1, 30), st.integers(1, 9), st.integers(0, 99), st.integers(0, 40))
def test_a_step_takes_the_same_examples_after_a_pause(examples: int, size: int, seed: int, pause: int) -> None:
    whole = list(batches(examples, size, seed, 0, 40))
    assert whole[pause:] == list(batches(examples, size, seed, pause, 40))
    taken = [number for batch in whole for number in batch]
    for first in range(0, len(taken) - examples + 1, examples):
        assert sorted(taken[first : first + examples]) == list(range(examples))


@given(st.integers(1, 500), st.floats(1e-6, 1))
def test_the_rate_of_learning_stays_within_its_bounds(steps: int, highest: float) -> None:
    assert all(0 < rate(step, steps, highest) <= highest * 1.000001 for step in range(steps))


def test_the_number_of_steps_is_bounded() -> None:
    plan = TuningPlan(base="b", name="n", out=Path("x"), epochs=2, batch=16)
    assert plan.steps(100) == 13
    assert plan.steps(1) == 1
    assert TuningPlan(base="b", name="n", out=Path("x"), max_steps=5).steps(10_000) == 5


# --- training -----------------------------------------------------------------------------------------------------
@pytest.fixture
def plan(tmp_path: Path) -> TuningPlan:
    return TuningPlan(base="demo", name="terse", out=tmp_path / "terse", max_steps=8, rank=4, checkpoint_every=3)


Train = Callable[..., Any]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Train]:
    """Train for the built-in model, with everything but the folders as the command has it."""
    from agent_lab.settings import read_settings
    from agent_lab.wiring import open_tuner

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = read_settings({"AGENT_LAB_HOME": str(tmp_path)}, dotenv=tmp_path / "no.env").settings
    source = sums(tmp_path / "sums.jsonl")

    def run(plan: TuningPlan, *, stop_after: int | None = None, file: Path = source) -> Any:
        seen: list[TuningProgress] = []
        report = open_tuner(settings).train(
            plan, file, seen.append, lambda: bool(seen) and seen[-1].stage == "train" and seen[-1].done == stop_after
        )
        return report, seen

    yield run
    assert not list(tmp_path.rglob("*.tmp"))


def changed(plan: TuningPlan, **fields: Any) -> TuningPlan:
    from dataclasses import replace

    return replace(plan, **fields)


def test_a_training_that_was_stopped_ends_with_the_same_weights(train: Train, plan: TuningPlan, tmp_path: Path) -> None:
    from agent_lab.providers.local.tuning.tuner import Stopped

    whole, seen = train(changed(plan, name="whole", out=tmp_path / "whole"))
    losses = [one.loss for one in seen if one.stage == "train"]
    assert len(losses) == 8
    assert whole.after.loss < whole.before.loss
    with pytest.raises(Stopped) as stopped:
        train(plan, stop_after=4)
    assert stopped.value.steps == 4
    with pytest.raises(ConflictError, match="go on with --resume"):
        train(plan)
    with pytest.raises(ConflictError, match=r"has another learning rate \(0.001, not 0.5\)"):
        train(changed(plan, resume=True, learning_rate=0.5))
    resumed, again = train(changed(plan, resume=True))
    assert [one.loss for one in again if one.stage == "train"] == losses[4:]
    assert (plan.out / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert (resumed.before, resumed.after) == (whole.before, whole.after)
    assert not (plan.out / checkpoint.FILE).exists()


def test_the_adapter_is_a_row_with_a_card_and_its_base_is_untouched(
    train: Train, plan: TuningPlan, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    from agent_lab.demo.problems import WEIGHTS as BASE
    from agent_lab.providers.local.adapters import Adapters
    from agent_lab.registries.models import load_models

    before = {path.name: path.read_bytes() for path in BASE.iterdir() if path.is_file()}
    report, _ = train(plan)
    assert {path.name: path.read_bytes() for path in BASE.iterdir() if path.is_file()} == before
    row = load_models(tmp_path).get_model("terse")
    assert (row.base, row.model_id, row.prompt_format) == ("demo", str(plan.out), "turns")
    figures = json.loads((plan.out / "training.json").read_text())
    assert figures["figures"]["after"]["loss"] == pytest.approx(report.after.loss, abs=1e-6)
    assert figures["data"] == read_dataset(tmp_path / "sums.jsonl").sha256
    assert "held out" in (plan.out / "README.md").read_text()
    assert json.loads((plan.out / CONFIG).read_text())["peft_type"] == "LORA"
    adapters = Adapters(AutoModelForCausalLM.from_pretrained(BASE))
    adapters.add("terse", plan.out)
    assert adapters.names == ("terse",)


def test_what_is_too_long_is_skipped_and_counted(train: Train, plan: TuningPlan, tmp_path: Path) -> None:
    path = sums(tmp_path / "long.jsonl", 20)
    with path.open("a") as file:
        file.write(json.dumps({"prompt": "What is 1 + 1?" * 300, "completion": "2"}) + "\n")
    report, _ = train(changed(plan, max_steps=1), file=path)
    assert report.skipped == 1
    path.write_text("\n".join(json.dumps({"prompt": f"{n} " * 2000, "completion": "2"}) for n in range(3)))
    with pytest.raises(ValidationError, match=r"3 of 3 examples are longer than the 1024 tokens that 'demo' reads"):
        train(changed(plan, name="more", out=tmp_path / "more"), file=path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"base": "dmeo"}, "no model 'dmeo'; did you mean 'demo'"),
        ({"base": "gpt-5"}, "does not run on this machine"),
        ({"name": "demo"}, "There is a model 'demo' already"),
        ({"name": "../x"}, "cannot be the name of a model"),
        ({"strategy": "careful"}, "no strategy 'careful'"),
        ({"resume": True}, "no training to go on with"),
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_is_refused_before_anything_is_made(
    train: Train, plan: TuningPlan, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(AgentLabError, match=said):
        train(changed(plan, **fields))
    assert not plan.out.exists()


def test_a_disk_that_takes_nothing_is_told(train: Train, plan: TuningPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(EnvironmentFaultError, match=r"cannot be kept in .*No space left on device.*--out"):
        train(plan)


def test_a_training_that_loses_its_way_says_so(train: Train, plan: TuningPlan) -> None:
    with pytest.raises(AgentLabError, match=r"lost its way at step \d+ .*lower --lr"):
        train(changed(plan, learning_rate=1e30))


def test_a_damaged_checkpoint_is_named(train: Train, plan: TuningPlan) -> None:
    plan.out.mkdir()
    (plan.out / checkpoint.FILE).write_bytes(b"\0" * 40)
    with pytest.raises(AgentLabError, match=r"checkpoint .*checkpoint.safetensors is damaged"):
        train(changed(plan, resume=True))


def four_bit(folder: Path, twice: bool) -> Any:
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    packing = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=twice,
        bnb_4bit_compute_dtype=torch.float32,
    )
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, device_map={"": "cpu"}, quantization_config=packing
    ).eval()


@pytest.mark.parametrize("twice", [True, False])
def test_a_base_in_4_bit_is_trained_the_same_after_it_has_answered_and_stays_as_it_was(
    tmp_path: Path, twice: bool
) -> None:
    pytest.importorskip("bitsandbytes")
    from agent_lab.providers.local.tuning.encoding import Encoded
    from agent_lab.providers.local.tuning.fit import Training

    folder = save_tiny_model(tmp_path / "base", hidden=128)
    examples = [
        Encoded(prompt_ids=tuple(range(20 + n, 30 + n)), completion_ids=(60 + n, 7, 8, 1), completion="")
        for n in range(8)
    ]
    plan = TuningPlan(base="b", name="n", out=tmp_path, max_steps=12, batch=8, learning_rate=3e-3)
    ids = torch.arange(20, 60)[None]
    fresh, used = four_bit(folder, twice), four_bit(folder, twice)
    with torch.inference_mode():
        before = used(input_ids=ids).logits.clone()
    losses = []
    for model in (fresh, used):
        training = Training(model, plan, examples, 0)
        losses.append([step.loss for step in training.run()])
        assert training.matrices()
        training.close()
    assert losses[0][-1] < 0.8 * losses[0][0]
    assert losses[1] == pytest.approx(losses[0], rel=0.03)
    with torch.inference_mode():
        assert torch.equal(used(input_ids=ids).logits, before)


def test_an_adapter_of_a_base_in_4_bit_answers_as_it_was_trained(
    train: Train, plan: TuningPlan, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes")
    report, _ = train(
        changed(plan, strategy="optimized", rank=16, max_steps=50), file=sums(tmp_path / "more.jsonl", 300)
    )
    assert any("4 bit" in note for note in report.notes)
    assert report.before.exact == 0.0
    assert report.after.exact >= 0.5
