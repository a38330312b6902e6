"""A small Hugging Face hub on the loopback interface: the routes that its client uses, and the faults of a line."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 10_000
"""Larger files are LFS files, as on the hub."""


@dataclass
class Version:
    """A commit of a repository."""

    files: dict[str, bytes]

    @property
    def commit(self) -> str:
        return hashlib.sha1(b"".join(name.encode() + data for name, data in sorted(self.files.items()))).hexdigest()


@dataclass
class FakeHub:
    """What it holds, what it was asked, and how it fails."""

    url: str = ""
    repositories: dict[str, list[Version]] = field(default_factory=dict)
    """The newest version last."""
    asked: list[str] = field(default_factory=list)
    """METHOD path [range]."""
    cut_after_bytes: int | None = None
    """Connections break after so many bytes of a large file."""
    hold: threading.Event | None = None
    """Large files stop half way until it is set."""
    half_sent: threading.Event = field(default_factory=threading.Event)
    refuse: tuple[int, dict[str, str]] | None = None
    """Every answer has this status, with these headers."""
    garble: bool = False
    elsewhere: bool = False
    """Large files are sent on to another host, as the hub does."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """(host, key) of each request that had one."""

    def add(self, name: str, folder: Path | None = None, **files: bytes) -> Version:
        """A new version of a repository."""
        found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder else {}
        version = Version(files={**found, **files})
        self.repositories.setdefault(name, []).append(version)
        return version

    def gets(self, name: str) -> list[str]:
        """The downloads of a file, with their ranges."""
        return [line for line in self.asked if line.startswith("GET") and name in line]


@contextmanager
def serving() -> Iterator[FakeHub]:
    """A hub that answers until the end."""
    hub = FakeHub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        if hub.hold:
            hub.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeHub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.state, unquote(urlsplit(self.path).path)
        hub.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        if key := self.headers.get("Authorization"):
            hub.keys.append((self.headers["Host"].partition(":")[0], key))
        if hub.refuse:
            status, headers = hub.refuse
            return self._send(status, b"{}", headers, body)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path):
            return self._describe(found[1], found[2], found[3], body)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file(found[1], found[2], found[3], body)
        return self._send(404, b"{}", {}, body)

    def _version(self, name: str, revision: str | None, body: bool) -> Version | None:
        versions = self.state.repositories.get(name)
        if versions is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body)
            return None
        if revision in {None, "main"}:
            return versions[-1]
        for version in versions:
            if version.commit == revision:
                return version
        self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body)
        return None

    def _describe(self, name: str, what: str | None, revision: str | None, body: bool) -> None:
        version = self._version(name, revision, body)
        if version is None:
            return None
        if what == "tree":
            found = [
                {"type": "file", "path": file, "size": len(data), "oid": _git(data), **_lfs(data, "oid")}
                for file, data in version.files.items()
            ]
            return self._send(200, json.dumps(found).encode(), {}, body)
        siblings = [
            {"rfilename": file, "size": len(data), "blobId": _git(data), **_lfs(data, "sha256")}
            for file, data in version.files.items()
        ]
        document = {"id": name, "sha": version.commit, "siblings": siblings, "tags": [], "downloads": 0}
        return self._send(200, json.dumps(document).encode(), {}, body)

    def _file(self, name: str, revision: str, file: str, body: bool) -> None:
        version = self._version(name, revision, body)
        if version is None:
            return None
        data = version.files.get(file)
        if data is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
        etag = _lfs(data, "oid").get("lfs", {}).get("oid") or _git(data)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": version.commit, "Accept-Ranges": "bytes"}
        at_home = self.headers["Host"].startswith("127.")
        if self.state.elsewhere and at_home and len(data) > LARGE_BYTES:
            away = self.state.url.replace("127.0.0.1", "localhost") + self.path
            linked = {"Location": away, "X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(data))}
            return self._send(302, b"", {**headers, **linked}, body)
        start = 0
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(found[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.state.garble and len(data) > LARGE_BYTES:
            data = bytes(len(data))
        return self._send(206 if start else 200, data[start:], headers, body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self._write(data, whole=len(data) <= LARGE_BYTES)

    def _write(self, data: bytes, *, whole: bool) -> None:
        hub = self.state
        if not whole and hub.cut_after_bytes is not None:
            data = data[: hub.cut_after_bytes]
            self.close_connection = True
        middle = len(data) // 2
        try:
            self.wfile.write(data[:middle])
            if not whole and hub.hold is not None:
                hub.half_sent.set()
                hub.hold.wait(60)
            self.wfile.write(data[middle:])
        except OSError:  # whoever read has left
            self.close_connection = True


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _lfs(data: bytes, key: str) -> dict[str, dict[str, object]]:
    if len(data) <= LARGE_BYTES:
        return {}
    return {"lfs": {key: hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}}
