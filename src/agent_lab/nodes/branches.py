"""Runs the branches of one turn side by side; a branch that fails is data where that is wished."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar

from agent_lab.contracts.errors import AgentLabError, LimitExceededError

T = TypeVar("T")
OnError = Literal["fail", "skip"]
"""`fail`: the run ends with the error. `skip`: it goes on without what failed, and the node's fields say so."""


async def side_by_side(branches: Sequence[Callable[[], Awaitable[T]]], *, on_error: OnError) -> list[T | AgentLabError]:
    """What each branch gave, in their order; the error of one that failed where those are skipped.

    Else the first error ends the others. Whatever is no AgentLabError, such as a turn that is left to wait for a
    person, is raised once the others have ended, so that what they are paying for is not asked again.
    """
    left: list[BaseException] = []

    async def run(branch: Callable[[], Awaitable[T]]) -> T | AgentLabError | None:
        try:
            return await branch()
        except AgentLabError as error:
            # A limit of the run is no fault of the branch.
            if on_error == "fail" or isinstance(error, LimitExceededError):
                raise
            return error
        except Exception as other:  # noqa: BLE001 - raised below
            left.append(other)
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(branch)) for branch in branches]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if left:
        raise left[0]
    return [result for task in tasks if (result := task.result()) is not None]
