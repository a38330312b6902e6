"""Problems that the built-in model was not trained on, with their right answers."""

from __future__ import annotations

import secrets

from agent_lab.demo import problems


def pick_example(seed: int | None) -> problems.Problem:
    """One of the held-out problems: always the same one for a seed, else any."""
    held_out = problems.held_out()
    return held_out[secrets.randbelow(len(held_out)) if seed is None else seed % len(held_out)]


def figure(answer: str | None) -> str | None:
    """The figure that an answer gives, by the rule that scores the built-in model."""
    return None if answer is None else problems.extract_answer(answer)
