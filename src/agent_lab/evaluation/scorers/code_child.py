"""The process that runs an answer's code and its tests: a JSON request in, one JSON line out, and little else.

It is run as a program and knows nothing of AI Agent Lab. What it is kept from it does to itself, before a line of the
answer runs; the parent's clock and the end of its whole group are outside.
"""

from __future__ import annotations

import ast
import ctypes
import json
import os
import sys
import unittest
from contextlib import suppress
from typing import Any

NOBODY = 65534
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
DUMPABLE, KEEP_CAPABILITIES, NO_NEW_PRIVS = 4, 8, 38
MAY_READ = 1 << 2
"""CAP_DAC_READ_SEARCH"""
LANDLOCK_VERSION, LANDLOCK_RULE, LANDLOCK_RESTRICT = 444, 445, 446
RUN, WRITE, READ, READ_FOLDERS = 0b1, 0b10, 0b100, 0b1000
LONGEST_WHY = 300


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


# --- what it is kept from ---------------------------------------------------------------------------------------------
def confine(folder: str, memory_bytes: int, cpu_s: int) -> list[str]:
    """Give up what the answer shall not have; returns what the system really took: limits, network, files, signals."""
    kept = ["limits"] if _limit(memory_bytes, cpu_s) else []
    if not sys.platform.startswith("linux"):
        return kept
    system = ctypes.CDLL(None, use_errno=True)
    no_network = os.geteuid() == 0 and system.unshare(CLONE_NEWNET) == 0
    _become_nobody(system, folder)
    no_network = no_network or _leave_network(system)
    system.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    return [*kept, *(["network"] if no_network else []), *_wall_in(system, folder)]


def _limit(memory_bytes: int, cpu_s: int) -> bool:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is what is left
        return False
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 10_000_000),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
    ):
        with suppress(ValueError, OSError):  # not every system knows every limit
            resource.setrlimit(what, (most, most))
    return True


def _become_nobody(system: ctypes.CDLL, folder: str) -> None:
    """Root is nobody from here on. Where nobody could not read the standard library it may still read; `_wall_in` is
    what then keeps it from all other files."""
    if os.geteuid() != 0:
        return
    path, readable = os.path.dirname(os.__file__), True
    while path not in {"", os.sep}:
        readable = readable and bool(os.stat(path).st_mode & 0o001)
        path = os.path.dirname(path)
    with suppress(OSError):
        os.chown(folder, NOBODY, NOBODY)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        system.prctl(KEEP_CAPABILITIES, 1, 0, 0, 0)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _keep_only(system, 0 if readable else MAY_READ)


def _keep_only(system: ctypes.CDLL, capabilities: int) -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)(capabilities, capabilities, 0, 0, 0, 0)
    system.capset(ctypes.byref(header), ctypes.byref(sets))


def _leave_network(system: ctypes.CDLL) -> bool:
    """Into a network of its own that has no way out; for that the kernel must let users have namespaces."""
    uid, gid = os.getuid(), os.getgid()
    # After a change of its user a process may not write its own map.
    system.prctl(DUMPABLE, 1, 0, 0, 0)
    if system.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    with suppress(OSError):
        for name, said in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(said)
    _keep_only(system, 0)  # what its own namespace let it do goes too
    return True


def _wall_in(system: ctypes.CDLL, folder: str) -> list[str]:
    """Landlock: only the standard library may be read, only the folder written, no TCP, no signals to others."""
    version = system.syscall(LANDLOCK_VERSION, None, 0, 1)
    if version < 1:
        return []
    every = (1 << (13 if version == 1 else 14 if version == 2 else 15 if version < 5 else 16)) - 1
    rules = _Rules(every, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    wall = system.syscall(LANDLOCK_VERSION, ctypes.byref(rules), size, 0)
    if wall < 0:
        return []
    libraries = {sys.base_prefix, sys.base_exec_prefix, os.path.dirname(os.__file__), "/usr/share/zoneinfo"}
    libraries |= {"/usr/lib", "/usr/lib64", "/lib", "/lib64"}
    allowed = dict.fromkeys(libraries, RUN | READ | READ_FOLDERS)
    allowed |= dict.fromkeys(("/dev/null", "/dev/zero", "/dev/urandom"), READ | WRITE)
    for path, rights in {**allowed, folder: every}.items():
        with suppress(OSError):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            system.syscall(LANDLOCK_RULE, wall, 1, ctypes.byref(_Beneath(rights, place)), 0)
            os.close(place)
    if system.syscall(LANDLOCK_RESTRICT, wall, 0) != 0:
        return []
    return ["files", *(["signals"] if version >= 6 else [])]


# --- what it does -----------------------------------------------------------------------------------------------------
def fault_of(program: str, tests: str, entry: str) -> str | None:
    """Why the answer fails; None where all tests ran to their end."""
    known: dict[str, Any] = {"__name__": "answer"}
    try:
        exec(compile(program, "<answer>", "exec"), known)
    except BaseException as error:  # noqa: BLE001 - an answer may raise anything, and exit
        return f"the answer does not run: {_said(error)}"
    before = dict(known)
    try:
        tree = ast.parse(tests, "<tests>")
        exec(compile(tree, "<tests>", "exec"), known)
        brought = {name: value for name, value in known.items() if before.get(name) is not value}
        ran = any(isinstance(part, _DOES) for part in tree.body)
        fault, called = _called(brought, known, entry)
    except BaseException as error:  # noqa: BLE001
        return f"a test fails: {_said(error)}"
    return fault if fault or ran or called else "the tests test nothing"


_DOES = (ast.Assert, ast.For, ast.While, ast.With, ast.Try)


def _called(brought: dict[str, Any], known: dict[str, Any], entry: str) -> tuple[str | None, bool]:
    """Call what the tests only define: `check(candidate)`, functions `test_...`, classes of unittest."""
    called = False
    if entry and callable(brought.get("check")):
        brought["check"](known[entry])
        called = True
    for name, value in brought.items():
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            result = unittest.TestResult()
            unittest.defaultTestLoader.loadTestsFromTestCase(value).run(result)
            called = called or result.testsRun > 0
            if not result.wasSuccessful():
                return f"a test fails: {name}", True
        elif name.startswith("test_") and callable(value):
            value()
            called = True
    return None, called


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:LONGEST_WHY]
    except BaseException:  # noqa: BLE001 - a text of its own making
        return type(error).__name__


def main() -> None:
    """Read the request, give up what can be given up, run, and tell the parent in one line."""
    request = json.loads(sys.stdin.buffer.read())
    report, nothing = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    secret, folder = request.pop("secret"), request["folder"]
    kept = confine(folder, request["memory_bytes"], request["cpu_s"])
    # What the answer may have put in the place of these afterwards is of no use to it.
    write, dumps, leave = os.write, json.dumps, os._exit
    fault = fault_of(request["program"], request["tests"], request["entry"])
    write(report, dumps({"secret": secret, "fault": fault, "kept": kept}).encode("ascii") + b"\n")
    leave(0)


if __name__ == "__main__":
    main()
