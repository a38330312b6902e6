"""Tools: rows that are wrong, commands that misbehave, arguments that a hostile model wrote."""

import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

import agent_lab.providers.commands
from agent_lab.contracts.errors import (
    AgentLabError,
    EnvironmentFaultError,
    NotFoundError,
    ProviderError,
    SilentError,
    TooLargeError,
    ValidationError,
)
from agent_lab.contracts.flow_ports import NodeKind, ToolSpec
from agent_lab.contracts.registry import ToolRow
from agent_lab.nodes.tool import tool_kind
from agent_lab.providers.commands import AT_ONCE, MAX_BYTES, Commands
from agent_lab.registries.schemas import misfit, schema_fault
from agent_lab.registries.tools import load_tools
from agent_lab.settings import environment_of_tools
from support.steps import lone_step, problems, said, turn

ECHO = "import sys; sys.stdout.write(sys.stdin.read())"
HOSTILE = "\n$(touch pwned) `id`; {user_input} {{x}} %s --help \x1b[2J <|im_start|>system \"']}"


def python(code: str, **row: Any) -> ToolSpec:
    row = {"name": "probe", "description": "", "command": [sys.executable, "-c", code], **row}
    return Commands(environment_of_tools).tool(ToolRow.model_validate(row))


def kind_of(*tools: ToolSpec) -> NodeKind:
    return tool_kind({tool.name: tool for tool in tools})


Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
"""The server runs on uvloop where it is there, the command line on asyncio's own."""


def written(loop: Loop, tool: ToolSpec, arguments: dict[str, Any] | None = None) -> str:
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(called(tool, arguments or {}))


async def called(tool: ToolSpec, arguments: dict[str, Any]) -> str:
    return await tool.call(arguments)


@LOOPS
def test_the_arguments_come_as_json_on_standard_input_and_never_on_the_command_line(loop: Loop) -> None:
    code = "import json, sys; print(json.dumps([sys.argv[1:], json.load(sys.stdin)]))"
    assert json.loads(written(loop, python(code), {"text": HOSTILE, "n": 3})) == [[], {"text": HOSTILE, "n": 3}]


@LOOPS
def test_the_environment_is_what_every_command_needs_and_what_its_row_names(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("WEATHER_KEY", "mine")
    code = "import json, os; print(json.dumps(sorted(os.environ)))"
    seen = set(json.loads(written(loop, python(code, env=["WEATHER_KEY", "NOT_SET"]))))
    assert "WEATHER_KEY" in seen
    assert seen - {"LC_CTYPE"} <= {"PATH", "HOME", "LANG", "WEATHER_KEY"}  # Python sets LC_CTYPE itself


def test_a_variable_of_a_tool_may_stand_in_the_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\nC=file\n")
    seen = environment_of_tools(["A", "B"], {"A": "shell", "PATH": "/bin"}, tmp_path / ".env")
    assert seen == {"PATH": "/bin", "A": "shell", "B": "file"}


@LOOPS
def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(loop: Loop, tmp_path: Path) -> None:
    # A shell has its child long before the second is over, also where Python takes that long to start.
    told = tmp_path / "pids"
    script = f"sleep 120 & echo $$ $! > {told}; wait"
    began = time.monotonic()
    with pytest.raises(SilentError, match=r"'probe' took longer than 1 s \(timeout_s of its row\)"):
        written(loop, python("", command=["/bin/sh", "-c", script], timeout_s=1))
    assert time.monotonic() - began < 60
    assert_gone(told)


@LOOPS
def test_a_command_is_ended_when_its_run_is_cancelled(loop: Loop, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    tool = python(f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)")

    async def cancelled() -> None:
        task = asyncio.create_task(called(tool, {}))
        await asyncio.to_thread(wait_for, told)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(cancelled())
    assert_gone(told)


LEAVES_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'], start_new_session={apart})
open({path!r}, 'w').write(str(child.pid)); print('done')
"""


@LOOPS
def test_what_a_command_leaves_running_is_ended_and_does_not_hold_its_answer_back(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_lab.providers.commands, "LINGER_S", 120.0)
    began, told = time.monotonic(), tmp_path / "pid"
    assert written(loop, python(LEAVES_A_CHILD.format(apart=False, path=str(told)))) == "done"
    assert time.monotonic() - began < 60
    assert_gone(told)


@LOOPS
def test_what_slips_out_of_the_group_does_not_hold_the_answer_back_either(loop: Loop, tmp_path: Path) -> None:
    began, told = time.monotonic(), tmp_path / "pid"
    assert written(loop, python(LEAVES_A_CHILD.format(apart=True, path=str(told)))) == "done"
    assert time.monotonic() - began < 60
    os.kill(int(told.read_text()), 9)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not (path.exists() and path.read_text()) and time.monotonic() < until:
        time.sleep(0.01)


def assert_gone(told: Path) -> None:
    pids, until = told.read_text().split(), time.monotonic() + 30
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)


def alive(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state != "Z"  # nobody may be there to bury it


@LOOPS
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_command_that_writes_without_end_is_ended(loop: Loop, stream: str) -> None:
    with pytest.raises(TooLargeError, match=f"wrote more than {MAX_BYTES:,} bytes"):
        written(loop, python(f"import sys\nwhile True: sys.{stream}.write('x' * 10000)"))


@LOOPS
def test_a_command_that_does_not_read_may_answer_all_the_same(loop: Loop) -> None:
    assert written(loop, python("print('deaf')"), {"text": "x" * 500_000}) == "deaf"


@LOOPS
def test_much_goes_in_and_comes_out(loop: Loop) -> None:
    text = "x" * (MAX_BYTES - 100)
    assert json.loads(written(loop, python(ECHO), {"text": text})) == {"text": text}


async def test_arguments_beyond_the_bound_are_refused() -> None:
    with pytest.raises(TooLargeError, match="arguments of the tool 'probe' have"):
        await python(ECHO).call({"text": "x" * MAX_BYTES})


@LOOPS
def test_a_command_that_fails_is_told_with_the_last_line_of_its_complaint(loop: Loop) -> None:
    code = "import sys; sys.stderr.write('Traceback\\nValueError: no such town\\n'); sys.exit(3)"
    with pytest.raises(ProviderError, match="'probe' failed with exit code 3: ValueError: no such town"):
        written(loop, python(code))
    with pytest.raises(ProviderError, match="failed with signal 9; it said nothing"):
        written(loop, python("import os; os.kill(os.getpid(), 9)"))


@LOOPS
def test_a_command_that_is_not_there_is_told_with_its_path(loop: Loop) -> None:
    with pytest.raises(EnvironmentFaultError, match="/no/such/program, cannot be started"):
        written(loop, python("", command=["/no/such/program"]))


@LOOPS
def test_whatever_bytes_a_command_writes_are_text(loop: Loop) -> None:
    code = "import sys; sys.stdout.buffer.write(b'caf\\xc3\\xa9 \\xff\\r\\n')"
    assert written(loop, python(code)) == "café \ufffd"


async def test_only_so_many_commands_run_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys, time, pathlib\n"
        f"folder = pathlib.Path({str(tmp_path)!r}); mine = folder / str(os.getpid()); mine.touch()\n"
        "print(len(list(folder.iterdir()))); time.sleep(0.2); mine.unlink()\n"
    )
    probe = python(code)
    seen = await asyncio.gather(*(probe.call({}) for _ in range(AT_ONCE + 4)))
    assert max(map(int, seen)) <= AT_ONCE


GREET = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "times": {"type": "integer", "minimum": 1}},
    "required": ["name"],
    "additionalProperties": False,
}


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


async def test_a_hostile_answer_in_an_argument_stays_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    node = {"kind": "tool", "tool": "probe", "arguments": {"text": "{plan_output}", "fixed": [1, "{plan_output}"]}}
    output = await turn(kind_of(python(ECHO)), lone_step(node, "plan"), {"plan": said(HOSTILE)})
    assert output.fields["value"] == {"text": HOSTILE, "fixed": [1, "{plan_output}"]}
    assert is_empty(tmp_path)


async def test_an_argument_that_is_one_field_alone_keeps_its_kind() -> None:
    tool = python(ECHO, parameters=GREET)
    node = {"kind": "tool", "tool": "probe", "arguments": {"name": "{plan.n} times", "times": "{plan.n}"}}
    output = await turn(kind_of(tool), lone_step(node, "plan"), {"plan": said("", n=2)})
    assert output.fields == {"ok": True, "error": None, "value": {"name": "2 times", "times": 2}}


async def test_arguments_that_do_not_fit_the_schema_never_reach_the_tool(tmp_path: Path) -> None:
    tool = python(f"open({str(tmp_path / 'called')!r}, 'w')", parameters=GREET)
    node = {"kind": "tool", "tool": "probe", "arguments": {"name": "x", "times": "{plan.n}"}}
    with pytest.raises(
        ValidationError, match=r"does not take its arguments in node 'it': '9{5,}…? ?.* \(at \$\.times\)"
    ):
        await turn(kind_of(tool), lone_step(node, "plan"), {"plan": said("", n="9" * 500)})
    assert is_empty(tmp_path)


async def test_a_tool_that_fails_is_data_where_that_is_wished() -> None:
    node = {"kind": "tool", "tool": "probe", "on_error": "skip"}
    output = await turn(kind_of(python("raise SystemExit('no')")), lone_step(node))
    assert (output.text, output.fields["ok"], output.fields["value"]) == ("", False, None)
    assert output.fields["error"] == "The tool 'probe' failed with exit code 1: no"


async def test_a_tool_that_is_gone_since_the_check_is_named() -> None:
    with pytest.raises(NotFoundError, match="There is no tool 'prob'; did you mean 'probe'"):
        await turn(kind_of(python(ECHO)), lone_step({"kind": "tool", "tool": "prob"}))


async def test_an_answer_of_another_packages_tool_is_bounded_too() -> None:
    async def long(arguments: Any) -> str:
        return "x" * 1_000_001

    tool = ToolSpec(name="long", description="", parameters={"type": "object"}, call=long)
    with pytest.raises(AgentLabError, match="answered with 1,000,001 characters"):
        await turn(kind_of(tool), lone_step({"kind": "tool", "tool": "long"}))


def test_what_is_wrong_with_a_tool_node_is_told_when_the_flow_is_checked() -> None:
    kind = kind_of(python(ECHO, parameters=GREET))
    assert problems(kind, tool="probe", arguments={"name": "x"}) == []
    ((place, sentence),) = problems(kind, tool="prob")
    assert (place, "did you mean 'probe'" in sentence) == ("/tool", True)
    told = problems(kind, tool="probe", arguments={"nam": "x"})
    assert [(place, sentence.split(";")[0]) for place, sentence in told] == [
        ("/arguments/name", "The tool 'probe' needs the argument 'name'"),
        ("/arguments/nam", "The tool 'probe' takes no argument 'nam'"),
    ]


ROW = '[[tool]]\nname = "probe"\ndescription = "Probes"\ncommand = ["/bin/cat"]\n'


def test_tools_are_rows_of_the_configuration_folder(tmp_path: Path) -> None:
    assert load_tools(tmp_path) == []
    (tmp_path / "tools.toml").write_text(
        ROW + "parameters = {type = 'object', properties = {n = {type = 'integer'}}}\n"
    )
    (row,) = load_tools(tmp_path)
    assert (row.name, row.command, row.timeout_s) == ("probe", ("/bin/cat",), 30.0)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            ROW.replace('"/bin/cat"', '"cat"'),
            "tools.toml, tool 'probe': the field 'command' .* begins with the whole path",
        ),
        (ROW.replace('["/bin/cat"]', "[]"), "the field 'command' .* begins with the whole path"),
        (ROW.replace('"/bin/cat"', r'"/bin/cat", "a\u0000b"'), "no command can have"),
        (ROW + "timeout = 3\n", "there is no field 'timeout'; did you mean 'timeout_s'"),
        (ROW + "timeout_s = 0\n", "the field 'timeout_s' is '0'"),
        (ROW + "env = ['A-B']\n", "the field 'env.0' is 'A-B'"),
        (ROW + "parameters = {type = 'array'}\n", "'parameters' is no usable JSON Schema: it describes no object"),
        (ROW + "parameters = {type = 'object', properties = {a = {type = 'txt'}}}\n", "'txt' is not valid"),
        (
            ROW + "parameters = {type = 'object', properties = {a = {'$ref' = 'http://x/y'}}}\n",
            "refers to 'http://x/y', and nothing is fetched",
        ),
        (ROW + ROW, "The tool 'probe' is given twice"),
    ],
)
def test_a_row_that_is_wrong_is_told_with_file_row_and_field(tmp_path: Path, row: str, sentence: str) -> None:
    (tmp_path / "tools.toml").write_text(row)
    with pytest.raises(ValidationError, match=sentence):
        load_tools(tmp_path)


def test_a_schema_that_refers_to_nothing_is_told_and_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[object] = []
    monkeypatch.setattr(urllib.request, "urlopen", looked_up.append)
    assert schema_fault({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}) is None
    assert misfit({"a": 1}, {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}) is not None
    assert misfit({"a": 1}, {"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}) == (
        "its schema refers to 'http://x/y', which is nowhere in it"
    )
    assert looked_up == []


async def test_the_number_of_turns_of_a_node_is_a_number_as_an_argument() -> None:
    node = {"kind": "tool", "tool": "probe", "arguments": {"turns": "{plan.visits}"}}
    output = await turn(kind_of(python(ECHO)), lone_step(node, "plan"), {"plan": said("x")})
    assert output.fields["value"] == {"turns": 1}
