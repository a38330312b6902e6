"""Serves the web app: a folder of exported files, each page under a policy that names its own inline scripts."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SITE = Path(__file__).resolve().parent.parent / "site"
"""Where the build of `web/` puts it; in a wheel it is there."""
POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types default nextjs"
)
REVALIDATE = "no-cache"
FOREVER = "public, max-age=31536000, immutable"
"""For files whose name has their content's hash in it."""
NOT_BUILT = (
    "The web app has not been built here: run `make web` in the folder of the project (it needs Node 20.9 or newer), "
    "or install the wheel, which has it. The API and the commands work without it."
)

_INLINE_SCRIPT = re.compile(rb"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)
_INLINE_STYLE = re.compile(rb"<style[^>]*>(?P<code>.*?)</style>", re.DOTALL)
_SHELL = "_"
"""The exported page that stands for every id of a dynamic route: `runs/_.html`."""
_REFUSED = re.compile(r"q\s*=\s*0(\.0*)?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@.~-]{0,127}")

KINDS = mimetypes.MimeTypes()
"""What a file is by its name. The machine's own list is not asked: on some a script is plain text, which none runs."""
for _kind, _suffix in (("text/javascript", ".js"), ("font/woff2", ".woff2")):
    KINDS.add_type(_kind, _suffix)
PACKED = {"br": ".br", "gzip": ".gz"}
"""What the build wrote beside a file, by its name in `Accept-Encoding`; the smaller one first."""


@dataclass(frozen=True, slots=True)
class _Page:
    contents: Mapping[str, bytes]
    """By encoding; plain under an empty name."""
    tags: Mapping[str, str]
    """Their entity tags, by encoding too."""
    policy: str


class Site:
    """The exported app in a folder. Pages are read once; what is built anew is served after a restart."""

    def __init__(self, folder: Path = SITE) -> None:
        self._folder = folder
        self._tags: dict[tuple[Path, int, int], str] = {}

    @cached_property
    def pages(self) -> Mapping[str, _Page]:
        """Every page by its path within the folder, without `.html`."""
        found = {}
        for path in sorted(self._folder.rglob("*.html")):
            contents = {"": path.read_bytes()} | {name: file.read_bytes() for name, file in packed(path).items()}
            name = path.relative_to(self._folder).with_suffix("").as_posix()
            tags = {encoding: tag_of(content) for encoding, content in contents.items()}
            found[name] = _Page(contents, tags, policy_of(contents[""]))
        return found

    def tag_at(self, path: Path) -> str:
        """The entity tag of a file of the folder; read once for each change of it."""
        stat = path.stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in self._tags:
            self._tags[key] = tag_of(path.read_bytes())
        return self._tags[key]

    def page_at(self, path: str) -> _Page | None:
        """The page of this path of a URL; the shell of its route where the last part is an id."""
        name = path.strip("/") or "index"
        return self.pages.get(name) or self.pages.get(_shell_of(name))

    def file_at(self, path: str) -> Path | None:
        """The file of this path of a URL, for ids that of the shell; None where there is none within the folder."""
        name = path.strip("/")
        for candidate in (name, _of_shell(name)):
            found = self._within(candidate)
            if found is not None:
                return found
        return None

    def _within(self, name: str) -> Path | None:
        parts = PurePosixPath(name).parts
        if not parts or any(part in {"..", "/"} or "\\" in part or "\0" in part for part in parts):
            return None
        try:
            path = self._folder.joinpath(*parts).resolve()
            is_file = path.is_file()
        except (OSError, UnicodeError):  # longer than a name may be, or no text: no file is called that
            return None
        is_served = path.suffix not in {".html", *PACKED.values()} and path.is_relative_to(self._folder.resolve())
        return path if is_file and is_served else None


def packed(path: Path) -> Mapping[str, Path]:
    """The packed forms of a file that are there, by encoding."""
    files = {name: path.with_name(path.name + suffix) for name, suffix in PACKED.items()}
    return {name: file for name, file in files.items() if file.is_file()}


def encoding_of(headers: Headers, there: Collection[str]) -> str:
    """The first encoding that is there and that the client takes; an empty name for none."""
    parts = (part.partition(";") for part in headers.get("accept-encoding", "").lower().split(","))
    taken = {name.strip() for name, _, quality in parts if not _REFUSED.fullmatch(quality.strip())}
    return next((name for name in PACKED if name in there and name in taken), "")


def tag_of(content: bytes) -> str:
    """A strong entity tag: the same bytes have the same one, in whatever build or process."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_known(headers: Headers, tag: str) -> bool:
    """Whether the client has that very content already."""
    asked = {one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")}
    return tag in asked or "*" in asked


def policy_of(page: bytes) -> str:
    """The content security policy of a page: scripts and styles from here, and those inline that the build wrote."""
    scripts = (found["code"] for found in _INLINE_SCRIPT.finditer(page) if b"src=" not in found["attributes"])
    styles = (found["code"] for found in _INLINE_STYLE.finditer(page))
    return POLICY.format(scripts=_hashes(scripts), styles=_hashes(styles))


def _hashes(codes: Iterable[bytes]) -> str:
    digests = {base64.b64encode(hashlib.sha256(code).digest()).decode() for code in codes}
    return "".join(f" 'sha256-{digest}'" for digest in sorted(digests))


def _shell_of(name: str) -> str:
    head, _, last = name.rpartition("/")
    return f"{head}/{_SHELL}" if head and _ID.fullmatch(last) else ""


def _of_shell(name: str) -> str:
    """`runs/x.txt` and `runs/x/__next.tree.txt` are those of the shell: `runs/_.txt`, `runs/_/__next.tree.txt`."""
    parts = name.split("/")
    if len(parts) > 2 and parts[2].startswith("__next."):
        parts[1] = _SHELL
    elif len(parts) == 2 and parts[1].endswith(".txt"):
        parts[1] = f"{_SHELL}.txt"
    return "/".join(parts)


class SiteLayer:
    """Answers for the app's pages and files where a browser asks for them; all else goes on to the routes.

    Some paths are both: `/models` is a page for whom accepts HTML first, and JSON for programs.
    """

    def __init__(self, app: ASGIApp, *, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        path, headers = scope["path"], Headers(scope=scope)
        as_page = wants_page(headers)
        answer = page_answer(self._site, path, headers) if as_page else self._file(path, headers)
        lost = page_answer(self._site, "/404", headers, status=404) if as_page and answer is None else None
        if lost is None:
            await (answer or self._app)(scope, receive, send)
        else:
            await _or_lost(self._app, lost, scope, receive, send)

    def _file(self, path: str, headers: Headers) -> Response | None:
        found = self._site.file_at(path)
        if found is None:
            return None
        kind = KINDS.guess_type(found.name)[0] or "application/octet-stream"
        keep = FOREVER if path.startswith("/_next/static/") else REVALIDATE
        forms = packed(found)
        encoding = encoding_of(headers, forms)
        file = forms.get(encoding, found)
        answer = {"Cache-Control": keep, "Vary": "Accept-Encoding", "ETag": self._site.tag_at(file)}
        if is_known(headers, answer["ETag"]):
            return Response(status_code=304, headers=answer)
        return FileResponse(file, media_type=kind, headers=answer | _said(encoding))


async def _or_lost(app: ASGIApp, lost: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """The routes' answer; a page in place of "there is no such route", which is for programs."""
    is_lost = False

    async def pass_on(message: Message) -> None:
        nonlocal is_lost
        if message["type"] == "http.response.start":
            is_lost = message["status"] == 404
        if not is_lost:
            await send(message)

    await app(scope, receive, pass_on)
    if is_lost:
        await lost(scope, receive, send)


def wants_page(headers: Headers) -> bool:
    """Whether somebody follows a link, rather than a program that asks for data."""
    return "text/html" in headers.get("accept", "")


def _said(encoding: str) -> dict[str, str]:
    return {"Content-Encoding": encoding} if encoding else {}


def page_answer(site: Site, path: str, headers: Headers, *, status: int = 200) -> Response | None:
    """The page of this path, None where the app has none."""
    page = site.page_at(path)
    if page is None:
        return None
    encoding = encoding_of(headers, page.contents)
    answer = {"Cache-Control": REVALIDATE, "Vary": "Accept, Accept-Encoding", "Content-Security-Policy": page.policy}
    answer["ETag"] = page.tags[encoding]
    if status == 200 and is_known(headers, page.tags[encoding]):
        return Response(status_code=304, headers=answer)
    kind = "text/html; charset=utf-8"
    return Response(page.contents[encoding], status_code=status, media_type=kind, headers=answer | _said(encoding))
