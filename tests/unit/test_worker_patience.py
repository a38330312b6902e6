"""How long a worker process may be silent, and when a model that dies again and again is left alone."""

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.providers.local.worker.patience import CrashPolicy, Patience

quarters = st.integers(0, 800).map(lambda number: number / 4)  # times that add up exactly


@given(gaps=st.lists(quarters, max_size=8), later_s=quarters)
def test_a_model_rests_if_and_only_if_its_last_deaths_lie_close_together(gaps: list[float], later_s: float) -> None:
    policy = CrashPolicy()
    died_at_s = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    now_s = (died_at_s[-1] if died_at_s else 0.0) + later_s
    rests_s = policy.rests_s(died_at_s, now_s)
    close = len(died_at_s) >= 3 and died_at_s[-1] - died_at_s[-3] <= policy.within_s
    if rests_s is None:
        assert not close or died_at_s[-1] + policy.rest_s <= now_s
    else:
        assert close
        assert 0 < rests_s <= policy.rest_s
        assert policy.rests_s(died_at_s, now_s + rests_s) is None


@given(loading=st.booleans(), answering=st.booleans(), beat_s=st.floats(0, 1000), word_s=st.floats(0, 1000))
def test_only_a_worker_with_work_can_be_hung(loading: bool, answering: bool, beat_s: float, word_s: float) -> None:
    patience = Patience()
    wrong = patience.hung(loading=loading, answering=answering, since_beat_s=beat_s, since_word_s=word_s)
    if not loading and not answering:
        assert wrong is None
    if answering and (beat_s > patience.dead_s or word_s > patience.answer_s):
        assert wrong is not None
    if beat_s <= patience.dead_s and word_s <= patience.answer_s:
        assert wrong is None
