"""Asks on the terminal what a run asks a person, and hands the answers in."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent_lab.cli.output import note, write
from agent_lab.cli.paper import Paper, one_line
from agent_lab.contracts.errors import ConflictError, ValidationError
from agent_lab.contracts.run import NodeView, RunView

if TYPE_CHECKING:
    from agent_lab.cli.session import Interrupts
    from agent_lab.wiring import Lab

MAX_LINE_BYTES = 65_536


def is_there() -> bool:
    """True where somebody sits before a terminal and can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty())


async def answer_all(lab: Lab, view: RunView, paper: Paper, interrupts: Interrupts) -> bool:
    """Ask everything that the run asks now; False where nobody wants to answer, and the run waits on."""
    for node in view.nodes:
        if node.question is not None and not await _answer(lab, view.run_id, node, paper, interrupts):
            return False
    return True


async def _answer(lab: Lab, run_id: str, node: NodeView, paper: Paper, interrupts: Interrupts) -> bool:
    paper.line()
    paper.rule(f"{node.label} asks")
    paper.text(node.question or "")
    paper.end_text()
    for number, choice in enumerate(node.choices, 1):
        paper.line(f"  {number}  {choice}")
    if node.default is not None:
        paper.line(f"  Enter alone means: {one_line(node.default, 60)}", style="dim")
    while True:
        write("> ")
        line = await interrupts.unless(read_line())
        if not line:  # interrupted, or the end of the input
            return False
        text = chosen(line.strip(), node.choices)
        if not text and node.default is None:
            note("Write an answer; Ctrl-C leaves the run waiting.")
            continue
        try:
            await lab.runs.answer(run_id, node.id, text)
        except ConflictError as error:  # somebody else has answered meanwhile
            note(error.message)
        except ValidationError as error:
            note(error.message)
            continue
        return True


def chosen(text: str, choices: Sequence[str]) -> str:
    """The choice that a text or a number stands for, whatever the case of its letters; else the text."""
    meant = [choice for choice in choices if choice.casefold() == text.casefold()]
    if meant:
        return text if text in meant else meant[0]
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    return text


async def read_line() -> str:
    """A line from the terminal, empty at its end; whoever waits for it may be interrupted."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    number = sys.stdin.fileno()
    try:
        loop.add_reader(number, ready.set)
    except NotImplementedError:  # there, nothing but a thread can wait for a terminal
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(number)
    return os.read(number, MAX_LINE_BYTES).decode("utf-8", "replace")
