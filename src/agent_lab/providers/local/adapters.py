"""Puts LoRA adapters on a model in memory: each row of a batch goes through its own, or through the base alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import CapacityError, UnusableError
from agent_lab.providers.local.files.adapter_files import LoraSpec, inspect_adapter

NAMES = "adapter_names"
Rows = Sequence[tuple[str, Any]]
"""The adapters of a batch, each with the numbers of its rows; None in their place stands for all rows."""


@dataclass(frozen=True, slots=True)
class _Product:
    """The two matrices that an adapter adds to one module: (inputs, rank) and (rank, outputs), the scale in the 2nd."""

    down: Any
    up: Any

    def of(self, inputs: Any) -> Any:
        """What is added for these inputs: (rows, tokens, inputs) to (rows, tokens, outputs)."""
        return (inputs.to(self.down.dtype) @ self.down) @ self.up


class Adapters:
    """The LoRA adapters of one loaded model, which stays the same object: `model` is called as before.

    A call with `**forward_kwargs(names)` sends each row through its adapter; rows without one, and calls without the
    argument, give what the base gives, to the bit. One thread calls the model and adds adapters.

    peft's own mixed batches hang hooks on every module at every step, and index with lists in every layer: measured
    with 8 rows on the built-in model, 3.4 times a step of the base (docs/finetuning.md). These matrices are applied by
    hooks that stay.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._products: dict[str, dict[str, _Product]] = {}
        """By the module's name, then by the adapter's key."""
        self._keys: dict[str, int] = {}
        self._rows: Rows = ()
        self._on_device: dict[Any, Rows] = {}
        self._is_listening = False

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of the adapters that are on the model."""
        return tuple(self._keys)

    @property
    def size_bytes(self) -> int:
        """What they take of memory."""
        return sum(self._keys.values())

    def add(self, key: str, folder: Path) -> None:
        """Put the adapter of a folder on the model under that key; one that is there already is left.

        Raises UnusableError where it is none for this model, ModelCorruptError where its files are damaged, and
        CapacityError where memory ran out.
        """
        if key in self._keys:
            return
        spec = inspect_adapter(folder)
        modules = dict(self.model.named_modules())
        _refuse_compiled(key, self.model)
        _refuse_misfit(key, spec, modules)
        products = _products(key, spec, modules)
        if not self._is_listening:
            self._listen()
        for name, product in products.items():
            if name not in self._products:
                self._products[name] = {}
                modules[name].register_forward_hook(partial(self._add_products, self._products[name]))
            self._products[name][key] = product
        self._keys[key] = sum(one.down.nbytes + one.up.nbytes for one in products.values())

    def forward_kwargs(self, names: Sequence[str | None]) -> dict[str, Any]:
        """What a forward pass is called with besides: the key of the adapter of each row, None for the base."""
        return {NAMES: tuple(names)} if any(names) else {}

    # --- hooks: of the model (which rows), of its modules (what is added to them) ----------------------------------
    def _listen(self) -> None:
        self.model.register_forward_pre_hook(self._take_names, with_kwargs=True)
        self.model.register_forward_hook(self._forget_names, always_call=True)
        self._is_listening = True

    def _take_names(self, _model: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        names = kwargs.pop(NAMES, ())
        present = dict.fromkeys(name for name in names if name)
        unknown = [name for name in present if name not in self._keys]
        if unknown:
            raise UnusableError(f"The adapter {unknown[0]!r} is not on this model; load it first.")
        if len(present) == 1 and all(names):
            self._rows = [(next(iter(present)), None)]
        else:
            self._rows = [(key, [at for at, name in enumerate(names) if name == key]) for key in present]
        self._on_device = {}
        return args, kwargs

    def _forget_names(self, *_: Any) -> None:
        self._rows, self._on_device = (), {}

    def _add_products(self, products: Mapping[str, _Product], _module: Any, args: Any, output: Any) -> Any:
        if not self._rows:
            return output
        for key, rows in self._rows_on(output.device):
            product = products.get(key)
            if product is None:
                continue
            if rows is None:
                output = output + product.of(args[0]).to(output.dtype)
            else:
                output = output.index_add(0, rows, product.of(args[0].index_select(0, rows)).to(output.dtype))
        return output

    def _rows_on(self, device: Any) -> Rows:
        if device not in self._on_device:
            import torch

            self._on_device[device] = [
                (key, None if rows is None else torch.tensor(rows, device=device)) for key, rows in self._rows
            ]
        return self._on_device[device]


def _refuse_compiled(key: str, model: Any) -> None:
    # A compiled step was traced without the hooks, and would go on to answer as the base in silence.
    if getattr(model, "_compiled_call_impl", None) is not None or hasattr(model, "_orig_mod"):
        raise UnusableError(
            f"The adapter {key!r} cannot be put on a compiled model; use a strategy without `compile` for it."
        )


def _refuse_misfit(key: str, spec: LoraSpec, modules: Mapping[str, Any]) -> None:
    for name, (_, inputs, outputs) in spec.shapes.items():
        found = _shape(modules.get(name))
        if found != (inputs, outputs):
            there = "has no such layer" if found is None else f"has {found[0]} inputs and {found[1]} outputs there"
            raise UnusableError(
                f"The adapter {key!r} in {spec.folder} is not one for this base: it changes {name[:120]} with {inputs} "
                f"inputs and {outputs} outputs, and the base {there}; mend the row's `base` or its model_id."
            )


def _shape(module: Any) -> tuple[int, int] | None:
    """(inputs, outputs) of a layer that multiplies by a matrix, quantised or not; None for any other."""
    if hasattr(module, "in_features") and hasattr(module, "out_features"):
        return int(module.in_features), int(module.out_features)
    if hasattr(module, "nx") and hasattr(module, "nf"):  # the transposed layers of GPT-2
        return int(module.nx), int(module.nf)
    return None


def _products(key: str, spec: LoraSpec, modules: Mapping[str, Any]) -> dict[str, _Product]:
    import torch
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(spec.weights))
        return {name: _product(tensors, name, scale, modules[name]) for name, scale in spec.scales.items()}
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise CapacityError(
            f"Memory ran out while the adapter {key!r} was loaded; unload other models or use a smaller one."
        ) from error


def _product(tensors: Mapping[str, Any], name: str, scale: float, module: Any) -> _Product:
    import torch

    weight = module.weight
    computed = weight.dtype if weight.is_floating_point() else getattr(module, "compute_dtype", None) or torch.float32
    matrices = [tensors[f"base_model.model.{name}.lora_{side}.weight"].to(torch.float32).T for side in "AB"]
    place = {"device": weight.device, "dtype": computed}
    return _Product(matrices[0].contiguous().to(**place), (matrices[1] * scale).contiguous().to(**place))
