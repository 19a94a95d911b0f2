#!/usr/bin/env bash
# Install what is needed (the first time) and open the dashboard.
#   --torch-index URL   take torch and torchvision from this index, such as the CPU-only one: a much smaller install
#   --install-only      stop after the installation
#   --demo              a demo on synthetic films, ready in about a minute; --all trains the two slow networks too
#   anything else goes to Streamlit, for example --server.port 8600; with --demo to the demo, for example --port 8600
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

INSTALL_ONLY=
DEMO=
ARGUMENTS=()
while [ $# -gt 0 ]; do
    case "$1" in
    --torch-index)
        [ $# -ge 2 ] || { echo "error: --torch-index needs a URL" >&2; exit 2; }
        export TORCH_INDEX="$2"
        shift
        ;;
    --install-only) INSTALL_ONLY=yes ;;
    --demo) DEMO=yes ;;
    -h | --help)
        sed -n '2,6s/^# \{0,1\}//p' "scripts/start.sh"
        exit 0
        ;;
    *) ARGUMENTS+=("$1") ;;
    esac
    shift
done

source scripts/setup.sh
[ -z "$INSTALL_ONLY" ] || exit 0

no_runs() { # also not where the store cannot be read: the dashboard says why
    [ ! -e runs/store.duckdb ] || "$PYTHON" -c 'import sys
from cxrcore.store import Store
sys.exit(not Store("runs/store.duckdb").runs().empty)' 2>/dev/null
}

if [ -z "$DEMO" ] && [ ${#ARGUMENTS[@]} -eq 0 ] && [ -z "${CXR_STORE:-}" ] && [ -t 0 ] && no_runs; then
    question="There are no runs yet. Make the demo on synthetic films? It opens in about a minute."
    [ ! -e runs/demo.duckdb ] || question="There are no runs yet, but a demo. Open it, and go on with what it lacks?"
    read -r -p "$question [Y/n] " answer || answer=n
    case "$answer" in [nN]*) ;; *) DEMO=yes ;; esac
fi
[ -z "$DEMO" ] || exec "$PYTHON" scripts/demo.py ${ARGUMENTS[@]+"${ARGUMENTS[@]}"}
exec "$PYTHON" -m streamlit run app.py ${ARGUMENTS[@]+"${ARGUMENTS[@]}"}
