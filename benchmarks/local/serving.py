"""The same weights behind three servers: ours, `transformers serve`, and the latter with its continuous batching."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp

from benchmarks.gateway.servers import Server, agent_lab, free_port, running
from benchmarks.local.checkpoints import words

TOKENS = 64
PLAIN, BATCHING, OURS = "transformers serve", "transformers serve, continuous batching", "agent-lab"


@contextmanager
def transformers_serve(name: str, folder: Path, *flags: str) -> Iterator[Server]:
    """`transformers serve` on the checkpoint."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32", *flags]
    with running(name, command, port=port, ready="/health", env={"HF_HUB_OFFLINE": "1"}) as server:
        yield server


@contextmanager
def contenders(folder: Path) -> Iterator[dict[str, tuple[Server, str]]]:
    """Each server, and what it calls the model."""
    # Single precision for all: what this machine computes best is another question than who uses it best.
    strategy = '[[strategy]]\nname = "single"\ndescription = "-"\nloading = { precision = "float32" }\n'
    model = f'key = "bench"\nprovider = "local"\nmodel_id = "{folder}"\ncontext_window = 4096\n'
    row = f'{strategy}[[model]]\n{model}default_strategy = "single"\n'
    with ExitStack() as open_:
        yield {
            OURS: (open_.enter_context(agent_lab(row)), "bench"),
            PLAIN: (open_.enter_context(transformers_serve(PLAIN, folder)), str(folder)),
            BATCHING: (open_.enter_context(transformers_serve(BATCHING, folder, "--continuous-batching")), str(folder)),
        }


async def ask(session: aiohttp.ClientSession, server: Server, model: str, prompt: str) -> int:
    """The tokens of one whole answer."""
    url = f"http://127.0.0.1:{server.port}/v1/chat/completions"
    body = {"model": model, "max_tokens": TOKENS, "temperature": 0, "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": f"Bearer {server.token}"} if server.token else {}
    async with session.post(url, json=body, headers=headers) as answered:
        if answered.status != 200:
            raise SystemExit(f"{server.name} answers {answered.status}: {(await answered.text())[:300]}")
        return int((await answered.json())["usage"]["completion_tokens"])


async def tokens_per_s(server: Server, model: str, count: int, seed: int) -> float:
    """Tokens a second with that many requests at once."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:
        prompts = [words(32 + 16 * (number % 4), seed + number) for number in range(count)]
        begun = time.perf_counter()
        tokens = await asyncio.gather(*(ask(session, server, model, prompt) for prompt in prompts))
        return sum(tokens) / (time.perf_counter() - begun)


def measure(folder: Path, counts: tuple[int, ...], rounds: int) -> dict[str, dict[str, float]]:
    """Tokens a second by server and by how many ask at once: the median of rounds in which the servers take turns."""
    with contenders(folder) as servers:
        found: dict[str, dict[str, list[float]]] = {name: {str(one): [] for one in counts} for name in servers}
        _round(servers, counts, 0)  # loads the models and warms up
        for number in range(1, rounds + 1):
            for name, count, rate in _round(servers, counts, number):
                found[name][str(count)].append(rate)
    return {name: {count: statistics.median(rates) for count, rates in row.items()} for name, row in found.items()}


def _round(
    servers: dict[str, tuple[Server, str]], counts: tuple[int, ...], number: int
) -> list[tuple[str, int, float]]:
    """Each server, how many asked it at once, and its tokens a second."""
    return [
        (name, count, asyncio.run(tokens_per_s(server, model, count, 1000 * number)))
        for count in counts
        for name, (server, model) in servers.items()
    ]
