"""Asks a person, who may take days; the answer is the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from agent_lab.contracts.flow import Text, in_language
from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState
from agent_lab.nodes.filling import filled
from agent_lab.nodes.settings import NodeSettings


class HumanSettings(NodeSettings):
    """A question to a person. `question` is a template; where there are `choices`, the answer is one of them.

    `default`: what an answer without a word means.
    """

    question: Text
    choices: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    default: Text | None = None


async def ask(state: AgentState, settings: HumanSettings, step: Step) -> NodeOutput:
    """The person's answer."""
    language = state["language"]
    choices = [in_language(choice, language) for choice in settings.choices]
    default = None if settings.default is None else in_language(settings.default, language)
    answer = await step.ask(filled(settings.question, state, step), choices=choices, default=default)
    chosen = chosen_index(answer, choices)
    text = answer if chosen is None else choices[chosen]
    return NodeOutput(text=text, fields={"answer": text, "choice": chosen})


def chosen_index(answer: str, choices: Sequence[str]) -> int | None:
    """Which of the choices the answer is, whatever the case of its letters; None where it is none."""
    said = answer.strip().casefold()
    return next((index for index, choice in enumerate(choices) if choice.strip().casefold() == said), None)


def _problems(settings: HumanSettings) -> Iterator[tuple[str, str]]:
    for language in ("en", "es"):
        choices = [in_language(choice, language) for choice in settings.choices]
        for index, choice in enumerate(choices):
            if not choice.strip():
                yield f"/choices/{index}", "A choice is empty; write what may be answered."
            elif chosen_index(choice, choices) != index:
                yield f"/choices/{index}", f"The choice {choice[:60]!r} is there twice; take one out."
        if settings.default is not None and choices:
            default = in_language(settings.default, language)
            if chosen_index(default, choices) is None:
                yield "/default", f"{default[:60]!r} is none of the choices; name one of them."


HUMAN = NodeKind(
    name="human",
    summary="Asks a person and waits for the answer.",
    settings=HumanSettings,
    run=ask,
    fields={
        "answer": said("human_answer", "what the person said"),
        "choice": said("human_choice", "which of the choices it is, from 0; null where it is none"),
    },
    types={"answer": "text", "choice": "number"},
    templates=("question",),
    steady=False,
    problems=lambda settings: dict.fromkeys(_problems(settings)),
)
