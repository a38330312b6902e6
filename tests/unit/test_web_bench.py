"""The benchmark of the web app says rightly what holds, and misses no token that is not there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.web.figures import Figure, percentile
from benchmarks.web.frames import Frames
from benchmarks.web.lanes import WORD, missing, pieces


def test_a_figure_says_whether_its_bound_holds() -> None:
    assert "pass" in Figure(what="a frame", value=50.0, unit="ms", at_most=50).line()
    assert "FAIL" in Figure(what="a frame", value=50.1, unit="ms", at_most=50).line()
    assert not Figure(what="performance", value=94, at_least=95).holds
    bare = Figure(what="longest", value=900.0, unit="ms")
    assert bare.holds
    assert "pass" not in bare.line()


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([], 0.95) == 0.0


def test_the_work_of_a_frame_is_that_of_a_sixtieth_of_a_second() -> None:
    frames = Frames(deltas=[100.0] * 10, busy_s=0.3)
    assert next(one.value for one in frames.figures("x", at_most=None) if "work" in one.what) == 5.0


def test_each_piece_has_one_numbered_word() -> None:
    said = pieces(500)
    assert WORD.findall("".join(said)) == [f"w{n:05}" for n in range(500)]
    assert all(len(WORD.findall(piece)) == 1 for piece in said)


def test_a_lane_that_lacks_the_end_or_one_in_the_middle_is_not_whole() -> None:
    wanted = ["w00000", "w00001", "w00002"]
    assert missing("w00000 w00001 w00002", wanted) == 0
    assert missing("w00000 w00001", wanted) == 1
    assert missing("w00000 w00002", wanted) == 3
    assert missing(None, wanted) == 3
