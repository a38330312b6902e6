"""The build that is shipped has nothing of mock mode in it."""

import json

from agent_lab.api.site import SITE
from support.web import WEB

SOURCES = WEB / "src"
SIGNS = {
    "Mock mode: recorded answers": "shared/shell/mock-badge.tsx",
    "http://mock.invalid": "mock/server.ts",
    "not-recorded": "mock/answers.ts",
}


def test_a_build_without_the_flag_has_no_byte_of_mock_mode() -> None:
    for sign, source in SIGNS.items():
        assert sign in (SOURCES / source).read_text("utf-8"), f"{source} says it in other words now"
    recorded = json.loads((SOURCES / "mock" / "recorded.json").read_text("utf-8"))
    signs = [*SIGNS, *(run[0]["run_id"] for run in recorded["runs"])]
    files = [path for path in SITE.rglob("*") if path.is_file() and path.suffix in {".js", ".html", ".txt", ".css"}]
    assert len(files) > 20
    for path in files:
        text = path.read_text("utf-8")
        assert [sign for sign in signs if sign in text] == [], path.name
