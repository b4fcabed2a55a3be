#!/bin/sh
# Sets up .venv once: `scripts/venv.sh run` for the product, `scripts/venv.sh dev` with everything for its tests.
# Quiet when there is nothing to do or all went well. PYTHON names an interpreter; else the first that is new enough.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or newer" "name another: make PYTHON=python3.12"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    found=$(python3 -c 'import sys; print("python3 is %d.%d" % sys.version_info[:2])' 2>/dev/null) || found="there is no python3"
    fail "nimwrap needs Python 3.11 or newer, and $found" "install python3.11 or newer, or name one: make PYTHON=/path/to/python3"
}

# What the environment was made from: another directory, interpreter, list or pin makes it again.
wanted() {
    pwd
    cat pyproject.toml constraints.txt
}

stamp=.venv/.made-for-$kind
if [ -x .venv/bin/python ] && new_enough .venv/bin/python && [ -f "$stamp" ] && [ "$(wanted | cksum)" = "$(cat "$stamp")" ]; then
    exit 0
fi
if ! { [ -x .venv/bin/python ] && new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv" "install it; on Debian: apt-get install python3-venv"
    rm -rf .venv
    "$python" -m venv .venv
fi
case $kind in
run) what=. ;;
dev) what='.[dev,report,notify,metrics]' ;;
*) fail "unknown kind $kind" "run or dev" ;;
esac
echo "setting up .venv ($kind) ..." >&2
log=.venv/set-up.log
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input -c constraints.txt -e "$what" >"$log" 2>&1; then
    cat "$log" >&2
    fail "pip could not install nimwrap into .venv" "is a package index reachable? Without one, see the wheelhouse in docs"
fi
wanted | cksum >"$stamp"
