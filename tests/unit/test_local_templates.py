"""Chat templates are rendered as transformers renders them, in a process that limits end and nothing escapes from."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent_lab.providers.local.templates import sandbox
from agent_lab.providers.local.templates.sandbox import Limits, TemplateFailure, Templates

FAMILIES = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parents[1] / "support").rglob("*.jinja")}
"""Written in the manner of those that well-known model families ship, and one that makes use of everything."""
BUILT_IN = Path(str(files("agent_lab"))) / "demo" / "weights" / "chat_template.jinja"
TALK = [
    {"role": "system", "content": "  Be brief.\n"},
    {"role": "user", "content": "Grüße \N{SNOWMAN} <b>&amp;</b>\r\n\t{{ x }} {% y %}"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes\ud800"},
    {"role": "user", "content": " And?\n"},
]
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "additional_special_tokens": ["<|end|>", "<|user|>"]}


@pytest.fixture(scope="module")
def templates() -> Iterator[Templates]:
    opened = Templates(Limits(wall_s=60))  # a busy machine may let a good one wait for its turn
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def strict() -> Iterator[Templates]:
    opened = Templates(Limits(cpu_s=1))
    yield opened
    opened.close()


@pytest.fixture
def children() -> Callable[[], list[psutil.Process]]:
    """The processes that were born in this test, the dead ones that nobody has waited for included."""
    before = {one.pid for one in psutil.Process().children()}
    return lambda: [one for one in psutil.Process().children() if one.pid not in before]


# --- the same as transformers ------------------------------------------------------------------------------------
@pytest.mark.parametrize("template", [*FAMILIES.values(), BUILT_IN.read_text("utf-8")], ids=[*FAMILIES, "built in"])
@pytest.mark.parametrize("talk", [TALK, TALK[1:], TALK[1:2], TALK[:2]], ids=["long", "no system", "short", "system"])
@pytest.mark.parametrize("prompted", [True, False])
def test_the_text_is_that_of_transformers(
    templates: Templates, template: str, talk: list[dict[str, str]], prompted: bool
) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    variables: dict[str, Any] = {**SPECIAL, "add_generation_prompt": prompted}
    (expected,), _ = render_jinja_template([talk], chat_template=template, **variables)
    found = templates.render(template, {**variables, "messages": talk, "tools": None, "documents": None})
    assert found == expected


def test_what_is_written_out_in_a_template_is_that_of_transformers(templates: Templates) -> None:
    from transformers.utils.chat_template_utils import _get_template_literal_text

    for template in FAMILIES.values():
        assert sorted(templates.literals(template).split("\0")) == sorted(
            _get_template_literal_text(template).split("\0")
        )


def test_a_template_sees_the_time_that_it_is_given(templates: Templates) -> None:
    now = datetime(2031, 5, 4)  # noqa: DTZ001 - local, as templates see it
    assert templates.render("{{ strftime_now('%d %b %Y') }}", {}, now=now) == "04 May 2031"


def test_a_refusal_of_the_template_is_its_own_words(templates: Templates) -> None:
    with pytest.raises(TemplateFailure, match=r"^roles must alternate$") as caught:
        templates.render("{{ raise_exception('roles must alternate') }}", {})
    assert caught.value.failure == "refused"


# --- hostile templates -------------------------------------------------------------------------------------------
HOSTILE = {
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}": "limit",
    "{{ 9 ** (9 ** 9) }}": "limit",
    "{% for i in range(10**9) %}x{% endfor %}": "limit",
    "{{ 'a' * 10**10 }}": "limit",
    "{% set ns = namespace(x=['a']) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}": "limit",
    "{% for i in range(99999) %}{{ 'abcdefghij' * 1000 }}{% endfor %}": "limit",
    "{{ 'a' | center(10**12) }}": "limit",
    "{{ '%9999999999s' % 'x' }}": "limit",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "limit",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}": "limit",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}": "forbidden",
    "{{ cycler.__init__.__globals__ }}": "forbidden",
    "{{ namespace(__class__='x') }}": "forbidden",
    "{{ messages.clear() }}": "forbidden",
    "{% include '/etc/passwd' %}": "refused",
    "{% import 'os' as os %}": "refused",
    "{% for %}": "syntax",
    "{{ x | no_such_filter }}": "syntax",
}


@pytest.mark.parametrize("template", list(HOSTILE), ids=lambda template: template[:40])
def test_a_hostile_template_fails_in_bounded_time_and_the_next_one_is_rendered(
    strict: Templates, template: str
) -> None:
    assert strict.render("x", {}) == "x"  # the process is there: its start has a time of its own
    started = time.monotonic()
    with pytest.raises(TemplateFailure) as caught:
        strict.render(template, {"messages": [{"role": "user", "content": "x"}]})
    assert time.monotonic() - started < 30  # five seconds, and what a busy machine adds; most would go on for ever
    assert caught.value.failure == HOSTILE[template]
    assert strict.render("{{ 1 + 1 }}", {}) == "2"


@pytest.mark.parametrize(
    "template",
    [
        "{{ self._TemplateReference__context }}",
        "{{ '{0.__class__}'.format([]) }}",
        "{{ [1] | map(attribute='__class__') | first }}",
    ],
)
def test_what_lies_behind_a_value_is_not_shown(templates: Templates, template: str) -> None:
    assert templates.render(template, {}) == ""


@pytest.mark.parametrize("polls", [True, False])
def test_a_process_that_says_nothing_is_ended_after_its_time(
    children: Callable[[], list[psutil.Process]], monkeypatch: pytest.MonkeyPatch, polls: bool
) -> None:
    monkeypatch.setattr(sandbox, "POLLS", polls)
    impatient = Templates(Limits(cpu_s=60, wall_s=0.3))
    assert impatient.render("ready", {}) == "ready"
    with pytest.raises(TemplateFailure, match="takes longer than a template may"):
        impatient.render(next(iter(HOSTILE)), {})
    assert children() == []
    impatient.close()


def test_a_process_that_renders_can_open_nothing_and_has_no_keys(
    monkeypatch: pytest.MonkeyPatch, children: Callable[[], list[psutil.Process]]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    templates = Templates()
    templates.render("x", {})
    (child,) = children()
    assert "OPENAI_API_KEY" not in child.environ()
    assert child.rlimit(psutil.RLIMIT_NOFILE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_AS) == (512_000_000, 512_000_000)
    assert child.rlimit(psutil.RLIMIT_NPROC) == (0, 0)
    loaded = {Path(one.path).name for one in child.memory_maps()}
    assert not any("torch" in name or "tokenizers" in name for name in loaded)
    templates.close()


# --- the life of the processes -----------------------------------------------------------------------------------
def test_one_process_is_kept_and_a_killed_one_is_replaced(children: Callable[[], list[psutil.Process]]) -> None:
    templates = Templates()
    templates.render("x", {})
    (first,) = children()
    templates.render("y", {})
    assert [one.pid for one in children()] == [first.pid]
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    assert templates.render("z", {}) == "z"
    assert first.pid not in [one.pid for one in children()]
    templates.close()
    assert children() == []


def test_a_process_that_is_killed_while_it_renders_is_replaced_and_asked_once_more(
    children: Callable[[], list[psutil.Process]],
) -> None:
    templates = Templates(Limits(cpu_s=60, wall_s=60))
    templates.render("x", {})
    (first,) = children()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(
            templates.render, "{% for i in range(99999) %}{% for j in range(n) %}{% endfor %}{% endfor %}.", {"n": 20}
        )
        first.suspend()
        first.kill()
        assert slow.result().endswith(".")
    assert first.pid not in [one.pid for one in children()]
    templates.close()


def test_many_threads_ask_at_once_and_each_gets_its_own(
    templates: Templates, children: Callable[[], list[psutil.Process]]
) -> None:
    def ask(number: int) -> str:
        return templates.render(FAMILIES["everything"] if number % 3 == 0 else "{{ n }}", {"n": number, "messages": []})

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(200)))
    assert all(found[number] == str(number) for number in range(200) if number % 3)
    assert len(children()) <= 4


def test_a_slow_template_does_not_hold_up_the_others(templates: Templates) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(templates.render, next(iter(HOSTILE)), {})
        assert templates.render("quick", {}) == "quick"
        assert not slow.done()
        with pytest.raises(TemplateFailure):
            slow.result()


@pytest.mark.parametrize("busy", [False, True])
def test_no_process_outlives_a_parent_that_is_killed(busy: bool) -> None:
    program = (
        "import threading\n"
        "from agent_lab.providers.local.templates.sandbox import Templates\n"
        "templates = Templates()\n"
        "templates.render('x', {})\n"
        f"busy = {next(iter(HOSTILE))!r} if {busy} else 'x'\n"
        "threading.Thread(target=templates.render, args=(busy, {}), daemon=True).start()\n"
        "print('ready', flush=True)\n"
        "threading.Event().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        born = psutil.Process(parent.pid).children()
        assert born
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    _, alive = psutil.wait_procs(born, timeout=90)  # a busy one lasts for its two seconds of the processor
    assert alive == []
