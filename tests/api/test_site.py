"""The exported app as files: who gets a page, which scripts a page may run, and nothing from outside the folder."""

import base64
import gzip
import hashlib
import mimetypes
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent_lab.api.site import SITE, Site, SiteLayer, policy_of
from api.doors import Door

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
INLINE = "self.__next_f.push([1,'x'])"
PAGE = f'<html><script src="/_next/static/a.js" async=""></script><script>{INLINE}</script></html>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    files = {
        "index.html": PAGE,
        "models.html": "<html>models</html>",
        "runs.html": "<html>runs</html>",
        "runs/_.html": "<html>one run</html>",
        "runs/_.txt": "flight of one run",
        "runs/_/__next._tree.txt": "tree of one run",
        "runs/compare.html": "<html>two runs</html>",
        "models.txt": "flight of the models",
        "_next/static/a.js": "1",
        "icon.svg": "<svg/>",
    }
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    (tmp_path / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(tmp_path / "secret.txt")
    return site


async def _data(request: Request) -> JSONResponse:
    return JSONResponse({"path": request.url.path})


def anybody(folder: Path) -> httpx.AsyncClient:
    app = SiteLayer(Starlette(routes=[Route("/{path:path}", _data, methods=["GET", "POST"])]), site=Site(folder))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", PAGE),
        ("/models", "<html>models</html>"),
        ("/models/", "<html>models</html>"),
        ("/runs/20261121t090000-5f1d7c0e9b", "<html>one run</html>"),
        ("/runs/compare", "<html>two runs</html>"),
    ],
)
async def test_who_follows_a_link_gets_the_page(folder: Path, path: str, page: str) -> None:
    async with anybody(folder) as client:
        answer = await client.get(path, headers=HTML)
        head = await client.head(path, headers=HTML)
    assert (answer.status_code, answer.text) == (200, page)
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-cache", "Accept, Accept-Encoding")
    assert (head.status_code, head.text) == (200, "")


async def test_a_program_gets_the_data_at_the_same_path(folder: Path) -> None:
    async with anybody(folder) as client:
        for path in ("/", "/models", "/runs/x"):
            assert (await client.get(path)).json() == {"path": path}
        assert (await client.post("/models", headers=HTML)).json() == {"path": "/models"}
        assert (await client.get("/api/flows", headers=HTML)).json() == {"path": "/api/flows"}


async def test_a_page_may_run_the_scripts_that_the_build_wrote_and_no_other(folder: Path) -> None:
    async with anybody(folder) as client:
        policy = (await client.get("/", headers=HTML)).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert policy_of(b"<script>1</script>") != policy_of(b"<script>2</script>")
    assert policy_of(b"<html></html>").count("sha256") == 0


def test_a_page_may_have_the_styles_that_the_build_wrote_into_it_and_no_other() -> None:
    digest = base64.b64encode(hashlib.sha256(b"a{}").digest()).decode()
    policy = policy_of(b"<html><style>a{}</style></html>")
    assert f"style-src 'self' 'sha256-{digest}';" in policy
    assert "style-src 'self';" in policy_of(b"<html></html>")


async def test_what_the_build_packed_is_sent_to_those_who_take_it(folder: Path) -> None:
    for name, content in {"index.html": PAGE, "_next/static/a.js": "let a = 1;"}.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    (folder / "_next/static/a.js.br").write_bytes(b"brotli")
    async with anybody(folder) as client:
        client.headers["Accept-Encoding"] = "gzip, deflate"
        page, code = await client.get("/", headers=HTML), await client.get("/_next/static/a.js")
        both = await client.get("/_next/static/a.js", headers={"Accept-Encoding": "gzip, br; q=0.000"})
        plain = await client.get("/_next/static/a.js", headers={"Accept-Encoding": "identity"})
        async with client.stream("GET", "/_next/static/a.js", headers={"Accept-Encoding": "gzip, br"}) as smallest:
            raw = b"".join([piece async for piece in smallest.aiter_raw()])
        packed_by_name = await client.get("/_next/static/a.js.gz")
    assert (page.text, page.headers["content-encoding"]) == (PAGE, "gzip")
    assert (code.text, code.headers["content-type"].split(";")[0]) == ("let a = 1;", "text/javascript")
    assert code.headers["vary"] == "Accept-Encoding"
    assert (both.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert (smallest.headers["content-encoding"], raw) == ("br", b"brotli")
    assert packed_by_name.json() == {"path": "/_next/static/a.js.gz"}


@pytest.mark.parametrize(("path", "accept"), [("/models", HTML), ("/icon.svg", {}), ("/runs/x.txt", {})])
async def test_what_a_browser_has_already_is_not_sent_again(folder: Path, path: str, accept: dict[str, str]) -> None:
    async with anybody(folder) as client:
        first = await client.get(path, headers=accept)
        tag = first.headers["etag"]
        again = [
            await client.get(path, headers=accept | {"If-None-Match": said}) for said in (tag, f'"a", W/{tag}', "*")
        ]
        other = await client.get(path, headers=accept | {"If-None-Match": '"another"'})
    assert (first.status_code, tag.startswith('"')) == (200, True)
    assert {(one.status_code, one.content, one.headers["etag"]) for one in again} == {(304, b"", tag)}
    assert {one.headers.get("content-security-policy") for one in (first, *again)} == {
        first.headers.get("content-security-policy")
    }
    assert (other.status_code, other.content) == (200, first.content)


async def test_each_form_of_a_page_has_a_tag_of_its_own_and_another_build_another_one(folder: Path) -> None:
    (folder / "models.html.gz").write_bytes(gzip.compress(b"<html>models</html>"))
    async with anybody(folder) as client:
        plain = await client.get("/models", headers=HTML | {"Accept-Encoding": "identity"})
        packed = await client.get("/models", headers=HTML | {"Accept-Encoding": "gzip"})
    (folder / "models.html").write_text("<html>models, newer</html>")
    async with anybody(folder) as client:
        newer = await client.get(
            "/models", headers=HTML | {"If-None-Match": plain.headers["etag"], "Accept-Encoding": ""}
        )
    assert len({plain.headers["etag"], packed.headers["etag"], newer.headers["etag"]}) == 3
    assert newer.status_code == 200


async def test_files_are_kept_for_ever_where_their_name_says_what_is_in_them(folder: Path) -> None:
    async with anybody(folder) as client:
        code, icon = await client.get("/_next/static/a.js"), await client.get("/icon.svg")
        flight, tree = await client.get("/runs/x.txt"), await client.get("/runs/x/__next._tree.txt")
        models = await client.get("/models.txt")
    assert "immutable" in code.headers["cache-control"]
    assert code.headers["content-type"].startswith("text/javascript")
    assert (icon.headers["cache-control"], icon.headers["content-type"]) == ("no-cache", "image/svg+xml")
    assert (flight.text, tree.text) == ("flight of one run", "tree of one run")
    assert models.text == "flight of the models"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/_next/../../secret.txt",
        "/link.txt",
        "/runs/..%2f..%2fsecret.txt",
        "//",
        "/" + "a" * 300,
        "/api/runs/" + "a" * 300,
    ],
)
async def test_nothing_outside_the_folder_is_ever_served(folder: Path, path: str) -> None:
    async with anybody(folder) as client:
        answer = await client.get(path)
        assert "secret" not in answer.text or answer.headers["content-type"] == "application/json"
        assert answer.json()


async def test_a_script_is_a_script_whatever_the_machine_calls_its_files(folder: Path) -> None:
    mimetypes.add_type("text/plain", ".js")
    try:
        async with anybody(folder) as client:
            code = await client.get("/_next/static/a.js")
    finally:
        mimetypes.init()
    assert code.headers["content-type"].startswith("text/javascript")


async def test_without_a_build_a_browser_is_told_what_to_do(tmp_path: Path) -> None:
    assert Site(tmp_path / "nothing").page_at("/") is None
    async with anybody(tmp_path / "nothing") as client:
        assert (await client.get("/", headers=HTML)).json() == {"path": "/"}


async def test_the_built_app_has_a_page_for_every_screen(door: Door) -> None:
    async with door.client() as nobody:
        for path in ("/", "/runs", "/runs/x", "/flows", "/flows/challenge", "/models", "/metrics", "/settings"):
            answer = await nobody.get(path, headers=HTML)
            assert answer.status_code == 200, path
            assert "<title>" in answer.text, path
            assert "script-src 'self' 'sha256-" in answer.headers["content-security-policy"]
        lost, data = await nobody.get("/nothing", headers=HTML), await nobody.get("/nothing")
    assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (data.status_code, data.headers["content-type"]) == (404, "application/problem+json")


def test_the_wheel_has_the_web_app_and_none_of_its_sources(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=SITE.parents[2], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert {"agent_lab/site/index.html", "agent_lab/site/runs/_.html"} <= names
    assert any(name.startswith("agent_lab/site/_next/static/") for name in names)
    assert not [name for name in names if name.endswith((".tsx", ".map")) or "node_modules" in name]
