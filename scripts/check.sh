#!/usr/bin/env bash
# Check the source: ruff, the type checker ty, and the JavaScript with oxlint and, where Node is there, TypeScript.
#   bash scripts/check.sh types    only some of: ruff, types, javascript
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

check() {
    case "$1" in
    ruff) "$PYTHON" -m ruff check --quiet . ;;
    types) "$PYTHON" -m ty check --quiet --output-format concise --python "$PYTHON" ;;
    javascript) "$PYTHON" tests/structure/javascript.py ;;
    *)
        echo "error: there is no check '$1': ruff, types or javascript" >&2
        return 2
        ;;
    esac
}

[ $# -gt 0 ] || set -- ruff types javascript
failed=0
for part; do
    check "$part" && echo "$part: nothing found" || failed=1
done
exit "$failed"
