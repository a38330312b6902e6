"""Puts a model's weights into memory with transformers: the one door where its loading errors are translated."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agent_lab.contracts.errors import CapacityError, UnusableError
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.providers.local.gpu_guard import GB, Capability, import_torch
from agent_lab.providers.local.hub import HubCache
from agent_lab.providers.local.refusals import refuse_templates
from agent_lab.providers.local.strategies import LoadPlan, load_plan
from agent_lab.providers.local.templates.sandbox import Templates
from agent_lab.providers.local.weights import Weights, inspect, locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A model whose files are checked and whose place in memory is planned."""

    weights: Weights
    plan: LoadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in memory with what is needed to speak to it."""

    model: Any
    tokenizer: Any
    plan: LoadPlan
    window_tokens: int
    """What the model really reads, prompt and answer together: the row's word or the weights', the smaller."""
    end_ids: tuple[int, ...]


class Loader(Protocol):
    """Finds and checks a model's files, and loads them."""

    def prepare(self, spec: ModelSpec, strategy: StrategySpec, machine: Capability) -> Prepared: ...

    def load(self, spec: ModelSpec, prepared: Prepared) -> Loaded: ...


# transformers patches its own classes and torch's default type while it builds a model: two loads at once leave
# models without their tied weights, and may leave the patch in place for good.
_ONE_AT_A_TIME = threading.Lock()


class TransformersLoader:
    """Loads safetensors checkpoints with transformers; never code, never pickles, never the network."""

    def __init__(self, cache: HubCache | Path | None = None, templates: Templates | None = None) -> None:
        self._cache = cache
        self._templates = templates

    def prepare(self, spec: ModelSpec, strategy: StrategySpec, machine: Capability) -> Prepared:
        """Find the files (fetching them where the hub can be reached), check them and plan. Raises UnusableError."""
        weights = inspect(locate(spec, self._cache))
        if self._templates is not None:
            refuse_templates(weights.folder, self._templates)
        packed_gb = weights.size_bytes / GB if weights.packed else None
        return Prepared(weights=weights, plan=load_plan(strategy, machine, weights.parameters, packed_gb=packed_gb))

    def load(self, spec: ModelSpec, prepared: Prepared) -> Loaded:
        """Load it. Raises CapacityError where memory ran out and UnusableError for every other failure."""
        torch = import_torch()
        import transformers

        folder = str(prepared.weights.folder)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        try:
            with _ONE_AT_A_TIME:
                model, tokenizer, missing = _from_files(torch, transformers, folder, prepared.plan)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise CapacityError(
                f"Memory ran out while {spec.key!r} was loaded; unload other models or use a smaller one."
            ) from error
        except Exception as error:  # transformers raises whatever a broken file leads it into
            reason = str(error).strip().splitlines()
            raise UnusableError(
                f"The model {spec.key!r} in {folder} cannot be loaded ({reason[0][:200] if reason else error!r}); "
                "fetch it again or use another model."
            ) from error
        if missing:
            # transformers would go on with random numbers in their place.
            raise UnusableError(
                f"The model {spec.key!r} in {folder} is not complete: it has no weights for {min(missing)}; "
                "fetch it again or use another model."
            )
        return _ready(spec, prepared.plan, model.eval(), tokenizer, transformers)


def _from_files(torch: Any, transformers: Any, folder: str, plan: LoadPlan) -> tuple[Any, Any, set[str]]:
    """The model, its tokenizer, and the names of weights that the files do not hold."""
    options = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
    model, found = transformers.AutoModelForCausalLM.from_pretrained(
        folder, use_safetensors=True, output_loading_info=True, **options, **_placement(torch, transformers, plan)
    )
    if not plan.quantised:
        model = model.to(plan.device)
    return model, tokenizer, set(found["missing_keys"])


def _placement(torch: Any, transformers: Any, plan: LoadPlan) -> dict[str, Any]:
    options: dict[str, Any] = {"dtype": getattr(torch, plan.dtype), "attn_implementation": plan.attention}
    if plan.quantised:
        options["device_map"] = {"": plan.device}
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, plan.dtype),
        )
    return options


def _ready(spec: ModelSpec, plan: LoadPlan, model: Any, tokenizer: Any, transformers: Any) -> Loaded:
    found = model.generation_config.eos_token_id
    listed = found if isinstance(found, list) else [found]
    end_ids = tuple(sorted({one for one in (*listed, tokenizer.eos_token_id) if one is not None}))
    # What else the checkpoint wishes for its sampling (top_k, penalties) would silently mix with the strategy's.
    model.generation_config = transformers.GenerationConfig()
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None) or spec.context_window
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        plan=plan,
        window_tokens=min(spec.context_window, int(positions)),
        end_ids=end_ids,
    )
