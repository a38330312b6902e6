import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from agent_lab.contracts.errors import BrokenOffError, CapacityError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.providers.local.engine import Outcome, Written
from agent_lab.providers.local.worker.loader import IsolatingLoader, open_worker
from agent_lab.providers.local.worker.patience import Patience
from support.scripted_engine import (
    ABORT,
    HANG,
    NOISE,
    REFUSE,
    SEGFAULT,
    Heard,
    ScriptedLoader,
    ScriptedPrepared,
    job,
    worker_spec,
)

TESTS = Path(__file__).parent.parent
WAIT_S = 60.0
BRISK = Patience(beat_s=0.05, dead_s=60.0, load_s=60.0, answer_s=60.0, close_s=30.0)
"""Beats often, and is called dead only where it is: a busy machine may keep any process waiting for a second."""


class PatienceFrom(Patience):
    """Patience that counts from an event: how soon a process comes to its work is the machine's affair."""

    def __init__(self, since: threading.Event, **figures: float) -> None:
        super().__init__(**figures)
        object.__setattr__(self, "since", since)

    def hung(self, **silent: Any) -> str | None:
        since: threading.Event = vars(self)["since"]
        return super().hung(**silent) if since.is_set() else None


class Bench:
    """Workers to be opened, and how often each was lost."""

    def __init__(self) -> None:
        self.opened: list[Any] = []
        self.lost = 0
        self.lost_once = threading.Event()

    def open(self, weights: str = "whole", pause_s: float = 0.001, patience: Patience = BRISK, **more: Any) -> Any:
        loader = ScriptedLoader(pause_s)
        prepared = ScriptedPrepared(weights)
        more.setdefault("on_lost", self.on_lost)
        loaded = open_worker(loader, worker_spec(), prepared, {"cpu": 11}, patience=patience, **more)
        self.opened.append(loaded)
        return loaded

    def on_lost(self) -> None:
        self.lost += 1
        self.lost_once.set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for loaded in bench.opened:
        loaded.close()
        assert not psutil.pid_exists(loaded.worker_pid)  # nor is it left as a zombie


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does and says to nobody."""
    ends = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_a_worker_loads_in_another_process_and_answers_as_an_engine_does(bench: Bench) -> None:
    stages: list[LoadProgress] = []
    loaded = bench.open(on_progress=stages.append)
    assert loaded.worker_pid not in {None, os.getpid()}
    assert psutil.pid_exists(loaded.worker_pid)
    assert loaded.model is None
    assert loaded.tokenizer == {"of": "scripted"}
    assert [progress.done_bytes for progress in stages] == [0, 5, 10]
    readers = [Heard() for _ in range(8)]
    for reader in readers:
        loaded.engine.submit(job(), reader)
    for reader in readers:
        outcome = reader.ended()
        assert isinstance(outcome, Written)
        assert "".join(reader.pieces) == outcome.text == "0 1 2 3 4 "
        assert reader.ended_once()


def test_a_killed_worker_ends_its_answers_with_the_signal_and_is_told_of_once(bench: Bench) -> None:
    loaded = bench.open()
    readers = [Heard() for _ in range(4)]
    lost_before_end: list[int] = []
    for reader in readers:
        loaded.engine.submit(job(tokens=10**6), reader)
        assert reader.began.wait(WAIT_S)
    os.kill(loaded.worker_pid, signal.SIGKILL)
    for reader in readers:
        fault = reader.fault()
        lost_before_end.append(bench.lost)
        assert isinstance(fault, BrokenOffError)
        assert "'scripted'" in fault.message
        assert "SIGKILL" in fault.message
        assert reader.ended_once()
    assert lost_before_end == [1, 1, 1, 1]  # whoever asks again finds the entry gone
    assert not psutil.pid_exists(loaded.worker_pid)
    with pytest.raises(BrokenOffError, match="SIGKILL"):
        loaded.engine.submit(job(), Heard())
    told_late = threading.Event()
    loaded.engine.when_lost(told_late.set)
    assert told_late.is_set()


@pytest.mark.parametrize(("what", "name"), [(SEGFAULT, "SIGSEGV"), (ABORT, "SIGABRT")])
def test_a_crash_in_a_library_takes_one_model_down_and_says_how(bench: Bench, what: int, name: str) -> None:
    other = bench.open(on_lost=lambda: None)
    beside, reader = Heard(), Heard()
    other.engine.submit(job(tokens=50), beside)
    bench.open().engine.submit(job(what), reader)
    assert name in reader.fault().message
    assert isinstance(beside.ended(), Written)
    assert bench.lost == 1


def test_a_cancelled_answer_ends_and_the_others_go_on(bench: Bench) -> None:
    engine = bench.open().engine
    cancelled, other = Heard(), Heard()
    cancel = engine.submit(job(tokens=10**6), cancelled)
    engine.submit(job(tokens=100), other)
    assert cancelled.began.wait(WAIT_S)
    cancel()
    assert cancelled.ended() is None
    assert isinstance(other.ended(), Written)
    cancel()  # once more does no harm
    until(lambda: engine.state().active == 0)


def test_a_reader_that_fails_takes_no_other_answer_down(bench: Bench) -> None:
    class Failing(Heard):
        def end(self, outcome: Outcome) -> None:
            super().end(outcome)
            raise RuntimeError("cannot start new thread")

    engine = bench.open().engine
    failing, other = Failing(), Heard()
    engine.submit(job(tokens=1), failing)
    assert isinstance(failing.ended(), Written)
    engine.submit(job(tokens=100), other)
    assert isinstance(other.ended(), Written)
    assert bench.lost == 0


def test_all_are_told_of_a_death_though_whoever_keeps_the_model_fails(bench: Bench) -> None:
    def failing() -> None:
        raise RuntimeError("cannot start new thread")

    loaded = bench.open(on_lost=failing)
    reader = Heard()
    loaded.engine.submit(job(tokens=10**6), reader)
    assert reader.began.wait(WAIT_S)
    os.kill(loaded.worker_pid, signal.SIGKILL)
    assert isinstance(reader.fault(), BrokenOffError)


def test_closing_ends_answers_with_a_sentence_and_counts_as_no_loss(bench: Bench) -> None:
    loaded = bench.open()
    reader = Heard()
    loaded.engine.submit(job(tokens=10**6), reader)
    assert reader.began.wait(WAIT_S)
    loaded.close()
    assert isinstance(reader.fault(), UnusableError)
    assert bench.lost == 0
    with pytest.raises(UnusableError, match="unloaded"):
        loaded.engine.submit(job(), Heard())
    loaded.close()


def test_a_worker_that_does_not_end_is_made_to(bench: Bench) -> None:
    loaded = bench.open(patience=Patience(beat_s=0.05, close_s=0.3))
    reader = Heard()
    loaded.engine.submit(job(HANG), reader)  # its engine's close waits for ever
    loaded.close()
    assert isinstance(reader.fault(), UnusableError)
    assert bench.lost == 0


def test_a_worker_that_stands_still_while_it_has_work_is_killed_and_counts_as_dead(bench: Bench) -> None:
    stopped = threading.Event()
    loaded = bench.open(patience=PatienceFrom(stopped, beat_s=0.05, dead_s=0.5))
    reader = Heard()
    loaded.engine.submit(job(tokens=10**6), reader)
    assert reader.began.wait(WAIT_S)
    os.kill(loaded.worker_pid, signal.SIGSTOP)
    stopped.set()
    assert "gave no sign of life for 0.5 s" in reader.fault().message
    assert bench.lost == 1


def test_a_worker_whose_engine_writes_nothing_is_killed(bench: Bench) -> None:
    loaded = bench.open(patience=replace(BRISK, answer_s=0.3))
    reader = Heard()
    loaded.engine.submit(job(HANG), reader)
    assert "wrote nothing for 0.3 s" in reader.fault().message


def test_an_idle_worker_may_be_silent(bench: Bench) -> None:
    loaded = bench.open(patience=replace(BRISK, dead_s=2.0, answer_s=2.0))
    os.kill(loaded.worker_pid, signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(loaded.worker_pid, signal.SIGCONT)
    reader = Heard()
    loaded.engine.submit(job(), reader)
    assert isinstance(reader.ended(), Written)


def test_what_libraries_print_goes_to_the_log_and_harms_no_answer(bench: Bench) -> None:
    with capture_logs() as lines:
        loaded = bench.open()
        reader = Heard()
        loaded.engine.submit(job(NOISE), reader)
        outcome = reader.ended()
        loaded.close()
        until(lambda: any("without an end of line" in str(line.get("line")) for line in lines))
    assert isinstance(outcome, Written)
    assert outcome.text == "0 1 2 3 4 "
    said = [line["line"] for line in lines if line["event"] == "worker_said"]
    assert said.count("said on stdout") == 20_000
    assert any("raw noise" in line for line in said)


def test_an_engines_own_errors_come_through_as_they_are(bench: Bench, tmp_path: Path) -> None:
    engine = bench.open().engine
    reader = Heard()
    engine.submit(job(REFUSE), reader)
    assert isinstance(reader.fault(), CapacityError)
    engine.add_adapter("lora", tmp_path)
    with pytest.raises(UnusableError, match="no adapter odd"):
        engine.add_adapter("odd", Path("relative"))
    with pytest.raises(BrokenOffError, match="SIGKILL"):
        engine.add_adapter("kill", tmp_path)


@pytest.mark.parametrize(
    ("weights", "kind", "text"),
    [
        ("too large", CapacityError, "Memory ran out"),
        ("surprising", UnusableError, "nobody thought of this"),
        ("deadly", BrokenOffError, "SIGKILL"),
        ("not to be sent", UnusableError, "cannot be loaded"),
    ],
)
def test_a_load_that_fails_in_the_worker_fails_here_and_leaves_no_process(
    bench: Bench, weights: str, kind: type[Exception], text: str
) -> None:
    before = set(psutil.Process().children())
    with pytest.raises(kind, match=text):
        bench.open(weights)
    assert not set(psutil.Process().children()) - before  # of other tests some may end meanwhile
    assert bench.lost == (weights == "deadly")


def test_what_cannot_be_sent_ends_the_worker_and_is_waited_for_by_nobody(bench: Bench) -> None:
    reader = Heard()
    unsendable: Any = threading.Lock()
    bench.open().engine.submit(unsendable, reader)
    assert isinstance(reader.fault(), BrokenOffError)


def test_a_load_that_hangs_is_given_up(bench: Bench) -> None:
    # It goes on beating, so only the silence of a stopped process tells; stop it from outside.
    before = {child.pid for child in psutil.Process().children()}
    failed: list[Exception] = []
    loads, stopped = threading.Event(), threading.Event()

    def load() -> None:
        try:
            patience = PatienceFrom(stopped, beat_s=0.05, load_s=1.0)
            bench.open("endless", patience=patience, on_progress=lambda _: loads.set())
        except BrokenOffError as error:
            failed.append(error)

    loading = threading.Thread(target=load)
    loading.start()
    assert loads.wait(WAIT_S)
    (pid,) = {child.pid for child in psutil.Process().children()} - before
    os.kill(pid, signal.SIGSTOP)
    stopped.set()
    loading.join(WAIT_S)
    assert "gave no sign of life" in str(failed[0])


def test_a_worker_dies_with_its_server(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(TESTS.parent / 'src')!r}, {str(TESTS)!r}]\n"
        "import time\n"
        "from agent_lab.providers.local.worker.loader import open_worker\n"
        "from support.scripted_engine import *\n"
        "loaded = open_worker(ScriptedLoader(), worker_spec(), ScriptedPrepared('whole'), {'cpu': 1})\n"
        "loaded.engine.submit(job(HANG), Heard())\n"
        "print(loaded.worker_pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    worker = psutil.Process(int(server.stdout.readline()))
    os.kill(worker.pid, signal.SIGSTOP)  # so that it cannot see by itself that nobody is there
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)  # init takes it from here


def test_a_worker_ignores_the_terminals_interrupt(bench: Bench) -> None:
    loaded = bench.open()
    assert os.getpgid(loaded.worker_pid) != os.getpgid(0)
    os.kill(loaded.worker_pid, signal.SIGINT)
    reader = Heard()
    loaded.engine.submit(job(), reader)
    assert isinstance(reader.ended(), Written)


def test_a_worker_outlives_the_thread_that_loaded_it(bench: Bench) -> None:
    loading = threading.Thread(target=bench.open)
    loading.start()
    loading.join(WAIT_S)
    reader = Heard()
    bench.opened[0].engine.submit(job(tokens=50), reader)
    assert isinstance(reader.ended(), Written)


def test_workers_that_come_and_go_leave_no_file_and_no_thread_open() -> None:
    bench, own = Bench(), psutil.Process()
    bench.open().close()
    files_before, threads_before = own.num_fds(), threading.active_count()
    for number in range(6):
        loaded = bench.open()
        loaded.close() if number % 2 else os.kill(loaded.worker_pid, signal.SIGKILL)
    until(lambda: threading.active_count() <= threads_before)
    until(lambda: own.num_fds() <= files_before)


def test_rows_without_a_worker_are_loaded_here_and_the_rest_apart() -> None:
    inner = ScriptedLoader()
    loader = IsolatingLoader(inner, patience=BRISK)
    here = loader.load(worker_spec("here", worker=False), ScriptedPrepared("whole"), {"cpu": 1}, lambda _: None)
    assert here.model == "weights"
    assert here.worker_pid is None
    apart = loader.load(worker_spec("apart"), ScriptedPrepared("whole"), {"cpu": 1})
    assert apart.model is None
    assert inner.loads == ["here"]
    assert loader.adapter_folder(worker_spec("lora")) == Path("/adapters/lora")
    here.close()
    apart.close()


def test_a_loader_that_cannot_be_sent_has_another_load_inside_the_worker() -> None:
    unsendable: Any = threading.Lock()
    inside = ScriptedLoader()
    loader = IsolatingLoader(ScriptedLoader(adapter_root=unsendable), inside=inside, patience=BRISK)
    apart = loader.load(worker_spec(), ScriptedPrepared("whole"), {"cpu": 1})
    assert apart.model is None
    apart.close()


def test_a_model_that_dies_again_and_again_rests_and_another_does_not() -> None:
    now_s = 100.0
    loader = IsolatingLoader(ScriptedLoader(), patience=BRISK, clock=lambda: now_s)
    for _ in range(3):
        assert loader.prepare(worker_spec(), None, None)  # type: ignore[arg-type]
        with pytest.raises(BrokenOffError):
            loader.load(worker_spec(), ScriptedPrepared("deadly"), {"cpu": 1})
    with pytest.raises(UnusableError, match=r"'scripted' died 3 times in a row; it is left alone for 60 s"):
        loader.prepare(worker_spec(), None, None)  # type: ignore[arg-type]
    with pytest.raises(UnusableError, match="died 3 times"):
        loader.load(worker_spec(), ScriptedPrepared("whole"), {"cpu": 1})
    assert loader.prepare(worker_spec("other"), None, None)  # type: ignore[arg-type]
    now_s += 61
    loader.load(worker_spec(), ScriptedPrepared("whole"), {"cpu": 1}).close()
