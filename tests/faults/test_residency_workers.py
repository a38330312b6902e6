"""A model in a worker process that is killed: the others stay, its answers end, and the next request loads it anew."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from agent_lab.contracts.errors import BrokenOffError
from agent_lab.contracts.registry import Sampling
from agent_lab.providers.local.batching.opening import open_engine
from agent_lab.providers.local.engine import Job
from agent_lab.providers.local.host import Lease
from agent_lab.providers.local.loading.loader import TransformersLoader
from agent_lab.providers.local.worker.loader import IsolatingLoader
from support.scripted_engine import Heard
from support.tiny_model import STANDARD, LocalStack, local_stack, tiny_spec

pytest_plugins = ["support.tiny_fixtures"]


@pytest.fixture
async def stack(tiny_folder: Path) -> AsyncIterator[LocalStack]:
    """`apart` runs in a worker process, `here` does not."""
    apart = tiny_spec(tiny_folder, "apart", residency={"worker": True})
    loader = IsolatingLoader(TransformersLoader(open_engine=open_engine))
    stack = local_stack(apart, tiny_spec(tiny_folder, "here"), loader=loader)
    yield stack
    await stack.host.close()


def ask(lease: Lease, max_tokens: int) -> Heard:
    reader = Heard()
    job = Job(prompt_ids=(70, 71, 72), max_tokens=max_tokens, sampling=Sampling(temperature=1.0), seed=1)
    lease.engine.submit(job, reader)
    return reader


async def test_a_killed_worker_takes_its_own_answers_down_and_comes_back_with_the_next_request(
    stack: LocalStack, tiny_folder: Path
) -> None:
    apart = tiny_spec(tiny_folder, "apart", residency={"worker": True})
    beside = await stack.host.lease(tiny_spec(tiny_folder, "here"), STANDARD)
    lease = await stack.host.lease(apart, STANDARD)
    pid = lease.loaded.worker_pid
    assert pid is not None
    assert {model.worker_pid for model in stack.host.resident()} == {None, pid}
    os.kill(pid, signal.SIGSTOP)
    answer = ask(lease, 400)
    os.kill(pid, signal.SIGKILL)
    assert isinstance(await asyncio.to_thread(answer.ended), BrokenOffError)
    assert [model.model_key for model in stack.host.resident()] == ["here"]
    again = await stack.host.lease(apart, STANDARD)
    assert again.loaded.worker_pid not in {None, pid}
    lease.release()
    assert {model.model_key: model.in_use for model in stack.host.resident()} == {"here": 1, "apart": 1}
    assert not isinstance(await asyncio.to_thread(ask(again, 3).ended), Exception)
    assert not isinstance(await asyncio.to_thread(ask(beside, 3).ended), Exception)
    assert stack.manager.get_memory_stats()["lost"] == 1
    again.release()
    beside.release()
    assert await stack.host.unload("apart") == ["apart"]
    assert not psutil.pid_exists(pid)
