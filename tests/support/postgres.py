"""A PostgreSQL server of the tests' own on a free port, and an empty database for each test that asks for one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from support.cli_processes import free_port

PASSWORD = "hunter2"
NO_SERVER = "there is no PostgreSQL here: scripts/postgres.sh installs it, or says how"
EMPTY = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type = 'client backend';
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public;
"""


@dataclass(slots=True)
class Server:
    """A running server. Its superuser is `lab`."""

    folder: Path
    port: int
    programs: Path
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> URL:
        return URL.create("postgresql+psycopg", "lab", PASSWORD, "127.0.0.1", self.port, database)

    def text_url(self, database: str) -> str:
        return f"postgresql://lab:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self, *settings: str) -> None:
        # The shell ends the server when nobody holds its standard input any more: also when the tests are killed.
        script = '"$@" & server=$!; read -r _; kill -INT $server; wait $server'
        options = ["fsync=off", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", *settings]
        named = [part for option in options for part in ("-c", option)]
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *named]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", script, "sh", *command], stdin=subprocess.PIPE, stdout=log, stderr=log, **_user()
            )
        self._await()

    def stop(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait(30)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.text_url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _await(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _user() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _make(folder: Path, programs: Path) -> None:
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    user = _user()
    if user:
        for path in (folder, secret):
            os.chown(path, user["user"], user["group"])  # type: ignore[arg-type]
    make = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "lab", "--auth=scram-sha-256", "--no-sync"]
    made = subprocess.run(
        [*make, f"--pwfile={secret}", "--encoding=UTF8", "--locale=C.UTF-8"],
        capture_output=True,
        cwd=folder,
        text=True,
        **user,  # type: ignore[call-overload]
    )
    assert made.returncode == 0, made.stderr


def new_server() -> Iterator[Server]:
    """A server that is gone afterwards, with all that was in it. Skips the test where none can be started."""
    programs = _programs()
    if programs is None:
        pytest.skip(NO_SERVER)
    folder = Path(tempfile.mkdtemp(prefix="agent-lab-postgres-"))
    try:
        _make(folder, programs)
        server = Server(folder=folder, port=free_port(), programs=programs)
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    yield from new_server()


@pytest.fixture
def postgres_database(postgres_server: Server) -> str:
    """The URL of an empty database. It is the same one for every test: to make one takes longer than most tests."""
    postgres_server.execute(EMPTY)
    return postgres_server.text_url("postgres")
