#!/usr/bin/env bash
# Install what the tests need (the first time), Chromium included, check the source, and run all tests, a file on each of
# two cores.
# Arguments go to pytest, which then runs in one process:
#   bash scripts/test.sh -m long        the long forms
#   bash scripts/test.sh tests/store/test_store.py
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
if [ $# -eq 0 ]; then
    bash scripts/check.sh
    export OMP_NUM_THREADS=1 # threads of two processes on two cores would wait for each other
    set -- -n 2 --dist loadfile --no-loadscope-reorder # tests/conftest.py says which files come last
    echo "Collecting the tests. Then a dot a test, and at the end of a line how much of the whole run is done."
    echo "The first time, and when the training's source has changed, six small networks are trained along the way."
fi
exec "$PYTHON" -m pytest "$@"
