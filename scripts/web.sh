#!/bin/sh
# Checks the types of the web app and runs its tests. Installs what web/package-lock.json pins, once for each change of it.
set -eu

cd "$(dirname "$0")/../web"

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

if ! node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    fail "The tests of the web app need Node 20 or newer with npm, and there is none on the PATH. Install it (Debian:" \
        "apt-get install nodejs npm; macOS: brew install node), or run some of the Python tests: make test TESTS='tests/unit'"
fi
stamp="node_modules/.installed"
if ! cmp -s package-lock.json "$stamp"; then
    echo "Installing what the tests of the web app need (about 45 packages, 65 MB, once) ..."
    npm ci --no-audit --no-fund --ignore-scripts --loglevel=error || fail "The packages of the web app could not be" \
        "installed; what npm said is above. Without a network only what is in its cache can be used."
    cp package-lock.json "$stamp"
fi
node_modules/.bin/tsc --noEmit
node_modules/.bin/vitest run
