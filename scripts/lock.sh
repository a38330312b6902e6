#!/bin/sh
# Writes requirements/*.lock anew from pyproject.toml: every version and hash, for every platform, without torch.
set -eu

cd "$(dirname "$0")/.."
uv=".venv/bin/uv"
if [ ! -x "$uv" ]; then
    .venv/bin/python -m pip install -q --disable-pip-version-check uv==0.13.8
fi
compile() {
    lock="$1"
    shift
    "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-annotate \
        --excludes requirements/torch-apart.in --custom-compile-command "make lock" -o "requirements/$lock.lock" \
        pyproject.toml requirements/build.in requirements/torch-needs.in "$@"
}
compile run --extra local --extra hosted --extra postgres
compile dev --extra local --extra hosted --extra postgres --extra test --extra check -c requirements/run.lock
"$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-annotate --no-deps \
    --custom-compile-command "make lock" -o requirements/node.lock requirements/node.in
.venv/bin/python scripts/check_lock.py
