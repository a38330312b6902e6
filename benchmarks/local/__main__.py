"""The figures of local models, as ratios within one run: `python -m benchmarks.local`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the stack around a checkpoint is shared with the tests

from benchmarks.local import provider, serving  # noqa: E402
from benchmarks.local.checkpoints import make  # noqa: E402


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure of the promise, and whether it is kept."""

    says: str
    value: float
    bound: float
    at_least: bool = False
    unit: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the figure is on the right side of its bound."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self) -> str:
        """The figure as a line of the table."""
        word, sign = ("pass" if self.is_kept else "FAIL"), (">=" if self.at_least else "<=")
        return f"{word}  {self.says:<62} {self.value:9.3g}{self.unit} ({sign} {self.bound:g}{self.unit})"


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    rounds: int = 7
    cycles: int = 200
    sizes: tuple[str, ...] = ("20m", "200m")
    big: str = "1gb"

    @classmethod
    def quick(cls) -> Effort:
        """To see that it works."""
        return cls(rounds=2, cycles=20, sizes=("20m",), big="20m")


Part = Callable[[Path, Effort, dict[str, Any]], Iterator[Bound | str]]


def of_one_model(folder: Path, effort: Effort, document: dict[str, Any]) -> Iterator[Bound | str]:
    """Hits, one request, many requests, a shared question, for each size."""
    for size in effort.sizes:
        with provider.bench_of(make(size, folder)) as bench:
            hit_us = provider.hit_us(bench)
            one = provider.one_request(bench, effort.rounds)
            many = provider.batch(bench, effort.rounds)
            shared = provider.shared_prefix(bench, effort.rounds)
        document[size] = {"hit_us": hit_us, "one": one, "batch": many, "shared": shared}
        yield f"{size}: one after another {many['serial_tokens_per_s']:.0f} tokens/s, as a padded batch of 8"
        ours = f"{many['ours_tokens_per_s']:.0f}, streamed {many['streamed_tokens_per_s']:.0f}"
        yield f"     {many['padded_tokens_per_s']:.0f}, by agent-lab {ours}"
        yield Bound(f"{size}: get_model of a model in memory", hit_us / 1000, 1, unit=" ms")
        yield Bound(f"{size}: one request beside generate, more seconds", one["overhead"] * 100, 5, unit=" %")
        yield Bound(f"{size}: streamed beside whole, more seconds", one["streaming"] * 100, 5, unit=" %")
        yield Bound(f"{size}: 8 prompts at once, times one after another", many["by_serial"], 3, at_least=True)
        yield Bound(f"{size}: 8 prompts at once, times a padded batch", many["by_padded"], 1, at_least=True)
        yield Bound(f"{size}: first tokens of 3 on one question, times those of 1", shared["ratio"], 1.3)


def of_loading(folder: Path, effort: Effort, document: dict[str, Any]) -> Iterator[Bound | str]:
    """A cold load beside reading its bytes, and what many loads leave behind."""
    cold = provider.cold_load(make(effort.big, folder), effort.rounds)
    wider = provider.cold_load(make(effort.big, folder), effort.rounds, precision="float32")
    cycles = provider.cycles(make("20m", folder), effort.cycles)
    document["loading"] = {"cold": cold, "wider": wider, "cycles": cycles}
    yield f"{cold['gigabytes']:.2f} GB: read in {cold['read_s']:.2f} s, loaded in {cold['load_s']:.2f} s"
    yield Bound("loading a checkpoint, times reading its bytes", cold["ratio"], 1.3)
    yield f"the same as float32, times reading its bytes: {wider['ratio']:.2f}"
    yield Bound(f"{effort.cycles} loads and unloads, more memory", cycles["growth"] * 100, 2, unit=" %")


def of_serving(folder: Path, effort: Effort, document: dict[str, Any]) -> Iterator[Bound | str]:
    """Whole servers on the same weights."""
    rates = serving.measure(make(effort.sizes[-1], folder), (1, 8), max(1, effort.rounds // 2))
    document["serving"] = rates
    for name, row in rates.items():
        yield f"{effort.sizes[-1]} over HTTP: {name}: " + ", ".join(
            f"{c} at once {r:.0f} tokens/s" for c, r in row.items()
        )
    ours = rates[serving.OURS]["8"]
    best = max(rate["8"] for name, rate in rates.items() if name != serving.OURS)
    yield Bound("8 at once over HTTP, times the better transformers serve", ours / best, 1, at_least=True)


PARTS: dict[str, Part] = {"model": of_one_model, "loading": of_loading, "serving": of_serving}


def main() -> int:
    """0 where every bound holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute's run, to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="only this part (may be repeated)")
    parser.add_argument("--size", choices=("20m", "200m"), help="only this size of model")
    parser.add_argument("--folder", type=Path, help="where the checkpoints are made, and kept for the next time")
    options = parser.parse_args()
    effort = Effort.quick() if options.quick else Effort()
    if options.size:
        effort = replace(effort, sizes=(options.size,))
    document: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as passing:
        folder = (options.folder or Path(passing)).absolute()
        found = chain.from_iterable(PARTS[name](folder, effort, document) for name in options.part or PARTS)
        kept = [_told(one, quiet=options.json) for one in found]
    if options.json:
        sys.stdout.write(json.dumps({"figures": document, "ok": all(kept)}, indent=2) + "\n")
    return 0 if all(kept) else 1


def _told(found: Bound | str, *, quiet: bool) -> bool:
    """Print a line as soon as it is known; whether its bound is kept."""
    if not quiet:
        sys.stdout.write(f"{found if isinstance(found, str) else found.line()}\n")
        sys.stdout.flush()
    return isinstance(found, str) or found.is_kept


if __name__ == "__main__":
    sys.exit(main())
