# Sourced by start.sh, test.sh and check.sh: a virtual environment with requirements.txt installed, as $PYTHON.
#   CXR_VENV       another place for it (default: .venv of the project)
#   TORCH_INDEX    a package index with a matched pair of torch and torchvision, such as the CPU-only one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV="${CXR_VENV:-.venv}"

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: Python 3.11 or newer is needed, and none was found" >&2
    exit 2
}

make_venv() {
    local base
    base="$(find_python)"
    if ! "$base" -m venv "$VENV"; then
        echo "error: $base cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 2
    fi
}

wanted() {
    { cat requirements.txt; echo "${TORCH_INDEX:-}"; } | "$PYTHON" -c 'import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

linked_here() {
    # Asked from elsewhere, so that the current folder does not answer.
    local project="$PWD"
    (cd / && "$PYTHON" -c 'import cxrcore, os, sys
sys.exit(not os.path.samefile(os.path.dirname(os.path.dirname(cxrcore.__file__)), sys.argv[1]))' "$project") 2>/dev/null
}

[ -x "$VENV/bin/python" ] || make_venv
PYTHON="$(cd "$VENV/bin" && pwd)/python"
if [ "$(cat "$VENV/installed" 2>/dev/null)" != "$(wanted)" ]; then
    echo "Installing the requirements into $VENV; with torch this takes some minutes the first time."
    if [ -n "${TORCH_INDEX:-}" ]; then
        "$PYTHON" -m pip install --quiet torch torchvision --index-url "$TORCH_INDEX"
    fi
    "$PYTHON" -m pip install --quiet -r requirements.txt
    wanted >"$VENV/installed" # last: it says that the installation is complete
elif ! linked_here; then
    "$PYTHON" -m pip install --quiet --no-deps -e .
fi
