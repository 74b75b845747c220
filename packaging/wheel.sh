#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds dist/vramswap-<version>-cp311-abi3-<platform>.whl: one for every Python and distribution, for machines without a
# compiler. It is compiled against an old glibc by zig's clang, which PyPI has, and refused if it asks for more.
# Usage: packaging/wheel.sh   (environment: PYTHON, any from 3.11 on, with venv and its headers; SOURCE_DATE_EPOCH)
set -eu

cd "$(dirname "$0")/.."
work=$PWD/build/wheel
python=${PYTHON:-python3}
glibc=2.17
platform=manylinux_$(echo $glibc | tr . _)_$(uname -m)
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH="$date" LC_ALL=C.UTF-8 TZ=UTC PIP_DISABLE_PIP_VERSION_CHECK=1
umask 022

die() {
    echo "vramswap: $1" >&2
    exit 1
}

# A copy, because a build in the tree would leave files there and take old ones from build/lib along.
rm -rf "$work/source" "$work/new"
mkdir -p "$work/source" "$work/new" dist
cp -R vramswap_gui packaging resources pyproject.toml setup.py README.md CHANGELOG.md LICENSE vramswap.desktop "$work/source"
find "$work/source" \( -name '*.so' -o -name '*.cpp' -o -name '__pycache__' \) -prune -exec rm -rf {} +

"$python" -m venv --clear "$work/venv" || die "$python cannot make a virtual environment (Debian: python3-venv)."
tools=$("$python" -c 'import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"]["wheel"])')
# shellcheck disable=SC2086 # Words: requirements.
"$work/venv/bin/python" -m pip install --quiet $tools || die "pip could not install $tools; see its last lines for why."

# By its path: what pip builds in sees nothing of this environment.
zig=$(echo "$work"/venv/lib/python3.*/site-packages/ziglang/zig)
target=$(uname -m)-linux-gnu.$glibc
export CC="$zig cc -target $target" CXX="$zig c++ -target $target"
# Nothing of C++'s library is used, so none need be made.
export LDFLAGS="-s -nostdlib++" ZIG_GLOBAL_CACHE_DIR="$work/zig" ZIG_LOCAL_CACHE_DIR="$work/zig"
"$work/venv/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$work/new" \
    --config-settings=--build-option=--plat-name="$platform" "$work/source" ||
    die "the wheel could not be built; see pip's last lines for why."

wheel=$(echo "$work/new"/*.whl)
"$work/venv/bin/auditwheel" show "$wheel" >"$work/auditwheel.log" 2>&1 || die "auditwheel failed: see $work/auditwheel.log"
tr '\n' ' ' <"$work/auditwheel.log" | grep -q "platform tag: *\"$platform\"" ||
    die "the wheel asks for more than $platform: see $work/auditwheel.log"
"$work/venv/bin/abi3audit" --strict "$wheel" >"$work/abi3audit.log" 2>&1 ||
    die "the wheel asks for more than the stable ABI: see $work/abi3audit.log"

mv "$wheel" dist/
wheel=dist/$(basename "$wheel")
echo "$wheel ($(du -k --apparent-size "$wheel" | cut -f 1) KiB)"
