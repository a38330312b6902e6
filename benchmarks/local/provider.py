"""Figures of the local provider beside bare transformers: both use the same weights, and take turns."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import Loading, ModelSpec, Sampling, StrategySpec
from agent_lab.providers.local.gpu_guard import capability
from agent_lab.providers.local.manager import LoadingOptions
from benchmarks.local.checkpoints import words
from benchmarks.local.plain import Plain, plain
from support.tiny_model import LocalStack, local_stack

STRATEGY = StrategySpec(name="standard", description="as it is", loading=Loading(context=2048, parallel=8))
TOKENS = 64


@dataclass(frozen=True, slots=True)
class Bench:
    """A model in memory, by our provider and by bare transformers."""

    stack: LocalStack
    spec: ModelSpec
    tokenizer: Any
    plain: Plain

    def call(self, prompt: str, *, tokens: int = TOKENS, streamed: bool = True) -> ModelCall:
        """A greedy call."""
        return ModelCall(
            request=GenerationRequest(prompt=prompt, max_tokens=tokens),
            model=self.spec,
            strategy=STRATEGY,
            sampling=Sampling(temperature=0),
            max_tokens=tokens,
            timeout_s=600,
            streamed=streamed,
        )

    def ids(self, prompt: str) -> list[int]:
        """The prompt as the provider has the model read it."""
        chat = [{"role": "user", "content": prompt}]
        ids = self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        return [int(one) for one in ids]


def spec_of(folder: Path, key: str = "bench") -> ModelSpec:
    """A registry row for a checkpoint. Nothing ends an answer early: 64 tokens are 64 tokens."""
    return ModelSpec(key=key, provider="local", model_id=str(folder), context_window=4096)


@contextmanager
def bench_of(folder: Path) -> Iterator[Bench]:
    """The checkpoint in memory."""
    spec = spec_of(folder)
    stack = local_stack(spec, machine=capability)
    loaded = stack.manager.load_model("bench", "standard")
    dtype = str(loaded.model.dtype).removeprefix("torch.")
    try:
        with plain(folder, dtype) as bare:
            yield Bench(stack, spec, loaded.tokenizer, bare)
    finally:
        asyncio.run(stack.provider.close())


async def answer(bench: Bench, call: ModelCall) -> ModelAnswer:
    """The whole answer of a call."""
    async with aclosing(bench.stack.provider.stream(call)) as pieces:
        async for piece in pieces:
            if isinstance(piece, ModelAnswer):
                return piece
    raise RuntimeError("the provider gave no answer")


def turns(ways: dict[str, Callable[[int], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, in turns; the first round warms up and is not counted."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            way(number)
            if number:
                found[name].append(time.perf_counter() - begun)
    return found


def paired_ratio(found: dict[str, list[float]], one: str, other: str) -> float:
    """Median over the rounds of one way's seconds by the other's."""
    return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))


def hit_us(bench: Bench, calls: int = 20_000) -> float:
    """Microseconds of a `get_model` that finds the model in memory."""
    manager = bench.stack.manager
    begun = time.perf_counter()
    for _ in range(calls):
        manager.get_model("bench", "standard")
    return (time.perf_counter() - begun) / calls * 1e6


def one_request(bench: Bench, rounds: int) -> dict[str, float]:
    """Seconds of one request: by `generate`, by the provider whole, and by the provider streamed; same tokens."""
    prompts = [words(64, seed) for seed in range(rounds + 1)]
    loop = asyncio.new_event_loop()
    ways: dict[str, Callable[[int], Any]] = {
        "generate": lambda number: bench.plain.generate([bench.ids(prompts[number])], tokens=TOKENS, padded=False),
        "whole": lambda number: loop.run_until_complete(_exactly(bench, prompts[number], streamed=False)),
        "streamed": lambda number: loop.run_until_complete(_exactly(bench, prompts[number], streamed=True)),
    }
    found = turns(ways, rounds)
    loop.close()
    return {
        "generate_s": statistics.median(found["generate"]),
        "overhead": paired_ratio(found, "whole", "generate") - 1,
        "streaming": paired_ratio(found, "streamed", "whole") - 1,
    }


async def _exactly(bench: Bench, prompt: str, *, streamed: bool, tokens: int = TOKENS) -> None:
    got = await answer(bench, bench.call(prompt, tokens=tokens, streamed=streamed))
    if got.completion_tokens != tokens:
        raise RuntimeError(f"an answer has {got.completion_tokens} tokens, not {tokens}: the figures would not compare")


def batch(bench: Bench, rounds: int, count: int = 8) -> dict[str, float]:
    """Tokens a second for several prompts: one after another, as a padded batch, and at once by the provider."""

    def prompts(number: int) -> list[str]:
        return [words(32 + 16 * (seed % 4), 1000 * number + seed) for seed in range(count)]

    def bare(number: int, *, padded: bool) -> None:
        bench.plain.generate([bench.ids(prompt) for prompt in prompts(number)], tokens=TOKENS, padded=padded)

    async def together(number: int, *, streamed: bool) -> None:
        await asyncio.gather(*(_exactly(bench, prompt, streamed=streamed) for prompt in prompts(number)))

    loop = asyncio.new_event_loop()
    ways: dict[str, Callable[[int], Any]] = {
        "serial": lambda number: bare(number, padded=False),
        "padded": lambda number: bare(number, padded=True),
        "ours": lambda number: loop.run_until_complete(together(number, streamed=False)),
        "streamed": lambda number: loop.run_until_complete(together(number, streamed=True)),
    }
    found = turns(ways, rounds)
    loop.close()
    rates = {name: count * TOKENS / statistics.median(seconds) for name, seconds in found.items()}
    return {
        **{f"{name}_tokens_per_s": rate for name, rate in rates.items()},
        "by_serial": paired_ratio(found, "serial", "ours"),
        "by_padded": paired_ratio(found, "padded", "ours"),
    }


def shared_prefix(bench: Bench, rounds: int, experts: int = 3) -> dict[str, float]:
    """Seconds to the first tokens of all experts on one question of about 512 tokens, beside those of one."""

    async def ask(number: int, count: int) -> None:
        question = words(512, 5000 + number)
        parts = [f"{question}\n\nAnswer as expert {name}." for name in ("safety", "speed", "people")[:count]]
        await asyncio.gather(*(_exactly(bench, part, streamed=True, tokens=1) for part in parts))

    loop = asyncio.new_event_loop()
    ways: dict[str, Callable[[int], Any]] = {
        "one": lambda number: loop.run_until_complete(ask(2 * number, 1)),
        "all": lambda number: loop.run_until_complete(ask(2 * number + 1, experts)),
    }
    found = turns(ways, rounds)
    loop.close()
    return {"one_s": statistics.median(found["one"]), "ratio": paired_ratio(found, "all", "one")}


def cold_load(folder: Path, rounds: int, **options: Unpack[LoadingOptions]) -> dict[str, float]:
    """Seconds to load a checkpoint whose files lie in the page cache, beside reading all of its bytes."""
    file = folder / "model.safetensors"
    stack = local_stack(spec_of(folder), machine=capability)

    def read(_: int) -> None:
        with file.open("rb", buffering=0) as opened:
            buffer = bytearray(file.stat().st_size)
            opened.readinto(buffer)

    def load(_: int) -> None:
        stack.manager.load_model("bench", "standard", **options)
        # Unloading is no part of it, but the next round has to begin without the model.

    found: dict[str, list[float]] = {"read": [], "load": []}
    ways: Sequence[tuple[str, Callable[[int], None]]] = (("read", read), ("load", load))
    for number in range(rounds + 1):
        for name, way in ways:
            begun = time.perf_counter()
            way(number)
            if number:
                found[name].append(time.perf_counter() - begun)
        stack.manager.cleanup_all()
        gc.collect()
    gigabytes = file.stat().st_size / 1e9
    return {
        "gigabytes": gigabytes,
        "read_s": statistics.median(found["read"]),
        "load_s": statistics.median(found["load"]),
        "ratio": paired_ratio(found, "load", "read"),
    }


def cycles(folder: Path, count: int) -> dict[str, float]:
    """Resident memory after that many loads and unloads, beside what it was after the first few. MB."""
    import psutil

    stack = local_stack(spec_of(folder), machine=capability)
    process = psutil.Process()
    after: list[float] = []
    for _ in range(count):
        stack.manager.load_model("bench", "standard")
        stack.manager.cleanup_all()
        after.append(process.memory_info().rss / 1e6)
    early, late = statistics.median(after[5:15]), statistics.median(after[-10:])
    return {"early_mb": early, "late_mb": late, "growth": late / early - 1}
