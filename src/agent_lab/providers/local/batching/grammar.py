"""Holds an answer to a JSON Schema: says which tokens may come next, so that what is written is JSON that fits."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from agent_lab.contracts.errors import UnusableError, ValidationError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.sentences import said

WHERE = "/response_schema"
KEPT_GRAMMARS = 64
LAYOUT = r"\n? {0,12}"
"""Between two parts of the JSON: enough to lay it out, and no more, or a weak model writes spaces for ever."""
ANCHOR = "a"
TOLD = "Answer with JSON alone, without any text around it. It fits this JSON Schema:\n"


def with_schema(request: GenerationRequest) -> GenerationRequest:
    """The request with its schema told in the system text, for models with a chat template.

    Without it the answer would fit and yet say little: the model is held to words that it was never shown. The
    sentence stands last in the system text and depends on the schema alone, so that requests that differ in their
    prompts share its part of the KV cache.
    """
    if request.response_schema is None:
        return request
    told = TOLD + json.dumps(request.response_schema, ensure_ascii=False)
    system = f"{request.context.system}\n\n{told}" if request.context.system else told
    return request.model_copy(update={"context": request.context.model_copy(update={"system": system})})


class _Masks:
    """Has the size of a mask: what llguidance writes, and what of it the model has scores for."""

    def __init__(self, written: int, vocabulary_size: int) -> None:
        self._bytes = (written + 31) // 32 * 4
        self._size = vocabulary_size
        self._whole_bytes, self._rest = divmod(vocabulary_size, 8)

    def of(self, matcher: Any) -> Any:
        """What may follow as bits, without tokens that the model has no score for."""
        import numpy

        bits = numpy.zeros(self._bytes, dtype=numpy.uint8)
        matcher.unsafe_compute_mask_ptr(bits.ctypes.data, self._bytes)
        if self._rest:
            bits[self._whole_bytes] &= (1 << self._rest) - 1
        bits[self._whole_bytes + bool(self._rest) :] = 0
        return bits

    def unpacked(self, bits: Any) -> Any:
        """A numpy.bool for each token."""
        import numpy

        return numpy.unpackbits(bits, bitorder="little", count=self._size).view(bool)


class Constraint:
    """One answer on its way through a schema. Used by one thread at a time."""

    def __init__(self, matcher: Any, masks: _Masks) -> None:
        self._matcher = matcher
        self._masks = masks

    @property
    def finished(self) -> bool:
        """True where nothing but the end may follow; a number alone, say, may go on until its end token."""
        return bool(self._matcher.is_stopped())

    def allowed(self) -> Any:
        """Which tokens may come next: torch.bool, on the CPU, one for each token of the vocabulary.

        Only end tokens where the answer is finished. Raises UnusableError where no token leads on.
        """
        import torch

        return torch.from_numpy(self._masks.unpacked(self.bits()))

    def bits(self) -> Any:
        """The same as bits, the lowest first: numpy.uint8, one bit for each token and some more."""
        bits = self._masks.of(self._matcher)
        if self._matcher.is_error() or not bits.any():
            raise self._stuck()
        return bits

    def take(self, token_id: int) -> None:
        """Go on by one token. Raises UnusableError for one that was not allowed."""
        if not self._matcher.consume_token(token_id):
            raise self._stuck()

    def _stuck(self) -> UnusableError:
        reason = _sentence(self._matcher.get_error()) or "no token leads on"
        return UnusableError(
            f"The model cannot go on with this response schema ({reason}); use a simpler schema or another model."
        )


class Grammar:
    """Compiles schemas for one tokenizer. `compile` may be called from any thread, and is slow the first time."""

    def __init__(self, tokenizer: Any, end_ids: Sequence[int], vocabulary_size: int) -> None:
        """`vocabulary_size`: how many scores the model gives, which may be more than the tokenizer has tokens."""
        self._tokenizer = tokenizer
        self._end_ids = tuple(end_ids)
        self._size = vocabulary_size
        self._lock = threading.Lock()
        self._words: Any = None
        self._masks: Any = None
        self._compiled: OrderedDict[str, Any] = OrderedDict()

    def compile(self, schema: str) -> Constraint:
        """A constraint for one answer.

        Raises ValidationError for a schema that cannot be enforced, with the keyword that is in the way, and
        UnusableError where this model's tokenizer cannot be held to any.
        """
        with self._lock:
            matcher = self._compiled.get(schema)
            if matcher is None:
                matcher = self._new_matcher(schema)
                self._compiled[schema] = matcher
                if len(self._compiled) > KEPT_GRAMMARS:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(schema)
            return Constraint(matcher.deep_copy(), self._masks)

    def restrict(self, scores: Any, constraints: Mapping[int, Constraint]) -> None:
        """Put -inf in place of every score that may not be drawn, in the rows of the constraints.

        `scores`: floats, [rows, vocabulary], on any device.
        """
        if not constraints:
            return
        if scores.device.type == "cpu":
            for row, constraint in constraints.items():
                scores[row].masked_fill_(~constraint.allowed(), float("-inf"))
            return
        rows, allowed = self._on_device(constraints, scores.device)
        scores[rows] = scores[rows].masked_fill(~allowed, float("-inf"))

    def _on_device(self, constraints: Mapping[int, Constraint], device: Any) -> tuple[Any, Any]:
        import numpy
        import torch

        # The bits cross the bus, an eighth of the bytes that a bool for each token would take.
        bits = torch.from_numpy(numpy.stack([one.bits() for one in constraints.values()])).to(device)
        single = (bits.unsqueeze(-1) >> torch.arange(8, dtype=torch.uint8, device=device)) & 1
        rows = torch.tensor(list(constraints), device=device)
        return rows, single.view(len(constraints), -1)[:, : self._size].bool()

    def _new_matcher(self, schema: str) -> Any:
        import llguidance

        if self._words is None:
            self._words = _words_of(self._tokenizer, self._end_ids, self._size)
            self._masks = _Masks(self._words.vocab_size, self._size)
        matcher_of = llguidance.LLMatcher
        try:
            # What is said here wins over an `x-guidance` in the schema, which could ask for less than is promised.
            overrides = {"whitespace_pattern": LAYOUT, "lenient": False, "coerce_one_of": False}
            grammar = matcher_of.grammar_from_json_schema(schema, overrides=overrides)
        except ValueError as error:
            raise _unenforceable(str(error)) from error
        if _counts_keys(json.loads(schema)):
            raise _unenforceable('Unimplemented keys: ["minProperties" beyond those that are required]')
        limits = llguidance.LLParserLimits(verbose_errors=False)
        failed, reasons = matcher_of.validate_grammar_with_warnings(grammar, self._words, limits=limits)
        if failed:
            raise _unenforceable(reasons[0])
        matcher = matcher_of(self._words, grammar, log_level=0, limits=limits)
        try:
            # A schema that needs itself has no first token; neither has one over the library's limits.
            Constraint(matcher, self._masks).bits()
        except UnusableError as error:
            raise _unenforceable("nothing fits it, or it is too large") from error
        return matcher


def _counts_keys(schema: Any) -> bool:
    """A key may be written twice, and then counts once: so many different ones cannot be promised."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            least, required = part.get("minProperties"), part.get("required")
            named = len(set(map(str, required))) if isinstance(required, list) else 0
            if isinstance(least, int) and least > max(1, named):
                return True
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return False


def _unenforceable(reason: str) -> ValidationError:
    found = re.match(r"Unimplemented keys: \[(.*)\]", reason)
    why = f"these keywords are not supported: {found[1]}" if found else _sentence(reason)
    return ValidationError(
        said("schema_not_held", "A local model cannot be held to this response schema ({why}); change it.", why=why),
        where=WHERE,
    )


def _sentence(reason: str) -> str:
    """The library's reason on one line, without its advice on options that nobody can set here."""
    line = " ".join(reason.split()).partition(". Enable ")[0]
    if line.startswith("NoExtension"):
        return "no token leads on"
    return line[:200].rstrip(".")


def _words_of(tokenizer: Any, end_ids: Sequence[int], vocabulary_size: int) -> Any:
    """What each token writes, as llguidance wants it. About 0.7 s for 150,000 tokens."""
    import llguidance
    import llguidance.hf

    ends = [one for one in end_ids if one < len(tokenizer)]
    size = max(vocabulary_size, len(tokenizer))
    if not ends or not tokenizer.is_fast:
        raise _no_json()
    try:
        return llguidance.hf.from_tokenizer(tokenizer, n_vocab=size, eos_token=ends)
    except ValueError as error:
        if "decoder" not in str(error):  # it knows byte-level and byte-fallback decoders alone
            raise _no_json() from error
    wrapped = llguidance.TokenizerWrapper(_WholeTokens(tokenizer, ends, size))
    return llguidance.LLTokenizer(wrapped, n_vocab=size, eos_token=ends)


class _WholeTokens:
    """A tokenizer whose tokens are whole characters: what each writes is found by decoding it behind another one."""

    bos_token_id = None

    def __init__(self, tokenizer: Any, end_ids: Sequence[int], size: int) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = end_ids[0]
        self.special_token_ids = sorted({*tokenizer.all_special_ids, *end_ids})
        anchor = tokenizer.encode(ANCHOR, add_special_tokens=False)
        self._refuse_glue(anchor)
        special = set(self.special_token_ids)
        self.tokens = [
            b"" if one in special or one >= len(tokenizer) else self._written([one], anchor).encode()
            for one in range(size)
        ]
        self._ids = {token: one for one, token in enumerate(self.tokens) if token}
        self._longest = max(map(len, self._ids))

    def __call__(self, text: bytes) -> list[int]:
        """Ids that write the text: always the longest token that goes on from there."""
        ids: list[int] = []
        place = 0
        while place < len(text):
            ends = range(min(len(text), place + self._longest), place, -1)
            end = next((end for end in ends if text[place:end] in self._ids), None)
            if end is None:
                break
            ids.append(self._ids[text[place:end]])
            place = end
        return ids

    def _written(self, ids: list[int], before: list[int]) -> str:
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        start = str(self._tokenizer.decode(before, **options))
        return str(self._tokenizer.decode([*before, *ids], **options))[len(start) :]

    def _refuse_glue(self, anchor: list[int]) -> None:
        """Some decoders put spaces between words, or take them away: what a token writes is then not fixed."""
        probe = '{"a":[1,"b"],"c":{}}'
        ids = [int(one) for one in self._tokenizer.encode(probe, add_special_tokens=False)]
        together = self._written(ids, anchor)
        if together.strip() != probe or together != "".join(self._written([one], anchor) for one in ids):
            raise _no_json()


def _no_json() -> UnusableError:
    return UnusableError(
        "The tokenizer of this model cannot write JSON, so it cannot be held to a response schema; use another model."
    )
