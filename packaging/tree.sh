# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The steps that every kind of package has in common; sourced by deb.sh, vramswap.spec and PKGBUILD, in the tree's root.
# Set before: root (the folder that stands for /), work (a folder for what is in between), date (seconds since 1970), and
# libraries, if the distribution's own are to be used: debian.
# shellcheck disable=SC2034,SC2154

lib=$root/usr/lib/vramswap
share=$root/usr/share
# The package runs on the distribution's Python, so its compiled part is made for that one.
system_python=${system_python:-/usr/bin/python3}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' vramswap_gui/__init__.py)
export SOURCE_DATE_EPOCH="$date" LC_ALL=C.UTF-8 TZ=UTC
umask 022

die() {
    echo "vramswap: $1" >&2
    exit 1
}

# The code and its private libraries in /usr/lib/vramswap. $1: the file for the licences of all of them.
code() {
    # A copy, because a build in the tree would leave files there and take old ones from build/lib along.
    rm -rf "$work/source"
    mkdir -p "$work/source" "$lib" "$(dirname "$1")"
    cp -R vramswap_gui pyproject.toml setup.py README.md LICENSE "$work/source"
    find "$work/source" \( -name '*.so' -o -name '*.cpp' -o -name '__pycache__' \) -prune -exec rm -rf {} +
    cp LICENSE "$1"

    "$system_python" -m venv --clear "$work/venv"
    "$work/venv/bin/python" packaging/bundle.py "$lib" "$1" "${libraries:-private}" >"$work/substvars"
    "$work/venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-compile --no-deps \
        --target "$lib" "$work/source"
    rm -rf "${lib:?}"/vramswap-*.dist-info "${lib:?}/bin"
    find "$lib" \( -name '*.pyx' -o -name '*.pxd' -o -name '*.cpp' -o -name 'py.typed' -o -name '*.pyi' \) -delete
    find "$lib" -name __pycache__ -prune -exec rm -rf {} +
    find "$lib" -type f -exec chmod 0644 {} +
    find "$lib" -type f -name '*.so*' -exec strip --strip-unneeded {} +
    # What was left out of a library may be wanted by its next version.
    PYTHONPATH=$lib "$system_python" -sPB -c 'import vramswap_gui.server.main, vramswap_gui.server.engine.main' ||
        die "the server cannot be imported from $lib; see packaging/bundle.py for what it left out."
}

# The program $1, a path below the root, whose module is $2.
launcher() {
    sed "s/@MODULE@/$2/" packaging/launcher.in >"$work/launcher"
    install -D -m 0755 "$work/launcher" "$root/$1"
}

# The programs, and what packaging/files.txt lists.
files() {
    launcher usr/bin/vramswap vramswap_gui.tray.main
    launcher usr/bin/vramswapctl vramswap_gui.ctl.main
    launcher usr/bin/vramswap-server vramswap_gui.server.main
    launcher usr/libexec/vramswap-helper vramswap_gui.helper.main
    "$system_python" -B packaging/stage.py "$root/usr" "$(date -d "@$date" +%Y-%m-%d)"
    install -D -m 0644 -t "$share/doc/vramswap" README.md CHANGELOG.md
}
