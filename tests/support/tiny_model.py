"""A tiny Llama with random weights and a tokenizer of its own, saved and loaded like any other checkpoint."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_lab.contracts.generation import Context, GenerationRequest
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ModelSpec, Sampling, StrategySpec
from agent_lab.providers.local.batching.opening import open_engine
from agent_lab.providers.local.executor import ModelExecutor
from agent_lab.providers.local.gpu_guard import Capability
from agent_lab.providers.local.host import LocalHost
from agent_lab.providers.local.loading.loader import Loader, TransformersLoader
from agent_lab.providers.local.manager import ModelManager
from agent_lab.providers.local.plan import Device
from agent_lab.providers.local.provider import LocalProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry, load_strategies

SPECIALS = ("<|pad|>", "<|end|>", "<|user|>", "<|creator|>", "<|challenger|>", "<|refiner|>", "<|assistant|>")
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}{{ raise_exception('no system role') }}{%- endif -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|' + (role | default('assistant', true)) + '|>' -}}{%- endif -%}"
)
CPU = Capability(device="cpu")
RAM = Device(name="cpu", total_bytes=16_000_000_000, free_bytes=12_000_000_000)
STANDARD = StrategySpec(name="standard", description="as it is")


def save_tiny_model(folder: Path, *, seed: int = 0, hidden: int = 32) -> Path:
    """Write such a checkpoint (about 0.1 MB) into the folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIALS, *alphabet])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=SPECIALS[0],
        eos_token=SPECIALS[1],
        additional_special_tokens=list(SPECIALS[2:]),
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
        initializer_range=0.4,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_spec(folder: Path, key: str = "tiny", **more: object) -> ModelSpec:
    """A registry row for a checkpoint in a folder."""
    row = {
        "key": key,
        "name": key,
        "family": "tiny",
        "provider": "local",
        "model_id": str(folder),
        "context_window": 512,
        "prompt_format": "turns",
    }
    return ModelSpec.model_validate({**row, **more})


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """Everything between a call and the weights."""

    manager: ModelManager
    host: LocalHost
    executor: ModelExecutor
    provider: LocalProvider


def local_stack(
    *specs: ModelSpec,
    loader: Loader | None = None,
    devices: Callable[[], Sequence[Device]] = lambda: (RAM,),
    max_usage_gb: float | None = None,
    refusal: Callable[[str], str | None] = lambda question: None,
    strategies: StrategyRegistry | None = None,
    machine: Callable[[], Capability] = lambda: CPU,
) -> LocalStack:
    """The local provider over real weights, on a machine of which only memory and abilities are made up."""
    manager = ModelManager(
        models=ModelRegistry(specs),
        strategies=strategies or load_strategies(Path("no such folder")),
        loader=loader or TransformersLoader(open_engine=open_engine),
        max_usage_gb=max_usage_gb,
        devices=devices,
        machine=machine,
    )
    host = LocalHost(manager)
    executor = ModelExecutor(host)
    return LocalStack(manager=manager, host=host, executor=executor, provider=LocalProvider(executor, refusal=refusal))


def tiny_call(folder: Path, prompt: str = "How many?", **more: object) -> ModelCall:
    """A call of the tiny model. `request` fields by name; `temperature`, `max_tokens` and `model` besides."""
    model = more.pop("model", None) or tiny_spec(folder)
    temperature = more.pop("temperature", 1.0)
    max_tokens = more.pop("max_tokens", 24)
    context = more.pop("context", Context())
    request = GenerationRequest.model_validate({"prompt": prompt, "context": context, **more})
    return ModelCall(
        request=request,
        model=model,  # type: ignore[arg-type]
        strategy=STANDARD,
        sampling=Sampling.model_validate({"temperature": temperature}),
        max_tokens=max_tokens,  # type: ignore[arg-type]
        timeout_s=100.0,
    )
