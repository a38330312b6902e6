"""Labs that are killed at random moments: each run goes on from its record, and no answer that it has is paid again."""

from pathlib import Path

import pytest

from agent_lab.storage.place import Place
from support.flows import LIBRARY
from support.kills import Killer, Left


def check(left: Left) -> None:
    assert (left.lost, left.torn, left.changed, left.too_often, left.uncounted) == (0, 0, 0, 0, 0), left


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_runs_of_every_flow_outlive_kills_at_random_moments(tmp_path: Path) -> None:
    killer = Killer(tmp_path, LIBRARY, seed=7)
    await killer.kill_until(kills=15, runs=15)
    left = await killer.finish()
    check(left)
    assert left.kills >= 15
    assert left.runs >= 15
    assert left.repeated > 0, "no kill has hit a call: kill later"


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_several_processes_share_one_database_and_take_over_from_those_that_are_killed(
    tmp_path: Path, place: Place
) -> None:
    killer = Killer(tmp_path, LIBRARY, url=place.url.render_as_string(hide_password=False), seed=11)
    await killer.kill_until(kills=5, runs=10, beside=2, longest_s=0.6)
    left = await killer.finish()
    check(left)
    assert left.runs >= 10
