"""LoRA adapters on a model in memory: each row through its own, the base as it was, and nothing that is not plain."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import ModelCorruptError, UnusableError
from agent_lab.providers.local.adapters import Adapters
from agent_lab.providers.local.files.adapter_files import CONFIG, WEIGHTS, inspect_adapter
from support.tiny_model import save_tiny_model

torch = pytest.importorskip("torch")
PROJECTIONS = ["q_proj", "v_proj", "down_proj"]


def tiny(folder: Path, dtype: Any = None) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype or torch.float32).eval()


def save_adapter(base: Any, folder: Path, *, seed: int = 1, **config: Any) -> Path:
    """An adapter of random numbers, written by peft itself."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    settings = {"r": 4, "lora_alpha": 16, "target_modules": PROJECTIONS, "init_lora_weights": False, **config}
    get_peft_model(copy.deepcopy(base), LoraConfig(**settings)).save_pretrained(folder)
    return folder


def peft_logits(base: Any, folder: Path, ids: Any) -> Any:
    from peft import PeftModel

    model = PeftModel.from_pretrained(copy.deepcopy(base), folder, autocast_adapter_dtype=False).eval()
    with torch.inference_mode():
        return model(input_ids=ids).logits


def steps(model: Any, ids: Any, count: int = 4, **kwargs: Any) -> Any:
    """The logits of a greedy answer step by step, with a cache of keys and values."""
    from transformers import DynamicCache

    cache, seen = DynamicCache(config=model.config), []
    with torch.inference_mode():
        for _ in range(count):
            logits = model(input_ids=ids, past_key_values=cache, use_cache=True, **kwargs).logits[:, -1]
            ids = logits.argmax(-1, keepdim=True)
            seen.append(logits)
    return torch.stack(seen, dim=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def base(folder: Path) -> Any:
    return tiny(folder)


@pytest.fixture(scope="module")
def saved(base: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("adapters")
    return {key: save_adapter(base, root / key, seed=seed) for key, seed in (("a", 1), ("b", 2))}


@pytest.fixture
def spoilt(saved: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved["a"], tmp_path / "spoilt"))


IDS = list(range(20, 60))


def prompts(count: int = 5) -> Any:
    return torch.tensor(IDS[: count * 8]).reshape(count, 8)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_each_row_of_a_batch_goes_through_its_own_adapter(folder: Path, saved: dict[str, Path], dtype: str) -> None:
    model = tiny(folder, getattr(torch, dtype))
    before = copy.deepcopy(model)
    adapters = Adapters(model)
    for key, where in saved.items():
        adapters.add(key, where)
    names = ["a", None, "b", "a", None]
    got = steps(model, prompts(), count=1, **adapters.forward_kwargs(names))[:, 0]
    assert torch.equal(got[[1, 4]], steps(before, prompts(), count=1)[[1, 4], 0])
    tolerance = {"atol": 1e-4, "rtol": 1e-4} if dtype == "float32" else {"atol": 0.15, "rtol": 0.05}
    for row, name in enumerate(names):
        if name:
            expected = peft_logits(before, saved[name], prompts())[row, -1]
            torch.testing.assert_close(got[row], expected, **tolerance)
            assert not torch.allclose(got[row], steps(before, prompts(), count=1)[row, 0], atol=0.2)


@pytest.mark.parametrize("names", [["a"] * 5, ["a", "b", None, "b", None], [None] * 5])
def test_a_row_writes_the_same_in_whatever_company(folder: Path, saved: dict[str, Path], names: list[Any]) -> None:
    adapters = Adapters(tiny(folder))
    for key, where in saved.items():
        adapters.add(key, where)
    together = steps(adapters.model, prompts(), **adapters.forward_kwargs(names))
    for row, name in enumerate(names):
        alone = steps(adapters.model, prompts()[row : row + 1], **adapters.forward_kwargs([name]))
        torch.testing.assert_close(together[row], alone[0], atol=1e-4, rtol=1e-4)


def test_the_base_answers_the_same_to_the_bit_with_adapters_on_it(folder: Path, saved: dict[str, Path]) -> None:
    model = tiny(folder)
    before = steps(model, prompts())
    adapters = Adapters(model)
    assert adapters.forward_kwargs([None] * 5) == {}
    adapters.add("a", saved["a"])
    adapters.add("a", saved["a"])
    assert adapters.names == ("a",)
    assert adapters.size_bytes == 4 * inspect_adapter(saved["a"]).parameters
    assert adapters.model is model
    steps(model, prompts(), **adapters.forward_kwargs(["a"] * 5))
    assert torch.equal(steps(model, prompts()), before)
    assert torch.equal(steps(model, prompts(), **adapters.forward_kwargs([None] * 5)), before)


def test_a_failed_pass_leaves_no_adapter_on_for_the_next(folder: Path, saved: dict[str, Path]) -> None:
    model = tiny(folder)
    before = steps(model, prompts())
    adapters = Adapters(model)
    adapters.add("a", saved["a"])
    with pytest.raises(IndexError):
        model(input_ids=prompts() + 1_000_000, **adapters.forward_kwargs(["a"] * 5))
    assert torch.equal(steps(model, prompts()), before)
    with pytest.raises(UnusableError, match="'c' is not on this model"):
        model(input_ids=prompts(), **adapters.forward_kwargs(["c"] * 5))


@pytest.mark.parametrize(
    "config",
    [
        {"use_rslora": True},
        {"alpha_pattern": {"q_proj": 3}},
        {"rank_pattern": {"v_proj": 2}},
        {"target_modules": "all-linear"},
        {"lora_dropout": 0.5},
    ],
    ids=lambda config: next(iter(config)),
)
def test_scales_and_ranks_are_what_peft_makes_of_them(base: Any, tmp_path: Path, config: dict[str, Any]) -> None:
    saved = save_adapter(base, tmp_path / "one", **config)
    adapters = Adapters(copy.deepcopy(base))
    adapters.add("one", saved)
    got = steps(adapters.model, prompts(), count=1, **adapters.forward_kwargs(["one"] * 5))[:, 0]
    torch.testing.assert_close(got, peft_logits(base, saved, prompts())[:, -1], atol=1e-4, rtol=1e-4)


def test_an_adapter_goes_on_a_base_in_4_bit(tmp_path: Path) -> None:
    bnb = pytest.importorskip("bitsandbytes")
    model = tiny(save_tiny_model(tmp_path / "base", hidden=64))
    saved = save_adapter(model, tmp_path / "a")
    for name, layer in list(model.named_modules()):
        if name.endswith("_proj"):
            packed = bnb.nn.Linear4bit(layer.in_features, layer.out_features, bias=False, quant_type="nf4")
            packed.load_state_dict(layer.state_dict())
            model.set_submodule(name, packed.to("cpu"))
    expected = peft_logits(model, saved, prompts())[0, -1]
    before = steps(model, prompts(), count=1)
    adapters = Adapters(model)
    adapters.add("a", saved)
    got = steps(model, prompts(), count=1, **adapters.forward_kwargs(["a", None, "a", None, "a"]))
    assert torch.equal(got[[1, 3]], before[[1, 3]])
    torch.testing.assert_close(got[0, 0], expected, atol=0.2, rtol=0.05)  # the packed kernel computes in bfloat16
    assert not torch.allclose(got[0, 0], before[0, 0], atol=1.0)


def test_an_adapter_of_another_base_is_refused(tmp_path: Path, saved: dict[str, Path]) -> None:
    adapters = Adapters(tiny(save_tiny_model(tmp_path / "wide", hidden=64)))
    with pytest.raises(UnusableError, match=r"is not one for this base: it changes .* with .* and the base has"):
        adapters.add("a", saved["a"])
    assert adapters.names == ()


def test_a_compiled_model_takes_no_adapter(folder: Path, saved: dict[str, Path]) -> None:
    model = tiny(folder)
    model.compile()
    with pytest.raises(UnusableError, match="without `compile`"):
        Adapters(model).add("a", saved["a"])


def changed(**fields: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> object:
        path = folder / CONFIG
        return path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return change


def cut(folder: Path) -> object:
    path = folder / WEIGHTS
    return path.write_bytes(path.read_bytes()[:-100])


def pickled(folder: Path) -> object:
    return (folder / WEIGHTS).rename(folder / "adapter_model.bin")


def extended(folder: Path) -> object:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / WEIGHTS)
    tensors["base_model.model.lm_head.weight"] = torch.zeros(4, 4)
    return save_file(tensors, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (changed(peft_type="IA3"), "its kind is 'IA3'"),
        (changed(use_dora=True), "it uses 'use_dora'"),
        (changed(auto_map={"AutoModel": "x.Y"}), "it uses 'auto_map'"),
        (changed(some_future_field=[1]), "it uses 'some_future_field'"),
        (changed(bias="all"), "changes the base's biases"),
        (changed(init_lora_weights="pissa"), "'pissa'"),
        (changed(alpha_pattern={"(a+)+$": 3}), "regular expressions"),
        (extended, "it brings 'base_model.model.lm_head.weight'"),
        (pickled, "pickle"),
        (lambda folder: (folder / CONFIG).unlink(), "holds no LoRA adapter"),
    ],
)
def test_what_is_no_plain_adapter_is_refused(spoilt: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(spoilt)
    with pytest.raises(UnusableError, match=said.replace("(", r"\(")):
        inspect_adapter(spoilt)


@pytest.mark.parametrize(
    ("spoil", "file"),
    [
        (cut, WEIGHTS),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), WEIGHTS),
        (lambda folder: (folder / CONFIG).write_text("["), CONFIG),
        (lambda folder: (folder / CONFIG).write_text("[]"), CONFIG),
        (changed(lora_alpha="much"), CONFIG),
    ],
    ids=["cut", "empty", "half", "list", "alpha"],
)
def test_a_damaged_file_is_named(spoilt: Path, spoil: Callable[[Path], object], file: str) -> None:
    spoil(spoilt)
    with pytest.raises(ModelCorruptError, match=file):
        inspect_adapter(spoilt)


def test_a_sharded_map_of_names_is_not_needed(base: Any, saved: dict[str, Path]) -> None:
    spec = inspect_adapter(saved["a"])
    wanted: Sequence[str] = [name for name, _ in base.named_modules() if name.rsplit(".", 1)[-1] in PROJECTIONS]
    assert sorted(spec.scales) == sorted(wanted)
    assert set(spec.scales.values()) == {4.0}
