#!/bin/sh
# Make .venv with rp and everything its tests need, from requirements/dev.lock.
# Uses uv where it is installed, else python3 with its venv module.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.rp-setup
if [ -e "$stamp" ] && [ -x .venv/bin/rp ] && [ "$stamp" -nt requirements/dev.lock ] && [ "$stamp" -nt pyproject.toml ]; then
    exit 0
fi

echo "making .venv, with rp and what its tests need" >&2
python=${PYTHON:-python3}

if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --allow-existing --python "${PYTHON:-3.11}" .venv 2>/dev/null ||
        uv venv --quiet --allow-existing --python '>=3.11' .venv
    install() { uv pip install --quiet --python .venv/bin/python "$@"; }
elif "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    [ -x .venv/bin/pip ] || "$python" -m venv --clear .venv
    install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"; }
else
    echo "error: rp needs Python 3.11 or newer with its venv module, or uv" >&2
    case "$(uname -s)" in
        Darwin) echo "hint: brew install uv" >&2 ;;
        *) echo "hint: sudo apt-get install -y python3-venv" >&2 ;;
    esac
    exit 1
fi

install --require-hashes -r requirements/dev.lock
install --no-deps --no-build-isolation --editable .
touch "$stamp"
