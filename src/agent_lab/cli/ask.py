"""`agent-lab ask`: one question to one model, once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import click

from agent_lab.cli.options import as_json, fitting, offline, sampling_options

if TYPE_CHECKING:
    from agent_lab.cli.paper import Paper
    from agent_lab.contracts.generation import GenerationRequest, GenerationResult, Piece
    from agent_lab.contracts.registry import ModelSpec
    from agent_lab.wiring import Lab


@click.command()
@click.argument("prompt")
@click.option("--model", metavar="KEY", help="The model to ask; else the default one.")
@click.option("--system", metavar="TEXT", help="What the model is told before the question.")
@sampling_options
@offline
@as_json
def ask(prompt: str, model: str | None, system: str | None, as_json: bool, **sampling: Any) -> int:
    """Ask one model PROMPT (`-` reads it from standard input).

    The answer goes to standard output; what it took, to standard error.
    """
    from agent_lab.cli.question import read_question
    from agent_lab.cli.session import with_lab
    from agent_lab.contracts.generation import Context, GenerationRequest

    context = fitting(Context, system=system)
    question = read_question(prompt)
    request = fitting(GenerationRequest, prompt=question, model_key=model, context=context, **sampling)

    async def work(lab: Lab) -> int:
        result = await (_whole(lab, request) if as_json else _streamed(lab, request))
        return 1 if result.finish_reason == "declined" else 0

    return with_lab(work)


async def _whole(lab: Lab, request: GenerationRequest) -> GenerationResult:
    from agent_lab.cli.output import write_json

    result = await lab.generator.generate(request)
    write_json(result.model_dump(mode="json"))
    return result


async def _streamed(lab: Lab, request: GenerationRequest) -> GenerationResult:
    from agent_lab.cli.following import loading
    from agent_lab.cli.paper import standard_paper

    model = lab.gateway.resolve_model(request)
    paper = standard_paper(moving=True)
    paper.progress(f"{model.key} · loading the model ..." if loading(lab, model) else model.key)
    stream = cast("AsyncGenerator[Piece, None]", lab.generator.stream(request))
    try:
        result = await _spoken(paper, stream, model)
    finally:
        paper.close()
    _tell(result, model)
    return result


async def _spoken(paper: Paper, stream: AsyncGenerator[Piece, None], model: ModelSpec) -> GenerationResult:
    from agent_lab.contracts.errors import UnusableError
    from agent_lab.contracts.generation import AnswerRestarted, GenerationResult, TextDelta

    began = datetime.now(UTC)
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if isinstance(piece, GenerationResult):
                return piece
            if isinstance(piece, AnswerRestarted):
                paper.line("(broken off; another answer)", style="warn")
            elif isinstance(piece, TextDelta):
                paper.progress(model.key, began)
                paper.text(piece.text)
    raise UnusableError("The answer ended without a result; ask again or use another model.")


def _tell(result: GenerationResult, model: ModelSpec) -> None:
    from agent_lab.cli.figures import generation_line
    from agent_lab.cli.output import note

    label = " · demonstration model" if model.demonstration and result.model_key == model.key else ""
    note(f"{result.model_key}{label} · {generation_line(result)}")
    for sentence in result.notes:
        note(sentence)
