#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds dist/vramswap-<version>-<release>-<architecture>.pkg.tar.* from the tree, for this machine's Arch Linux. makepkg wants
# a user who is not root.
# Usage: packaging/arch.sh [ARGUMENT]...   (arguments are makepkg's)
set -eu

cd "$(dirname "$0")/.."
work=build/arch
rm -rf "$work"
mkdir -p "$work" dist
cp packaging/arch/PKGBUILD "$work"
packaging/whole.sh packaging/arch/vramswap.install >"$work/vramswap.install"
PKGDEST=$PWD/dist
export PKGDEST
cd "$work"
exec makepkg --force "$@"
