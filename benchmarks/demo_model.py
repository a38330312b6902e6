"""The built-in model through the product itself: one answer, votes, and the challenge flow, on held-out problems."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent_lab.contracts.generation import Context, GenerationRequest, Message
from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.demo.problems import Problem, extract_answer, held_out
from agent_lab.settings import read_settings
from agent_lab.wiring import Lab, open_lab

PROBLEMS = 60
VOTES = 5


@dataclass(slots=True)
class Arm:
    """What one way of answering got right, and what it wrote and read."""

    right: int = 0
    written: int = 0
    read: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, answer: str | None, problem: Problem, written: int, read: int) -> None:
        """Count one problem."""
        self.right += answer == problem.target
        self.written += written
        self.read += read


def plurality(answers: list[str | None]) -> str | None:
    """The most frequent answer; of equals the first given."""
    return Counter(answers).most_common(1)[0][0]


async def drafts(lab: Lab, problem: Problem, first_seed: int) -> list[tuple[str | None, int, int]]:
    """Answer, tokens written and tokens read of each of the votes."""
    found = []
    for seed in range(first_seed, first_seed + VOTES):
        turn = Message(role="user", content=problem.input)
        result = await lab.generator.generate(
            GenerationRequest(
                prompt=problem.input,
                model_key="demo",
                temperature=0.7,
                seed=seed,
                context=Context(role="creator", turns=(turn,)),
            )
        )
        usage = result.usage
        found.append((extract_answer(result.text), usage.completion_tokens, usage.prompt_tokens))
    return found


async def measure(problems: list[Problem]) -> dict[str, Arm]:
    """Every arm on every problem."""
    arms = {"one answer, T=0.7": Arm(), f"vote of {VOTES}": Arm(), "challenge": Arm()}
    single, vote, challenge = arms.values()
    with tempfile.TemporaryDirectory() as home:
        async with open_lab(read_settings({"AGENT_LAB_HOME": home})) as lab:
            for number, problem in enumerate(problems):
                votes = await drafts(lab, problem, number * VOTES)
                single.add(*votes[0][:1], problem, *votes[0][1:])
                written, read = (sum(draft[part] for draft in votes) for part in (1, 2))
                vote.add(plurality([draft[0] for draft in votes]), problem, written, read)
                options = RunOptions(model="demo", seed=number)
                info = await lab.runs.start(RunRequest(flow="challenge", prompt=problem.input, options=options))
                view = await lab.runs.wait(info.run_id)
                totals = view.totals
                challenge.add(
                    extract_answer(view.answer or ""), problem, totals.completion_tokens, totals.prompt_tokens
                )
    return arms


def lines(count: int = PROBLEMS) -> Iterator[str]:
    """A line an arm. The model card has the same on all held-out problems, with intervals."""
    problems = held_out()[:count]
    yield f"{len(problems)} held-out problems"
    for name, arm in asyncio.run(measure(problems)).items():
        share = arm.right / len(problems)
        written, read = arm.written / len(problems), arm.read / len(problems)
        yield f"{name:<18} {share:6.1%} right   {written:6.1f} tokens written, {read:6.1f} read, a problem"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else PROBLEMS):
        sys.stdout.write(line + "\n")
