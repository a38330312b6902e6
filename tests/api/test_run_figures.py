"""What the answers about a run say of it while it goes on, and where there is none."""

from pathlib import Path

from api.test_refusals import is_problem
from api.test_run_actions import opened


async def test_a_run_that_is_not_there_is_told_in_words_that_serve_every_door(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        response = await owner.get("/api/runs/nothing")
    assert is_problem(response, 404, "not-found")
    assert response.json()["detail"] == "There is no run 'nothing'; the list of runs shows those that there are."
