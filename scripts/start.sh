#!/usr/bin/env bash
# Install what is needed (the first time) and open the dashboard.
#   --torch-index URL   take torch and torchvision from this index, such as the CPU-only one: a much smaller install
#   --install-only      stop after the installation
#   anything else goes to Streamlit, for example --server.port 8600
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

INSTALL_ONLY=
ARGUMENTS=()
while [ $# -gt 0 ]; do
    case "$1" in
    --torch-index)
        [ $# -ge 2 ] || { echo "error: --torch-index needs a URL" >&2; exit 2; }
        export TORCH_INDEX="$2"
        shift
        ;;
    --install-only) INSTALL_ONLY=yes ;;
    -h | --help)
        sed -n '2,5s/^# \{0,1\}//p' "scripts/start.sh"
        exit 0
        ;;
    *) ARGUMENTS+=("$1") ;;
    esac
    shift
done

source scripts/setup.sh
[ -z "$INSTALL_ONLY" ] || exit 0
exec "$PYTHON" -m streamlit run app.py ${ARGUMENTS[@]+"${ARGUMENTS[@]}"}
