#!/usr/bin/env bash
# Install what the tests need (the first time), Chromium included, and run them all. Arguments go to pytest:
#   bash scripts/test.sh -m long        the long forms
#   bash scripts/test.sh tests/test_store.py
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

has_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

install_chromium() {
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if command -v apt-get >/dev/null; then
        echo "Installing Chromium for the browser tests."
        ${as_root[@]+"${as_root[@]}"} apt-get update -qq && ${as_root[@]+"${as_root[@]}"} apt-get install -y -qq chromium >/dev/null
    else
        "$PYTHON" -m playwright install chromium
    fi
}

has_chromium || install_chromium || echo "note: no Chromium could be installed; the browser tests will be skipped" >&2
"$PYTHON" -m ruff check .
exec "$PYTHON" -m pytest "$@"
