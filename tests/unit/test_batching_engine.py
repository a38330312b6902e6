"""Answers written together: each as it is alone, whatever the layers keep, and each can be left at any time."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import AgentLabError, CapacityError, UnusableError
from agent_lab.contracts.registry import Sampling
from agent_lab.providers.local.engine import Job, Outcome, Written
from agent_lab.providers.local.plan import Footprint, LoadPlan
from support.tiny_architectures import KINDS, model_of

torch: Any = pytest.importorskip("torch")
pytest_plugins = ("support.tiny_fixtures",)
GREEDY = Sampling(temperature=0)
Submit = Callable[..., "Reading"]


class Reading:
    """Keeps what is said of one answer."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.outcome: Outcome = None
        self.ended = threading.Event()
        self.begun = threading.Event()
        self.cancel: Callable[[], None] = lambda: None

    def show(self, text: str) -> None:
        self.pieces.append(text)
        self.begun.set()

    def end(self, outcome: Outcome) -> None:
        assert not self.ended.is_set(), "an answer ends once"
        self.outcome = outcome
        self.ended.set()

    def written(self) -> Written:
        assert self.ended.wait(60)
        if isinstance(self.outcome, AgentLabError):
            raise self.outcome
        assert self.outcome is not None
        assert "".join(self.pieces) == self.outcome.text
        return self.outcome


def plan_of(*, parallel: int = 4, context: int = 2048) -> LoadPlan:
    return LoadPlan(
        device="cpu",
        dtype="float32",
        quantised=False,
        attention="sdpa",
        compile=False,
        context_tokens=context,
        parallel=parallel,
        footprint=Footprint(weights_bytes=0, kv_bytes_per_token=100, margin_bytes=0),
    )


class Bench:
    """An open engine and plain transformers over the same weights."""

    def __init__(self, model: Any, tokenizer: Any, plan: LoadPlan) -> None:
        from agent_lab.providers.local.batching.opening import open_engine

        self.model, self.tokenizer = model, tokenizer
        opened = open_engine("tiny", model, tokenizer, plan, [1])
        self.engine, self.notes = opened.engine, opened.notes

    def submit(self, prompt: Sequence[int], **more: Any) -> Reading:
        reading = Reading()
        fields: dict[str, Any] = {"max_tokens": 24, "sampling": GREEDY, **more}
        reading.cancel = self.engine.submit(Job(prompt_ids=tuple(prompt), **fields), reading)
        return reading

    def alone(self, prompt: Sequence[int], max_tokens: int = 24) -> str:
        ids = torch.tensor([list(prompt)])
        with torch.inference_mode():
            made = self.model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, do_sample=False, eos_token_id=1,
                pad_token_id=0,
            )  # fmt: skip
        return str(self.tokenizer.decode(made[0][len(prompt) :], skip_special_tokens=True))


@pytest.fixture
def bench_of(tiny_folder: Path) -> Iterator[Callable[..., Bench]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    opened: list[Bench] = []

    def make(kind: str = "llama", **plan: int) -> Bench:
        opened.append(Bench(model_of(kind), tokenizer, plan_of(**plan)))
        return opened[-1]

    yield make
    for bench in opened:
        bench.engine.close()


def prompts_of(*lengths: int, seed: int = 0) -> list[list[int]]:
    chance = random.Random(seed)
    return [[chance.randrange(7, 263) for _ in range(length)] for length in lengths]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_written_together_are_those_written_alone(kind: str, bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(kind)
    prompts = prompts_of(3, 40, 17, 26, 9, 1)
    readings = [bench.submit(prompt) for prompt in prompts]
    assert [reading.written().text for reading in readings] == [bench.alone(prompt) for prompt in prompts]
    assert bool(bench.notes) == (kind == "recurrent")


@pytest.mark.parametrize("kind", ["llama", "alternating", "recurrent"])
def test_whoever_joins_later_gets_the_same_answer(kind: str, bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(kind)
    first, second, third = prompts_of(12, 30, 5, seed=3)
    begun = bench.submit(first, max_tokens=60)
    assert begun.begun.wait(30)
    later = bench.submit(second, max_tokens=60)
    assert later.begun.wait(30)
    last = bench.submit(third, max_tokens=60)
    for reading, prompt in ((begun, first), (later, second), (last, third)):
        assert reading.written().text == bench.alone(prompt, 60)


def test_a_prompt_that_is_read_in_portions_beside_writers_is_read_whole(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of()
    short, long, longer = prompts_of(10, 1500, 1900, seed=5)
    readings = [bench.submit(short, max_tokens=100), bench.submit(long), bench.submit(longer)]
    expected = [bench.alone(short, 100), bench.alone(long), bench.alone(longer)]
    assert [reading.written().text for reading in readings] == expected


def test_a_common_beginning_is_read_once_and_changes_no_answer(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of()
    question, *parts = prompts_of(300, 20, 25, 30, seed=7)
    prompts = [question + part for part in parts]
    read: list[int] = []
    run = bench.engine._forward.run  # type: ignore[union-attr]

    def counted(tokens: Sequence[Sequence[int]], *rest: Any) -> Any:
        read.append(sum(map(len, tokens)))
        return run(tokens, *rest)

    bench.engine._forward.run = counted  # type: ignore[union-attr,method-assign]
    readings = [bench.submit(prompt, max_tokens=1) for prompt in prompts]
    written = [reading.written() for reading in readings]
    assert sum(read) == 300 + 20 + 25 + 30
    assert sorted(one.cached_tokens for one in written) == [0, 300, 300]
    again = [bench.submit(prompt) for prompt in prompts]
    assert [reading.written().text for reading in again] == [bench.alone(prompt) for prompt in prompts]
    assert all(reading.written().cached_tokens >= 300 for reading in again)


def test_the_same_seed_gives_the_same_answer_alone_and_in_a_crowd(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of()
    warm = Sampling(temperature=0.9, top_p=0.95, top_k=40)
    prompt, *others = prompts_of(20, 8, 33, 14, 27, 11, seed=9)
    alone = bench.submit(prompt, sampling=warm, seed=5, max_tokens=60).written().text
    crowd = [bench.submit(other, sampling=warm, max_tokens=60) for other in others]
    among = bench.submit(prompt, sampling=warm, seed=5, max_tokens=60).written().text
    different = bench.submit(prompt, sampling=warm, seed=6, max_tokens=60).written().text
    for reading in crowd:
        reading.written()
    assert among == alone
    assert different != alone


def test_each_answer_has_its_own_stop_and_its_own_length(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of()
    prompt = prompts_of(15, seed=11)[0]
    whole = bench.alone(prompt, 40)
    stop = whole[5:7]
    cut = bench.submit(prompt, max_tokens=40, stops=(stop,))
    short = bench.submit(prompt, max_tokens=3)
    long = bench.submit(prompt, max_tokens=40)
    assert cut.written().text == whole[: whole.index(stop)]
    assert (cut.written().finish_reason, short.written().finish_reason) == ("stop", "length")
    assert short.written().completion_tokens == 3
    assert long.written().text == whole


def test_leaving_ends_within_a_step_and_gives_back_the_row(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=1)
    prompts = prompts_of(10, 12, seed=13)
    first, second = (bench.submit(prompt, max_tokens=1500) for prompt in prompts)
    assert first.begun.wait(30)
    assert bench.engine.state().active == 1
    assert bench.engine.state().waiting == 1
    shown = len(first.pieces)
    first.cancel()
    assert second.begun.wait(30), "the row was not given back"
    assert first.outcome is None
    assert first.ended.is_set()
    assert len(first.pieces) <= shown + 2
    second.cancel()
    assert second.ended.wait(30)
    assert bench.engine.state().active == 0


def test_who_leaves_while_waiting_never_begins(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=1)
    prompts = prompts_of(10, 12, seed=13)
    first, second = (bench.submit(prompt, max_tokens=1500) for prompt in prompts)
    assert first.begun.wait(30)
    second.cancel()
    assert second.ended.wait(30)
    assert not second.pieces
    assert not first.ended.is_set()
    first.cancel()


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (MemoryError("no room"), CapacityError, "ran out while 'tiny'"),
        (RuntimeError("CUDA error: 700"), UnusableError, "'tiny' failed .*'CUDA error: 700'"),
        (RuntimeError(), UnusableError, r"'tiny' failed .*RuntimeError\(\)"),
    ],
)
def test_a_pass_that_fails_ends_its_answers_with_a_sentence_and_no_later_one(
    fault: Exception, kind: type[AgentLabError], told: str, bench_of: Callable[..., Bench]
) -> None:
    bench = bench_of()
    prompt = prompts_of(10)[0]
    forward: Any = bench.engine._forward
    run = forward.run

    def failing(*_: Any) -> Any:
        forward.run = run
        raise fault

    forward.run = failing
    with pytest.raises(kind, match=told):
        bench.submit(prompt).written()
    assert bench.submit(prompt).written().text == bench.alone(prompt)


def test_a_step_that_fails_beside_its_pass_ends_those_at_work_and_nobody_after_them(
    bench_of: Callable[..., Bench],
) -> None:
    bench = bench_of(parallel=2)
    one, other = prompts_of(30, 12)
    memory: Any = bench.engine._seats._memory
    swap = memory.swap

    def failing(*_: Any) -> None:
        memory.swap = swap
        raise MemoryError("no room")

    memory.swap = failing
    first, second = bench.submit(one, max_tokens=4), bench.submit(other, max_tokens=200)
    last = bench.submit(other)
    for reading in (first, second):
        with suppress(CapacityError):
            reading.written()
    assert isinstance(first.outcome, CapacityError) or isinstance(second.outcome, CapacityError)
    assert last.written().text == bench.alone(other)
    assert bench.submit(one).written().text == bench.alone(one)
    assert bench.engine.state().active == 0


def test_an_answer_that_finds_no_row_is_told_so(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=2)
    prompt = prompts_of(12)[0]
    seats: Any = bench.engine._seats

    def failing(*_: Any) -> None:
        raise MemoryError("no room")

    seats.sit = failing
    with pytest.raises(CapacityError, match="'tiny'"):
        bench.submit(prompt).written()
    assert bench.submit(prompt).written().text == bench.alone(prompt)


def test_an_answer_whose_numbers_overflow_ends_alone_and_leaves_nothing_behind(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=2)
    bad, good, next_ = prompts_of(40, 12, 60, seed=17)
    with torch.no_grad():
        bench.model.get_input_embeddings().weight[262] = torch.inf
    good, next_ = ([token for token in prompt if token != 262] for prompt in (good, next_))
    poisoned, beside = bench.submit([*bad, 262, 9]), bench.submit(good)
    with pytest.raises(UnusableError, match="overflowed"):
        poisoned.written()
    assert beside.written().text == bench.alone(good)
    after = [bench.submit(prompt) for prompt in (next_, good)]
    assert [reading.written().text for reading in after] == [bench.alone(next_), bench.alone(good)]


def test_places_that_nobody_has_written_are_zeros(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=3, context=64)
    bench.submit(prompts_of(5)[0], max_tokens=2).written()
    memory: Any = bench.engine._seats._memory
    for layer in memory.layers:
        assert not layer.keys[:, :, 10:].any()
        assert not layer.values[:, :, 10:].any()


def test_one_answer_whose_text_cannot_be_made_ends_alone(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of()
    prompts = prompts_of(10, 11)
    decode = bench.engine._decode

    def torn(_: Sequence[int]) -> str:
        raise ValueError("torn")

    bench.engine._decode = torn
    bad = bench.submit(prompts[0])
    bench.engine._decode = decode
    good = bench.submit(prompts[1])
    with pytest.raises(UnusableError, match="torn"):
        bad.written()
    assert good.written().text == bench.alone(prompts[1])


def test_closing_ends_running_and_waiting_answers_with_a_sentence(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=1)
    prompt = prompts_of(10)[0]
    running, waiting = bench.submit(prompt, max_tokens=1500), bench.submit(prompt)
    assert running.begun.wait(30)
    bench.engine.close()
    for reading in (running, waiting):
        with pytest.raises(UnusableError, match="shut down"):
            reading.written()
    with pytest.raises(UnusableError, match="shut down"):
        bench.submit(prompt)


def test_memory_that_is_not_written_yet_is_told(bench_of: Callable[..., Bench]) -> None:
    bench = bench_of(parallel=2, context=100)
    before = bench.engine.state().unused_bytes
    bench.submit(prompts_of(30)[0], max_tokens=10).written()
    assert before == 2 * 100 * 100
    assert bench.engine.state().unused_bytes == before - 39 * 100
