import json
import random
import string
import time
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import jsonschema
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agent_lab.contracts.errors import UnusableError, ValidationError
from agent_lab.contracts.generation import Context, GenerationRequest
from agent_lab.providers.local.batching.grammar import KEPT_GRAMMARS, TOLD, Grammar, with_schema

END = 1
VERDICT = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["accept", "reject", "año"]},
        "score": {"type": "integer", "minimum": 0, "maximum": 100},
        "reasons": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3},
    },
    "required": ["verdict", "score", "reasons"],
    "additionalProperties": False,
}
PRINTABLE = [char for char in string.printable[:95] if char != " "]


def fast(core: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", eos_token="</s>")


@cache
def built_in() -> Any:
    return AutoTokenizer.from_pretrained(files("agent_lab") / "demo" / "weights")


@cache
def sentence_pieces(*, byte_fallback: bool) -> Any:
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("▁", -2.0), ("▁hello", -1.0), ('":', -1.0), ("ñ", -3.0)]
    pieces += [(char, -3.0) for char in PRINTABLE]
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", -9.0) for byte in range(256)]
    core = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=byte_fallback))
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    if byte_fallback:
        parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        core.decoder = decoders.Sequence(parts)
    return fast(core)


@cache
def word_pieces() -> Any:
    vocabulary = ["<unk>", "</s>", *PRINTABLE, *(f"##{char}" for char in PRINTABLE)]
    core = Tokenizer(models.WordPiece({word: place for place, word in enumerate(vocabulary)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    return fast(core)


@cache
def grammar_of(kind: str) -> Grammar:
    tokenizer = tokenizers()[kind]
    return Grammar(tokenizer, [END], len(tokenizer) + 5)


def tokenizers() -> dict[str, Any]:
    return {
        "byte-level": built_in(),
        "byte-fallback": sentence_pieces(byte_fallback=True),
        "whole characters": sentence_pieces(byte_fallback=False),
    }


KINDS = list(tokenizers())


def written(kind: str, schema: dict[str, Any], chance: random.Random, most: int = 600) -> str | None:
    """What a model that draws among the allowed tokens writes; None where it did not come to an end."""
    tokenizer, constraint = tokenizers()[kind], grammar_of(kind).compile(json.dumps(schema))
    ids: list[int] = []
    while not constraint.finished and len(ids) < most:
        allowed = constraint.allowed().nonzero()[:, 0].tolist()
        # A model ends strings and lists sooner or later; one that draws evenly among thousands of tokens does not.
        closing = [one for one in allowed if tokenizer.decode([one]) in {'"', "]", "}", "</s>", "<|end|>"}]
        drawn = chance.choice(closing if closing and chance.random() < 0.3 else allowed)
        constraint.take(drawn)
        if drawn == END:
            break
        ids.append(drawn)
    else:
        if not constraint.finished:
            return None
    return str(tokenizer.decode(ids, clean_up_tokenization_spaces=False))


names = st.sampled_from(["a", "b", "ñ", "long name", "x1"])
exact = st.integers(-(2**53), 2**53)  # beyond them JSON's numbers are not exact
texts = st.text(string.printable[:95] + "ñ", max_size=6)
leaves = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": "number"}, {"type": "string", "format": "date"}]),
    st.just({"type": "string", "pattern": "^[a-c]{2,4}-[0-9]+$"}),
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        st.integers(-50, 50),
        st.integers(0, 300),
    ),
    st.builds(
        lambda least, span: {"type": "string", "minLength": least, "maxLength": least + span},
        st.integers(0, 4),
        st.integers(0, 9),
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.one_of(exact, texts, st.none()), min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, st.one_of(st.booleans(), texts)),
)


def above(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def record(properties: dict[str, Any], needed: set[str], closed: bool) -> dict[str, Any]:
        required = sorted(needed & set(properties))
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": not closed}

    lists = st.builds(
        lambda items, least, span: {"type": "array", "items": items, "minItems": least, "maxItems": least + span},
        inner, st.integers(0, 2), st.integers(0, 2),
    )  # fmt: skip
    records = st.builds(record, st.dictionaries(names, inner, max_size=3), st.sets(names), st.booleans())
    return st.one_of(
        lists, records, st.builds(lambda any_of: {"anyOf": any_of}, st.lists(inner, min_size=1, max_size=3))
    )


schemas = st.recursive(leaves, above, max_leaves=6)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(schema=schemas, seed=st.integers(0, 2**20))
def test_whatever_is_drawn_is_whole_json_that_fits_the_schema(kind: str, schema: dict[str, Any], seed: int) -> None:
    text = written(kind, schema, random.Random(seed))
    if text is not None:
        jsonschema.validate(json.loads(text), schema)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_comes_to_its_end_and_spaces_are_bounded(kind: str) -> None:
    texts = [written(kind, VERDICT, random.Random(seed)) for seed in range(20)]
    for text in texts:
        assert text is not None
        jsonschema.validate(json.loads(text), VERDICT)
        outside = "_".join(text.split('"')[::2])
        assert " " * 13 not in outside
        assert "\n\n" not in outside
    assert len(set(texts)) > 10


def test_a_model_with_random_weights_writes_json_that_fits_when_its_scores_are_restricted() -> None:
    tokenizer = built_in()
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + 8, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=1024, initializer_range=0.5,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    grammar = Grammar(tokenizer, [END], config.vocab_size)
    schemas = {0: VERDICT, 2: {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 3}}
    constraints = {row: grammar.compile(json.dumps(schema)) for row, schema in schemas.items()}
    ids = torch.full((3, 1), 2)
    while not all(constraint.finished for constraint in constraints.values()):
        assert ids.shape[1] < 900
        with torch.inference_mode():
            scores = model(ids).logits[:, -1].float()
        scores = scores.clone()  # what inference made cannot be changed outside of it
        free = scores[1].clone()
        going = {row: constraint for row, constraint in constraints.items() if not constraint.finished}
        grammar.restrict(scores, going)
        assert torch.equal(scores[1], free)
        drawn = torch.multinomial(torch.softmax(scores, dim=-1), 1)
        for row, constraint in going.items():
            constraint.take(int(drawn[row]))
        ids = torch.cat([ids, drawn], dim=1)
    for row, schema in schemas.items():
        text = tokenizer.decode(ids[row, 1:])
        jsonschema.validate(json.JSONDecoder().raw_decode(text)[0], schema)


def test_what_is_sent_to_a_gpu_as_bits_is_what_is_allowed() -> None:
    grammar = grammar_of("byte-level")
    constraints = {4: grammar.compile(json.dumps(VERDICT)), 1: grammar.compile('{"type": "integer"}')}
    rows, allowed = grammar._on_device(constraints, torch.device("cpu"))
    assert rows.tolist() == [4, 1]
    for row, constraint in zip(allowed, constraints.values(), strict=True):
        assert torch.equal(row, constraint.allowed())


def test_only_end_tokens_are_allowed_when_the_answer_is_finished() -> None:
    tokenizer = built_in()
    constraint = Grammar(tokenizer, [END, 3], len(tokenizer)).compile('{"enum": [true]}')
    for token_id in tokenizer.encode("true", add_special_tokens=False):
        assert not constraint.finished
        constraint.take(token_id)
    assert constraint.finished
    assert constraint.allowed().nonzero()[:, 0].tolist() == [END, 3]


def test_a_number_may_go_on_or_end() -> None:
    tokenizer = built_in()
    constraint = Grammar(tokenizer, [END], len(tokenizer)).compile('{"type": "integer"}')
    four = tokenizer.encode("4", add_special_tokens=False)[0]
    assert not constraint.allowed()[END]
    constraint.take(four)
    assert not constraint.finished
    assert constraint.allowed()[[END, four]].all()
    constraint.take(END)
    assert constraint.finished


def test_two_answers_of_one_schema_do_not_touch_each_other() -> None:
    grammar, tokenizer = grammar_of("byte-level"), built_in()
    one, other = grammar.compile('{"type": "integer"}'), grammar.compile('{"type": "integer"}')
    one.take(tokenizer.encode("4", add_special_tokens=False)[0])
    assert one.allowed()[END]
    assert not other.allowed()[END]


def test_compiled_grammars_are_kept_within_a_bound() -> None:
    grammar = Grammar(built_in(), [END], len(built_in()))
    for number in range(KEPT_GRAMMARS + 10):
        grammar.compile(json.dumps({"const": number}))
    assert len(grammar._compiled) == KEPT_GRAMMARS


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ('{"not": {"type": "string"}}', "not"),
        ('{"type": "array", "uniqueItems": true}', "uniqueItems"),
        ('{"if": {}, "then": {}}', "then"),
        ('{"type": "string", "format": "weird"}', "weird"),
        ('{"type": "string", "pattern": "(?=a)b"}', "look-ahead"),
        ('{"oneOf": [{"type": "integer"}, {"type": "number"}]}', "oneOf"),
        ('{"not": {}, "x-guidance": {"lenient": true}}', "not"),
        ('{"$ref": "https://example.org/schema.json"}', "https://example.org/schema.json"),
        ('{"type": "integer", "minimum": 5, "maximum": 3}', "minimum"),
        ('{"$ref": "#"}', "nothing fits"),
        ('{"type": "object", "minProperties": 2}', "minProperties"),
        ('{"items":' * 200 + "{}" + "}" * 200, "recursion"),
        ("[1]", "object"),
        ("", "EOF"),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused_with_what_is_in_the_way(schema: str, named: str) -> None:
    with pytest.raises(ValidationError, match="cannot be held to this response schema") as refusal:
        grammar_of("byte-level").compile(schema)
    assert named in refusal.value.message
    assert refusal.value.where == "/response_schema"
    assert "\n" not in refusal.value.message


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str = Field(max_length=9)


class Owner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pet: Cat | Dog = Field(discriminator="kind")
    note: str | None = None


@pytest.mark.parametrize("seed", range(5))
def test_a_schema_that_pydantic_wrote_is_kept(seed: int) -> None:
    text = written("byte-level", Owner.model_json_schema(), random.Random(seed))
    assert text is not None
    Owner.model_validate_json(text)


def test_a_tokenizer_that_cannot_write_json_is_told_in_a_sentence() -> None:
    tokenizer = word_pieces()
    with pytest.raises(UnusableError, match="cannot write JSON"):
        Grammar(tokenizer, [END], len(tokenizer)).compile("{}")
    with pytest.raises(UnusableError, match="cannot write JSON"):
        Grammar(built_in(), [], len(built_in())).compile("{}")


def test_a_character_that_the_tokenizer_does_not_have_ends_the_answer_with_a_sentence() -> None:
    constraint = grammar_of("whole characters").compile('{"const": "日"}')
    constraint.take(int(constraint.allowed().nonzero()[0, 0]))
    with pytest.raises(UnusableError, match="cannot go on with this response schema"):
        constraint.allowed()


def test_a_token_that_was_not_allowed_is_refused() -> None:
    constraint = grammar_of("byte-level").compile('{"type": "integer"}')
    with pytest.raises(UnusableError, match="cannot go on"):
        constraint.take(built_in().encode("x", add_special_tokens=False)[0])


def test_the_tokens_that_may_come_next_are_known_within_a_millisecond() -> None:
    constraint = grammar_of("byte-level").compile(json.dumps(VERDICT))
    chance, spent_s, tokens = random.Random(5), 0.0, 0
    while not constraint.finished:
        begun = time.thread_time()
        allowed = constraint.allowed()
        spent_s += time.thread_time() - begun
        tokens += 1
        constraint.take(chance.choice(allowed.nonzero()[:, 0].tolist()))
    assert spent_s / tokens < 1e-3  # ten times the target: other work shares this machine


def test_the_schema_is_told_last_in_the_system_text() -> None:
    request = GenerationRequest(
        prompt="Well?", context=Context(system="Be brief."), response_schema={"type": "integer"}
    )
    told = with_schema(request)
    assert told.context.system == f'Be brief.\n\n{TOLD}{{"type": "integer"}}'
    assert told.prompt == request.prompt
    plain = GenerationRequest(prompt="Well?")
    assert with_schema(plain) is plain
    assert (
        with_schema(request.model_copy(update={"context": Context()})).context.system == f'{TOLD}{{"type": "integer"}}'
    )
