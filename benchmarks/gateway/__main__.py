"""The gateway's figures, as ratios within one run: `python -m benchmarks.gateway`."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.gateway import measures, table
from benchmarks.gateway.servers import LITELLM, OURS, ROOT, Server, contenders

SDK_ROUNDS = 3
SDK_CALLS = 200
HOW_TO_LITELLM = (
    "LiteLLM is not measured. To measure it too: python3 -m venv .venv-litellm && "
    ".venv-litellm/bin/pip install 'litellm[proxy]==1.109.*'"
)


def sdk_figures(upstream_port: int, litellm: Path | None) -> dict[str, dict[str, float]]:
    """CPU in us of a call by each SDK, with 1 and with 40 messages; the ways take turns."""
    pythons = {"openai-typed": sys.executable, "openai-post": sys.executable}
    if litellm is not None:
        pythons["litellm-sdk"] = str(litellm / "bin" / "python")
    found: dict[str, dict[str, list[float]]] = {way: {"1": [], "40": []} for way in pythons}
    url = f"http://127.0.0.1:{upstream_port}/v1"
    for _ in range(SDK_ROUNDS):
        for way, python in pythons.items():
            for messages in found[way]:
                found[way][messages].append(_sdk_us(python, way, url, messages))
    return {way: {count: statistics.median(each) for count, each in row.items()} for way, row in found.items()}


def _sdk_us(python: str, way: str, url: str, messages: str) -> float:
    script = str(ROOT / "benchmarks" / "gateway" / "sdk_calls.py")
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PATH": "/usr/bin:/bin"}
    command = [python, script, way, url, messages, str(SDK_CALLS)]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


async def measure(servers: list[Server], effort: measures.Effort) -> tuple[dict[str, dict[str, float]], table.Rounds]:
    """Memory first, for it wants a server that has done nothing; then the rounds."""
    memory = {server.name: await measures.memory_mb(server) for server in servers}
    named = [(server.name, server) for server in servers]
    again = [(table.AGAIN, server) for server in servers if server.name == OURS]
    return memory, await measures.rounds([*named, *again], effort)


def run(litellm: Path | None, effort: measures.Effort) -> dict[str, Any]:
    """Everything that there is to say, as a document with the lines of its table."""
    with contenders(litellm) as servers:
        memory, rounds = asyncio.run(measure(servers, effort))
        torch = any(server.holds("libtorch") for server in servers if server.name == OURS)
        sdks = sdk_figures(servers[0].port, litellm)
    figures = table.medians(rounds)
    found, noisy = table.bounds(figures, memory), table.noise(figures)
    lines = [*table.figure_lines(figures, memory), "", *table.sdk_lines(sdks), "", *table.bound_lines(found, noisy)]
    if torch:
        lines.append("FAIL  the server has loaded torch, which none of these calls needs")
    document = table.document(figures, rounds, found, memory_mb=memory, sdk_us=sdks, torch_loaded=torch)
    return {**document, "lines": lines, "ok": not torch and all(one.word(noisy) == "pass" for one in found)}


def litellm_venv(named: Path | None) -> Path | None:
    """The environment that has LiteLLM: the one named, else `.venv-litellm` beside this tree."""
    venv = (named or ROOT / ".venv-litellm").absolute()
    if (venv / "bin" / "litellm").exists():
        return venv
    if named is not None:
        raise SystemExit(f"There is no {LITELLM} in {named}; {HOW_TO_LITELLM}")
    return None


def main() -> int:
    """0 where every bound holds; 1 where one does not, or where the machine was too noisy to tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--litellm", type=Path, metavar="VENV", help="a virtual environment that has litellm[proxy]")
    parser.add_argument("--quick", action="store_true", help="a minute's run, to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    options = parser.parse_args()
    venv = litellm_venv(options.litellm)
    document = run(venv, measures.Effort.quick() if options.quick else measures.Effort())
    lines = document.pop("lines")
    if options.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        lines += [] if venv else ["", HOW_TO_LITELLM]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
