#!/bin/sh
# Sees to it that the browser tests find a Chromium: Debian's package where it may be installed, else a clear word.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests (about 100 MB, once) ..."
    if apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; then
        exit 0
    fi
fi
echo "The browser tests need Chromium. Install it (Debian: apt-get install chromium; macOS: brew install" >&2
echo "--cask google-chrome), or leave them out: make test TESTS='-m \"not browser\"'" >&2
exit 2
