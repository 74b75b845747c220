#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds dist/vramswap-<version>-<release>.<architecture>.rpm from the tree, for the release of Fedora that this runs on.
# Usage: packaging/rpm.sh [ARGUMENT]...   (arguments are rpmbuild's)
set -eu

cd "$(dirname "$0")/.."
top=$PWD/build/rpm
if ! command -v rpmbuild >/dev/null; then
    echo "vramswap: rpmbuild is missing; run: dnf install rpm-build" >&2
    exit 1
fi
rm -rf "$top"
mkdir -p dist
rpmbuild -bb --quiet --define "tree $PWD" --define "_topdir $top" "$@" packaging/rpm/vramswap.spec
for rpm in "$top"/RPMS/*/*.rpm; do
    mv "$rpm" dist
    echo "dist/${rpm##*/} ($(du -k --apparent-size "dist/${rpm##*/}" | cut -f 1) KiB)"
done
