"""Starts each contender as a process of its own on loopback, one worker each, and stops it again."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-the-loopback-bench-alone"
START_S = 120.0
STOP_S = 15.0
MODELS = ("burst-1", "burst-400", "paced-1", "paced-400")
DIRECT, FLOOR, OURS, LITELLM = "direct", "pass-through", "agent-lab", "litellm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A contender that takes requests."""

    name: str
    port: int
    process: psutil.Process
    token: str | None = None

    def cpu_s(self) -> float:
        """Seconds of CPU that the process and its children have used."""
        return sum(_cpu_s(one) for one in self._family())

    def rss_mb(self) -> float:
        """What they hold of RAM, in MB (1e6 bytes)."""
        return sum(one.memory_info().rss for one in self._family()) / 1e6

    def holds(self, library: str) -> bool:
        """True where a shared library of that name is in memory."""
        return any(library in part.path for one in self._family() for part in one.memory_maps(grouped=True))

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    if sys.platform == "linux":
        # The clock that clock_getcpuclockid(3) names: nanoseconds, where /proc counts hundredths of a second.
        return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, command: list[str], *, port: int, ready: str, env: Mapping[str, str] | None = None,
            token: str | None = None) -> Iterator[Server]:  # fmt: skip
    """A process that answers GET `ready`. It sees no variable but those of `env`, and no `.env` file."""
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "w+b") as log:
        home = {"HOME": folder, "PATH": "/usr/bin:/bin", **(env or {})}
        popen = subprocess.Popen(command, cwd=folder, env=home, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(popen, f"http://127.0.0.1:{port}{ready}", token, log.name)
            yield Server(name=name, port=port, process=psutil.Process(popen.pid), token=token)
        finally:
            _stop(popen)


def _wait_until_ready(popen: subprocess.Popen[bytes], url: str, token: str | None, log: str) -> None:
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"} if token else {})
    give_up_s = time.monotonic() + START_S
    while time.monotonic() < give_up_s and popen.poll() is None:
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return  # it answers, if only that there is no such page
        except OSError:
            time.sleep(0.05)
        else:
            return
    said = Path(log).read_text(errors="replace")[-2000:]
    raise SystemExit(f"{' '.join(popen.args)} does not answer at {url}; its last words:\n{said}")  # type: ignore[arg-type]


def _stop(popen: subprocess.Popen[bytes]) -> None:
    popen.terminate()
    try:
        popen.wait(STOP_S)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


@contextmanager
def upstream() -> Iterator[Server]:
    """The provider behind every contender, and the first contender itself."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.upstream", str(port)]
    with running(DIRECT, command, port=port, ready="/", env={"PYTHONPATH": str(ROOT)}) as server:
        yield server


@contextmanager
def pass_through(upstream_port: int) -> Iterator[Server]:
    """The floor."""
    port, behind = free_port(), f"http://127.0.0.1:{upstream_port}/v1/chat/completions"
    command = [sys.executable, "-m", "benchmarks.gateway.passthrough", str(port), behind]
    with running(FLOOR, command, port=port, ready="/health", env={"PYTHONPATH": str(ROOT)}) as server:
        yield server


@contextmanager
def agent_lab(registry: str, *, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`agent-lab up` of this tree, with the registry rows given as TOML and settings of its own."""
    port = free_port()
    command = [sys.executable, "-m", "agent_lab", "up", "--no-browser", "--port", str(port)]
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "bench.toml").write_text(registry, encoding="utf-8")
        env = {"AGENT_LAB_HOME": home, "AGENT_LAB_TOKEN": TOKEN, "PYTHONPATH": str(ROOT / "src"), **(settings or {})}
        with running(OURS, command, port=port, ready="/health", env=env, token=TOKEN) as server:
            yield server


def rows_for(upstream_port: int) -> str:
    """The bench's provider and its models as registry rows."""
    url = f"http://127.0.0.1:{upstream_port}/v1"
    provider = f'[[provider]]\nkey = "bench"\nkind = "openai_compatible"\nbase_url = "{url}"\n'
    return provider + "".join(f'[[model]]\nkey = "{key}"\nprovider = "bench"\n' for key in MODELS)


@contextmanager
def litellm_proxy(venv: Path, upstream_port: int) -> Iterator[Server]:
    """LiteLLM's proxy out of a virtual environment of its own."""
    port, url = free_port(), f"http://127.0.0.1:{upstream_port}/v1"
    models = "".join(
        f"- model_name: {key}\n  litellm_params: {{model: openai/{key}, api_base: '{url}', api_key: none}}\n"
        for key in MODELS
    )
    config = f"model_list:\n{models}general_settings: {{master_key: {TOKEN}}}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(config, encoding="utf-8")
        command = [str(venv / "bin" / "litellm"), "--config", str(path), "--host", "127.0.0.1", "--port", str(port)]
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "PATH": f"{venv}/bin:/usr/bin:/bin"}
        with running(LITELLM, command, port=port, ready="/health/liveliness", env=env, token=TOKEN) as server:
            yield server


@contextmanager
def contenders(litellm: Path | None) -> Iterator[list[Server]]:
    """All of them at once, each before the same upstream."""
    with ExitStack() as stack:
        behind = stack.enter_context(upstream())
        servers = [
            behind,
            stack.enter_context(pass_through(behind.port)),
            stack.enter_context(agent_lab(rows_for(behind.port))),
        ]
        if litellm is not None:
            servers.append(stack.enter_context(litellm_proxy(litellm, behind.port)))
        yield servers
