# Sourced by the other scripts: finds uv, or installs the locked one into build/tools.

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$root/build/tools

fail() {
    echo "setup: $*" >&2
    exit 1
}

works() { # a version manager may put a command on the path that only prints an error
    "$@" >/dev/null 2>&1
}

find_python() {
    for python in python3.12 python3.13 python3.14 python3; do
        if works "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))'; then
            echo "$python"
            return
        fi
    done
    fail "needs uv (https://docs.astral.sh/uv/) or Python 3.12 with its venv module (Debian: python3-venv)"
}

find_uv() {
    for uv in "${UV:-uv}" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv" "$tools/bin/uv"; do
        if works "$uv" --version; then
            echo "$uv"
            return
        fi
    done
    python=$(find_python) || exit 1
    echo "no working uv here, installing one into build/tools" >&2
    "$python" -m venv "$tools" >&2 || fail "cannot make a virtual environment with $python"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r "$root/scripts/requirements-uv.lock" >&2 || fail "cannot install uv"
    echo "$tools/bin/uv"
}
