"""Calls under random faults, half of the providers dead: `python -m benchmarks.gateway_soak [--seed N] [--calls N]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from benchmarks.gateway.loopback import Caller, chat_request
from benchmarks.gateway.servers import Server, agent_lab
from benchmarks.gateway.table import Bound, bound_lines
from benchmarks.gateway_soak.probes import Probes, half_open
from benchmarks.gateway_soak.reading import Outcome, outcome
from benchmarks.gateway_soak.upstream import Upstream, answer_to, listening

CALLS = 10_000
AT_ONCE = 50
DEAD = ("overloaded", "reset", "failing", "silent")
LIVING = len(DEAD)
MODELS = 16
FAULT_SHARE = 0.06
"""Of the answers of living providers."""
SILENCE_S = 2.0
DEADLINE_S = 20.0
GRACE_S = 2.0
BREAKER_S = 5.0
"""Short: chance strikes some living model three times in a row, and the soak lasts but half a minute."""
SETTINGS = {"CIRCUIT_BREAKER_TIMEOUT": str(BREAKER_S)}


@dataclass(slots=True)
class Tally:
    """What became of the calls."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    hangs: int = 0
    longest_s: float = 0.0
    examples: list[str] = field(default_factory=list)


def rows(upstreams: list[Upstream]) -> str:
    """A provider an upstream; models spread over them, each with fallbacks on three others, dead and living."""
    parts = [
        f'[[provider]]\nkey = "up{number}"\nkind = "openai_compatible"\nbase_url = "http://127.0.0.1:{one.port}/v1"\n'
        for number, one in enumerate(upstreams)
    ]
    silence = f"{{header_s = {SILENCE_S}, first_token_s = {SILENCE_S}, idle_s = {SILENCE_S}}}"
    for number in range(MODELS):
        others = ", ".join(f'"m{(number + step) % MODELS}"' for step in (1, len(DEAD), len(DEAD) + 1))
        parts.append(
            f'[[model]]\nkey = "m{number}"\nprovider = "up{number % len(upstreams)}"\nfallbacks = [{others}]\n'
            f"timeouts = {silence}\ncontinues = {str(number % 3 == 0).lower()}\n"
        )
    return "".join(parts)


async def one_call(caller: Caller, server: Server, call: int, chance: random.Random, tally: Tally) -> None:
    """Ask a model, whole or as a stream, and write down what came of it."""
    model, stream = f"m{chance.randrange(MODELS)}", chance.random() < 0.5
    body = {"model": model, "messages": [{"role": "user", "content": f"Call {call}."}], "stream": stream}
    try:
        async with asyncio.timeout(DEADLINE_S + GRACE_S):
            reply = await caller.ask(chat_request("/v1/chat/completions", body, server.token))
    except TimeoutError:
        caller.close()
        tally.hangs += 1
        tally.examples.append(f"call {call} of {model}, stream={stream}: no answer in {DEADLINE_S + GRACE_S:g} s")
        return
    found, word = outcome(reply, answer_to(call), stream=stream)
    tally.outcomes[found] += 1
    tally.longest_s = max(tally.longest_s, reply.total_s)
    if found == "refused":
        tally.words[word] += 1
    elif found != "answered":
        tally.examples.append(f"call {call} of {model}, stream={stream}: {found}, {word}")


async def soak(seed: int, calls: int) -> tuple[Tally, list[Upstream], float]:
    """All calls, fifty at a time."""
    upstreams = [Upstream(seed=f"{seed}/{number}", always=fault) for number, fault in enumerate(DEAD)]
    upstreams += [Upstream(seed=f"{seed}/{number}", share=FAULT_SHARE) for number in range(LIVING)]
    tally, numbers = Tally(), iter(range(calls))

    async def work(server: Server) -> None:
        caller = Caller(server.port)
        for call in numbers:
            await one_call(caller, server, call, random.Random(f"{seed}/call/{call}"), tally)
        caller.close()

    async with listening(*upstreams):
        with agent_lab(rows(upstreams), settings=SETTINGS) as server:
            began_s = time.perf_counter()
            await asyncio.gather(*(work(server) for _ in range(AT_ONCE)))
            return tally, upstreams, time.perf_counter() - began_s


def bounds(tally: Tally, upstreams: list[Upstream], calls: int, probes: Probes) -> list[Bound]:
    """What must hold."""
    attempts = sum(one.arrivals for one in upstreams)
    unanswered = calls - tally.outcomes["answered"]
    return [
        Bound(what="calls that hung", value=tally.hangs, at_most=0, unit=""),
        Bound(what="truncated answers called success", value=tally.outcomes["truncated"], at_most=0, unit=""),
        Bound(what="ends that are neither answer nor error", value=tally.outcomes["unclear"], at_most=0, unit=""),
        Bound(what="calls that ended with an error", value=unanswered / calls * 100, at_most=5, unit="%"),
        Bound(what="attempts a call", value=attempts / calls, at_most=1.2, unit="x"),
        Bound(what="half-open probes beyond one, failing", value=abs(probes.failing - 1), at_most=0, unit=""),
        Bound(what="half-open probes beyond one, healing", value=abs(probes.healing - 1), at_most=0, unit=""),
        Bound(what="healed models left alone", value=not probes.closed_again, at_most=0, unit=""),
    ]


def lines(tally: Tally, upstreams: list[Upstream], wall_s: float, found: list[Bound]) -> Iterator[str]:
    """What happened, and what of it was promised."""
    yield f"{sum(tally.outcomes.values()) + tally.hangs} calls in {wall_s:.0f} s, the longest {tally.longest_s:.1f} s"
    yield "outcomes   " + ", ".join(f"{count} {word}" for word, count in tally.outcomes.most_common())
    yield "refusals   " + (", ".join(f"{count} x {word}" for word, count in tally.words.most_common()) or "none")
    for number, one in enumerate(upstreams):
        faults = sum(count for fault, count in one.faults.items() if fault != "none")
        yield f"provider {number} {one.always or 'living':<11} {one.arrivals:>6} arrivals, {faults:>6} faults"
    yield from (f"  {example}" for example in tally.examples[:20])
    yield from bound_lines(found, {})


def main() -> int:
    """0 where every bound holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway_soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    options = parser.parse_args()
    tally, upstreams, wall_s = asyncio.run(soak(options.seed, options.calls))
    probes = asyncio.run(half_open())
    found = bounds(tally, upstreams, options.calls, probes)
    if options.json:
        said = [{**asdict(one), "verdict": one.word({})} for one in found]
        document = {"seed": options.seed, "wall_s": wall_s, "bounds": said, **asdict(tally), "probes": asdict(probes)}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        said_lines = [f"seed {options.seed}", *lines(tally, upstreams, wall_s, found)]
        sys.stdout.write("".join(f"{line}\n" for line in said_lines))
    return 0 if all(one.word({}) == "pass" for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
