#!/bin/sh
# SPDX-License-Identifier: MIT
# Sets up what `make run` and `make test` need: Debian packages, .venv, the built package. Does nothing that is done.
# Usage: packaging/setup.sh run|test   (environment: PYTHON, the Python to build .venv with)
set -eu

cd "$(dirname "$0")/.."
# One at a time in a checkout; what it starts, and may leave running, does not have the lock.
if [ -z "${VRAMSWAP_SETUP_LOCKED:-}" ]; then
    VRAMSWAP_SETUP_LOCKED=yes exec flock --close packaging /bin/sh packaging/setup.sh "$@"
fi
list=packaging/debian-packages.txt
stamp=.venv/.vramswap-setup

die() {
    echo "vramswap: $1" >&2
    exit 1
}

case "${1:-}" in
    run) sections="run build demo" ;;
    test) sections="run build demo test" ;;
    *) die "usage: packaging/setup.sh run|test" ;;
esac

# The list's lines that belong to the wanted sections, without comments.
wanted() {
    awk -v sections=" $sections " '
        /^\[/ { gsub(/[][]/, ""); on = index(sections, " " $0 " "); next }
        on && NF && !/^#/ { gsub(/ /, ""); print }
    ' "$list"
}

# Whether $2 (lines) has the line $1.
has() {
    printf '%s\n' "$2" | grep -qxF "$1"
}

# Prints, for each wanted line of which no alternative is installed, the whole line.
missing() {
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    for line in $(wanted); do
        found=
        for name in $(echo "$line" | tr '|' ' '); do
            if has "$name" "$installed"; then found=yes; fi
        done
        if [ -z "$found" ]; then echo "$line"; fi
    done
}

# Prints the package to install for each line of $1: the first alternative that the release has.
choose() {
    for line in $1; do
        choice=
        for name in $(echo "$line" | tr '|' ' '); do
            if [ -z "$choice" ] && apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then choice=$name; fi
        done
        echo "${choice:-${line##*|}}"
    done
}

packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "vramswap: this is not Debian; if something is missing, look for it in $list" >&2
        return
    fi
    lines=$(missing)
    if [ -z "$lines" ]; then return; fi

    as_root=sudo
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    elif ! command -v sudo >/dev/null || [ ! -t 0 ]; then
        command="apt-get update && apt-get install --no-install-recommends $(choose "$lines" | tr '\n' ' ')"
        echo "vramswap: Debian packages are missing and root is needed to install them. Run this as root, then try again:" >&2
        echo "  $command" >&2
        exit 1
    fi
    # apt-get fails while another one runs: those of other checkouts are waited for.
    as_root="$as_root flock --close /var/lib/dpkg"
    # A fresh system has no package lists yet, and then no alternative can be chosen.
    $as_root apt-get update -q
    names=$(choose "$lines")
    # shellcheck disable=SC2086 # Words: package names, and a command that may be empty.
    echo "vramswap: installing" $names
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $names ||
        die "apt-get could not install the packages above; see its last lines for why."
}

# Fails unless $1 is a Python that vramswap runs on.
suits() {
    command -v "$1" >/dev/null &&
        "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        suits "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 to 3.14."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if suits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    die "no Python 3.11 to 3.14 was found; install one and run: make PYTHON=/path/to/python3"
}

# What the installed package was built from: when it changes, the package is built again.
fingerprint() {
    "$1" -c 'import sys; print(sys.version, sys.base_prefix)'
    find vramswap_gui -name '*.pyx' -o -name '*.pxd' | LC_ALL=C sort |
        xargs sha256sum pyproject.toml setup.py packaging/setup.sh
}

environment() {
    python=$(choose_python)
    now=$(fingerprint "$python")
    if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then return; fi

    # An environment of another Python is built anew; one of the same Python is brought up to date.
    same='import sys; print(sys.version)'
    if [ "$(.venv/bin/python -c "$same" 2>/dev/null)" != "$("$python" -c "$same")" ]; then
        rm -rf .venv
        "$python" -m venv .venv ||
            die "$python cannot make a virtual environment; install its venv module (Debian: python3-venv)."
    fi
    echo "vramswap: building and installing into .venv (the first time this downloads some 200 MB)"
    # All is compiled again, whatever is there, and only takes its place when all of it is.
    build=.venv/vramswap-build.cfg
    printf '[build_ext]\nforce = 1\n' >"$build"
    DIST_EXTRA_CONFIG=$PWD/$build .venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]' ||
        die "pip could not build or install the package; its last lines above say why."
    # What is left of earlier versions might be loaded instead, as what is built for one Python alone would be.
    find vramswap_gui -name '*.so' ! -newer "$build" -delete
    printf '%s\n' "$now" >"$stamp"
}

packages
environment
