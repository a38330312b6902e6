#!/bin/sh
# Every test of the Python side: first, while nothing else runs, those that are held to a clock (tests/alone), then all
# others in as many processes as JOBS says (two), with coverage. Runs both parts whatever fails, and says which did.
set -u

cd "$(dirname "$0")/.."
failed=""

part() {
    name="$1"
    shift
    .venv/bin/python -m pytest "$@" || failed="$failed $name"
}

# Two processes of two threads each would spend most of their time on waiting for each other.
export OMP_NUM_THREADS=1
part "tests/alone" tests/alone
part "tests" --numprocesses "${JOBS:-2}" --dist worksteal --ignore=tests/alone \
    --cov=agent_lab --cov-branch --cov-report=term --cov-fail-under=80
if [ -n "$failed" ]; then
    echo "Failed, and told above:$failed" >&2
    exit 1
fi
