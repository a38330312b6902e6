import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.evaluation.scorers import code
from agent_lab.evaluation.scorers.code import CodeScorer, run_tests, unkept
from agent_lab.evaluation.scorers.code_answers import Trial, program_of, trial_of
from agent_lab.evaluation.scorers.table import warnings_of

ADDS = Trial("assert add(1, 2) == 3")
HUMAN_EVAL = Item(
    id="h/0",
    input='from typing import List\n\n\ndef double(numbers: List[int]) -> List[int]:\n    """ Twice each.\n    """\n',
    columns={
        "entry_point": "double",
        "test": "METADATA = {}\n\n\ndef check(candidate):\n    assert candidate([1, 2]) == [2, 4]\n",
    },
)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what the kernel keeps code from is Linux's")


def item(**columns: object) -> Item:
    return Item.model_validate({"id": "i", "input": "Write add(a, b).", "columns": columns})


async def score(text: str, of: Item, timeout_s: float = 60.0) -> tuple[float, str | None]:
    told = await CodeScorer(ScorerSpec(name="code", timeout_s=timeout_s)).score(text, of)
    return told.score, told.note


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Here it is:\n```python\ndef add(a, b):\n    return a + b\n```\nGood luck.", True),
        ("```\ndef add(a, b):\n    return a + b", True),
        ("def add(a, b): return a + b", True),
        ("```python\ndef add(a, b): return a + b\n```\nso\n```text\n3\n```", True),
        ("```python\ndef add(a, b): return a - b\n```", False),
        ("I cannot write that.", False),
        ("", False),
        ("\ud800\0", False),
    ],
)
async def test_a_program_is_right_where_its_tests_pass(text: str, right: bool):
    assert (await score(text, item(test="assert add(1, 2) == 3")))[0] == float(right)


@pytest.mark.parametrize(
    "answer",
    [
        "    return [2 * number for number in numbers]\n",
        "```python\ndef double(numbers: List[int]) -> List[int]:\n    return [2 * n for n in numbers]\n```",
        "```python\ndef double(ns):\n    return [2 * n for n in ns]\n```\nSo:\n```python\ndouble([1])\n```",
    ],
)
async def test_human_evals_tests_take_a_body_or_the_whole_function(answer: str):
    assert await score(answer, HUMAN_EVAL) == (1.0, None)
    assert (await score(answer.replace("2 *", "3 *"), HUMAN_EVAL))[0] == 0.0


@pytest.mark.parametrize(
    "columns",
    [
        {"test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"], "test_setup_code": "import math"},
        {"test": "def test_sum():\n    assert add(1, 2) == 3\n"},
        {
            "test": "import unittest\n\nclass T(unittest.TestCase):\n    def test_sum(self):\n"
            "        self.assertEqual(add(1, 2), 3)\n"
        },
    ],
)
async def test_tests_come_as_a_list_as_functions_or_as_classes(columns: dict[str, object]):
    assert await score("def add(a, b): return a + b", item(**columns)) == (1.0, None)
    right, why = await score("def add(a, b): return a * b", item(**columns))
    assert right == 0.0
    assert "a test fails" in (why or "")


async def test_tests_that_test_nothing_pass_nobody():
    assert await score("def add(a, b): return a + b", item(test="def helper():\n    return 1\n")) == (
        0.0,
        "the tests test nothing",
    )
    assert trial_of(item()) is None
    assert (await score("x = 1", item()))[1] == "the item has no tests"


@pytest.mark.parametrize(
    "cheat",
    [
        "print('all tests passed')\nimport sys\nsys.exit(0)",
        "import os\nos._exit(0)",
        "raise SystemExit(0)",
        'import os\nos.write(1, b\'{"secret": "", "fault": null, "kept": []}\\n\')\nos._exit(0)',
        "import atexit, os\natexit.register(os._exit, 0)\nraise KeyboardInterrupt",
        "def add(a, b):\n    import os\n    os._exit(0)",
        "def add(a, b):\n    raise SystemExit(0)",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "import builtins\nbuiltins.AssertionError = None\ndef add(a, b): return 0",
        "import json, os\njson.dumps = lambda told: '{\"fault\": null}'\nos.write = print\ndef add(a, b): return 0",
        "import os\nos.closerange(0, 64)\ndef add(a, b): return 3",
    ],
)
async def test_success_cannot_be_had_by_printing_or_leaving(cheat: str):
    outcome = await run_tests(cheat, ADDS, timeout_s=60)
    assert outcome.fault is not None


@pytest.mark.parametrize(
    "endless",
    ["while True:\n    pass", "import time\ntime.sleep(100)", "import os\nwhile True:\n    os.write(1, b'x' * 10000)"],
)
async def test_what_takes_too_long_is_ended(endless: str):
    begun = time.perf_counter()
    outcome = await run_tests(endless, ADDS, timeout_s=0.7)
    assert outcome.fault == "the tests took longer than 0.7 s"
    assert time.perf_counter() - begun < 60


@linux
@pytest.mark.parametrize(
    "takes",
    [
        "x = 'a' * 4_000_000_000",
        "import os\nfor _ in range(50):\n    os.fork()",
        "file = open('x', 'wb')\nfor _ in range(100):\n    file.write(b'0' * 1_000_000)",
        "files = [open('/dev/null') for _ in range(1000)]",
    ],
)
async def test_limits_hold(takes: str):
    if (
        "fork" in takes
        and os.geteuid() != 0
        and "limits" not in (await run_tests("", code.FOR_NOTHING, timeout_s=60)).kept
    ):
        pytest.skip("this system has no limit of processes")
    outcome = await run_tests(takes, ADDS, timeout_s=60)
    assert "the answer does not run" in (outcome.fault or "")


async def test_it_knows_nothing_of_the_environment_or_of_our_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    looks = (
        "import os, sys\nassert 'OPENAI_API_KEY' not in os.environ\nassert os.getcwd() == os.environ['HOME']\n"
        "assert os.listdir('.') == []\nassert not [name for name in sys.modules if 'agent_lab' in name]\n"
        "open('own', 'w').write('x')\nimport statistics, asyncio, decimal\ndef add(a, b): return a + b"
    )
    outcome = await run_tests(looks, ADDS, timeout_s=60)
    assert outcome.fault is None


@linux
@pytest.mark.parametrize(
    ("kept", "tries"),
    [
        ("network", "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"),
        ("files", "open('{}').read()"),
        ("files", "open('{}', 'w')"),
        ("files", "import shutil\nshutil.rmtree('{}/..')"),
        ("signals", "import os, signal\nos.kill(os.getppid(), signal.SIGCONT)"),
    ],
)
async def test_what_the_system_keeps_it_from_it_cannot_do(kept: str, tries: str, tmp_path: Path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    outcome = await run_tests(tries.replace("{}", str(mine)), ADDS, timeout_s=60)
    if kept not in outcome.kept:
        assert any(code.UNKEPT[kept] == sentence for sentence in await unkept())
        pytest.skip(f"this system does not keep it from {kept}")
    assert "the answer does not run" in (outcome.fault or "")
    assert mine.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever is not root may not remove what was made unreadable to it")
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    leaves = (
        "import os\nos.makedirs('deep/er')\nopen('deep/er/file', 'w').write('x')\nos.chmod('deep', 0)\n"
        "def add(a, b): return 3"
    )
    tmp_path.chmod(0o755)
    assert asyncio.run(run_tests(leaves, ADDS, timeout_s=60)).fault is None
    assert list(tmp_path.iterdir()) == []


async def test_an_estimate_tells_what_code_cannot_be_kept_from():
    assert await warnings_of(ScorerSpec()) == ()
    outcome = await run_tests("", code.FOR_NOTHING, timeout_s=60)
    told = await warnings_of(ScorerSpec(name="code"))
    assert [sentence for name, sentence in code.UNKEPT.items() if name not in outcome.kept] == list(told)


async def test_several_run_at_a_time_and_each_has_its_own_verdict():
    scorer = CodeScorer(ScorerSpec(name="code", timeout_s=60))
    answers = [f"def add(a, b): return {n}" for n in (3, 4, 3, 5, 3, 6)]
    told = await asyncio.gather(*(scorer.score(answer, item(test=ADDS.source)) for answer in answers))
    assert [one.score for one in told] == [1, 0, 1, 0, 1, 0]


def test_equal_programs_are_one_choice():
    scorer = CodeScorer(ScorerSpec(name="code"))
    one = scorer.read("```python\n# mine\ndef add(a, b):\n    return a + b\n```")
    assert one == scorer.read("Yours:\n```python\ndef add(a,b):\n    return a+b  # sum\n```")
    assert one != scorer.read("```python\ndef add(a, b):\n    return a - b\n```")


def test_what_stands_before_the_function_comes_with_it():
    program = program_of("```python\ndef double(n): return n\n```", HUMAN_EVAL)
    assert program.startswith("from typing import List")
    assert program.count("def double") == 1
