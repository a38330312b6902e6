#!/bin/sh
# Sees to it that the PostgreSQL tests find a server to start: Debian's package where it may be installed, else a clear
# word. The tests start it by themselves, on a port and in a folder of their own; without it they are skipped.
set -eu

if command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1; then
    exit 0
fi
for folder in /usr/lib/postgresql/*/bin; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
        exit 0
    fi
done
export DEBIAN_FRONTEND=noninteractive
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing PostgreSQL for the tests (about 60 MB, once) ..."
    # Without this the package would make a database and start a server of its own.
    if apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null &&
        echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf &&
        apt-get install -y -qq --no-install-recommends postgresql >/dev/null; then
        exit 0
    fi
fi
echo "Without PostgreSQL its tests are skipped. To have them run, install it (Debian: apt-get install postgresql;" >&2
echo "macOS: brew install postgresql@17 and put its bin folder on the PATH)." >&2
