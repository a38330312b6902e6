#!/bin/sh
# Makes .venv and installs what is pinned in requirements/: `install.sh run` to use the product, `install.sh dev` to
# work on it as well. Does nothing where that is installed already, so it needs a network only when a pin changes.
# TORCH_INDEX names another package index for torch alone, for instance one that has a CPU build.
set -eu

what="${1:-run}"
cd "$(dirname "$0")/.."
venv=".venv"
python="$venv/bin/python"
log="$venv/install.log"

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# 3.11 first: it is the version that the tests run on.
find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3 python; do
        if [ -n "$candidate" ] && usable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

make_venv() {
    if [ -x "$python" ] && usable "$python" && "$python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    found="$(find_python)"
    if [ -z "$found" ]; then
        fail "AI Agent Lab needs Python 3.11 or newer, and none is on the PATH. Install it (Debian and Ubuntu:" \
            "apt-get install python3.11 python3.11-venv; macOS: brew install python@3.11), or name one:" \
            "make PYTHON=/path/to/python3.11 ..."
    fi
    version="$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    if ! "$found" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        fail "Python $version is here but cannot make virtual environments. Install its venv module" \
            "(Debian and Ubuntu: apt-get install python$version-venv) and try again."
    fi
    echo "Making $venv with Python $version"
    "$found" -m venv --clear "$venv" || fail "The folder $venv could not be made; is $(pwd) writable?"
}

# What the stamp says must be what would be installed: the pins, the build, the interpreter and the place.
key() {
    "$python" - "$1" <<'PY'
import hashlib, os, pathlib, sys

pinned = [f"requirements/{sys.argv[1]}.lock", "requirements/torch.txt", "pyproject.toml"]
parts = [pathlib.Path(name).read_bytes() for name in pinned] + [os.getcwd().encode(), sys.version.encode()]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PY
}

stamped() {
    [ -x "$python" ] && [ -f "$venv/.installed-$1" ] && [ "$(cat "$venv/.installed-$1")" = "$(key "$1" 2>/dev/null)" ]
}

# Runs pip with its words in the log, and a dot every few seconds where somebody is looking.
quietly() {
    printf '%s' "$1"
    shift
    dots=""
    if [ -t 1 ]; then
        (while sleep 3; do printf '.'; done) &
        dots=$!
    fi
    status=0
    "$@" >>"$log" 2>&1 || status=$?
    if [ -n "$dots" ]; then
        kill "$dots" 2>/dev/null || true
        wait "$dots" 2>/dev/null || true
    fi
    if [ "$status" -ne 0 ]; then
        printf ' failed\n' >&2
        tail -n 15 "$log" >&2
        fail "The installation did not work; all that pip said is in $log. Without a network only what is already" \
            "installed can be used."
    fi
    printf ' done\n'
}

torch_is_here() {
    "$python" -c 'import importlib.metadata as m, sys; sys.exit(m.version("torch").split("+")[0] != "2.13.0")' \
        >/dev/null 2>&1
}

install_torch() {
    if torch_is_here; then
        return
    fi
    size="about 200 MB, or 3 GB with its CUDA libraries"
    if [ -n "${TORCH_INDEX:-}" ]; then
        quietly "Installing torch from $TORCH_INDEX (once) ..." \
            "$python" -m pip install --no-input --index-url "$TORCH_INDEX" -r requirements/torch.txt
    else
        quietly "Installing torch ($size, once) ..." "$python" -m pip install --no-input -r requirements/torch.txt
    fi
}

export PIP_DISABLE_PIP_VERSION_CHECK=1
case "$what" in
run) title="what AI Agent Lab runs on (about 95 packages, 150 MB, once)" ;;
dev) title="what its tests and checks need too (about 115 packages, 260 MB, once)" ;;
*) fail "install.sh takes run or dev, not '$what'." ;;
esac
if stamped "$what" || { [ "$what" = run ] && stamped dev; }; then
    exit 0
fi
make_venv
: >"$log"
# The lock is the whole closure, hence --no-deps: pip checks hashes and resolves nothing.
quietly "Installing $title ..." \
    "$python" -m pip install --no-input --no-deps --require-hashes -r "requirements/$what.lock"
install_torch
quietly "Installing agent-lab itself ..." \
    "$python" -m pip install --no-input --no-deps --no-build-isolation --no-index -e .
key "$what" >"$venv/.installed-$what"
