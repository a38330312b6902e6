"""Has a model compare an answer with a reference, blind and in both orders; a verdict that flips is a tie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.contracts.flow import in_language
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.ports import Generator
from agent_lab.evaluation.scoring import Scored
from agent_lab.flows.templates import parse, render
from agent_lab.gateway.text import clean
from agent_lab.nodes.branches import side_by_side
from agent_lab.nodes.judging import CRITERIA, PAIR, PAIR_SCHEMA, Comparison, read_verdict
from agent_lab.nodes.structured import asked_schema
from agent_lab.nodes.voting.choices import normalized

VERSION = "judge@1"
ANSWER, REFERENCE = "answer", "reference"
MAX_ANSWER_CHARS = 100_000
SAME = "both say the same"
NEITHER = "neither has answered"
FLIPPED = "the verdict changed with the order"
UNREADABLE = "a verdict could not be read"


@dataclass(slots=True)
class Spent:
    """What the judge took so far. `cost_usd`: None once a price was not known."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def add(self, result: GenerationResult) -> None:
        """Count one call."""
        self.calls += 1
        self.prompt_tokens += result.usage.prompt_tokens
        self.completion_tokens += result.usage.completion_tokens
        known = self.cost_usd is not None and result.usage.cost_usd is not None
        self.cost_usd = (self.cost_usd or Decimal(0)) + (result.usage.cost_usd or Decimal(0)) if known else None


class PairJudge:
    """Compares answers two by two. It is shown two texts as 1 and 2, and never told whose they are.

    `spec.question`: what makes an answer the better one; `{target}` in it is the item's target. Verdicts that differ
    between the orders are a tie (L. Zheng et al., "Judging LLM-as-a-judge with MT-Bench and Chatbot Arena", 2023).
    """

    version = VERSION
    binary = False

    def __init__(self, spec: ScorerSpec, generator: Generator, *, language: str = "en") -> None:
        self._spec = spec
        self._generator = generator
        self._language = language
        self.spent = Spent()

    def read(self, text: str) -> str | None:
        """What the answer comes down to: its final statement, as a text."""
        return normalized(clean(text), "answer")

    async def compare(self, item: Item, answer: str | None, reference: str | None) -> Scored:
        """1 where the answer is the better one, 0 where the reference is, 0.5 for a tie. Who has not answered loses.

        Raises ProviderError, LimitExceededError, ValidationError where the judge itself cannot be asked.
        """
        said, other = clean(answer or "").strip(), clean(reference or "").strip()
        choice = self.read(said)
        if said == other:
            return Scored(choice=choice, score=0.5, note=SAME if said else NEITHER)
        if not said or not other:
            return Scored(choice=choice, score=float(bool(said)))
        calls = [partial(self._ask, item, *order) for order in ((said, other), (other, said))]
        heard = await side_by_side(calls, on_error="fail")
        straight, swapped = (read_verdict(result.text) for result in heard if isinstance(result, GenerationResult))
        compared = Comparison(ANSWER, REFERENCE, straight, swapped)
        score = {ANSWER: 1.0, REFERENCE: 0.0, None: 0.5}[compared.winner]
        return Scored(choice=choice, score=score, note=_note(compared))

    async def _ask(self, item: Item, first: str, second: str) -> GenerationResult:
        criteria = self._spec.question or in_language(CRITERIA, self._language)
        values = {
            "user_input": item.input,
            "candidate_1": first[-MAX_ANSWER_CHARS:],
            "candidate_2": second[-MAX_ANSWER_CHARS:],
            "criteria": criteria.replace("{target}", item.target or ""),
        }
        request = GenerationRequest(
            prompt=render(parse(in_language(PAIR, self._language)), values),
            model_key=self._spec.model,
            temperature=0.0,
            seed=0,
            response_schema=asked_schema(PAIR_SCHEMA),
        )
        result = await self._generator.generate(request)
        self.spent.add(result)
        return result


def _note(compared: Comparison) -> str | None:
    if None in compared.votes:
        return UNREADABLE
    return FLIPPED if compared.flipped else None
