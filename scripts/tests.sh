#!/bin/sh
# Every test of the Python side: first, while nothing else runs, those that are held to a clock (tests/alone), then all
# others in as many processes as JOBS says (two), with coverage. Runs both parts whatever fails, and says which did.
# With AGAIN=1, as in .ci/run, up to five that failed are run once more by themselves; those that pass then are named,
# to be looked at, and fail nothing.
set -u

cd "$(dirname "$0")/.."
failed=""
unsteady=""

# The names of the tests that failed last in these parts, one a line.
last_failed() {
    .venv/bin/python -m pytest --collect-only --last-failed --last-failed-no-failures=none "$@" 2>/dev/null | grep '::'
}

# Runs what failed of a part once more. 1 is what pytest ends with where tests failed: after anything else some of them
# may not have been run at all.
again() {
    [ "${AGAIN:-0}" = 1 ] && [ "$1" -eq 1 ] || return 1
    shift
    names="$(last_failed "$@")"
    count="$(printf '%s' "$names" | grep -c '')"
    [ "$count" -gt 0 ] && [ "$count" -le 5 ] || return 1
    echo "Once more, by themselves: $(printf '%s ' $names)"
    .venv/bin/python -m pytest --last-failed --last-failed-no-failures=none "$@" || return 1
    unsteady="$unsteady $names"
}

covered() { .venv/bin/python -m coverage report --fail-under=80 >/dev/null; }

# Two processes of two threads each would spend most of their time on waiting for each other.
export OMP_NUM_THREADS=1
.venv/bin/python -m pytest tests/alone || again $? tests/alone || failed="$failed tests/alone"
.venv/bin/python -m pytest tests --ignore=tests/alone --numprocesses "${JOBS:-2}" --dist worksteal \
    --cov=agent_lab --cov-branch --cov-report=term --cov-fail-under=80 ||
    { again $? tests --ignore=tests/alone && covered; } || failed="$failed tests"
if [ -n "$unsteady" ]; then
    echo "Failed beside others, passed alone; look at them:" $unsteady
fi
if [ -n "$failed" ]; then
    echo "Failed, and told above:$failed" >&2
    exit 1
fi
