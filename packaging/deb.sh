#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds dist/vramswap_<version>_<architecture>.deb from the tree, for the release of Debian or Ubuntu that this runs on.
# Usage: packaging/deb.sh   (environment: DEBFULLNAME and DEBEMAIL, the maintainer; SOURCE_DATE_EPOCH, the date)
set -eu

cd "$(dirname "$0")/.."
work=build/deb
root=$work/root
libraries=debian
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
. packaging/tree.sh
doc=$share/doc/vramswap

for tool in dpkg-deb dpkg-shlibdeps readelf strip gzip g++; do
    command -v "$tool" >/dev/null || die "$tool is missing; run: apt-get install binutils dpkg-dev g++ gzip"
done
"$system_python" -c 'import ensurepip, venv, sysconfig, pathlib, sys
sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())' ||
    die "$system_python cannot build extensions; run: apt-get install python3-venv python3-dev"
# Without its lists apt knows the installed packages alone, and the rest would be taken for missing and be bundled.
[ -n "$(apt-cache madison python3 2>/dev/null)" ] ||
    die "apt has no package lists, so nobody can say which libraries this release has; run: apt-get update"

arch=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-The vramswap authors} <${DEBEMAIL:-vramswap@localhost}>"

rm -rf "$root"
mkdir -p "$doc" "$root/DEBIAN" dist

# What only Debian has.
debian_files() {
    install -D -m 0644 packaging/debian/lintian-overrides "$share/lintian/overrides/vramswap"
    install -D -m 0755 resources/initramfs-tools/vramswap "$share/initramfs-tools/hooks/vramswap"
    find "$share/man" -type f -exec gzip -9n {} +

    cat >"$work/changelog" <<END
vramswap ($version) unstable; urgency=medium

  * Built from the tree; CHANGELOG.md.gz beside this file says what is new.

 -- $maintainer  $(date -R -d "@$date")
END
    gzip -9nc "$work/changelog" >"$doc/changelog.gz"
    gzip -9n "$doc/CHANGELOG.md" "$doc/README.md"
}

# The value of field $1 that bundle.py found.
found() {
    sed -n "s/^$1: //p" "$work/substvars"
}

# The list's section [run] has what the wheels of PySide6 load; with the distribution's PySide6 it comes by itself.
qt_libraries() {
    if [ ! -d "$lib/PySide6" ]; then return; fi
    awk '/^\[/ { on = $0 == "[run]"; next } on && /^lib/ { gsub(/ *\| */, " | "); print }' packaging/debian-packages.txt |
        paste -s -d ,
}

# What the compiled parts link to; Qt's own libraries are dealt with above.
shared_libraries() {
    mkdir -p "$work/source/debian"
    printf 'Source: vramswap\nPackage: vramswap\nArchitecture: any\n' >"$work/source/debian/control"
    elves=$(find "$PWD/$lib/cuda" "$PWD/$lib/vramswap_gui" -name '*.so')
    # shellcheck disable=SC2086 # One argument for each file.
    (cd "$work/source" && dpkg-shlibdeps -O $elves 2>"$OLDPWD/$work/shlibdeps.log") | sed -n 's/^shlibs:Depends=//p'
}

control() {
    minor=$("$system_python" -c 'import sys; print(sys.version_info[1])')
    depends="python3 (>= 3.$minor~), python3 (<< 3.$((minor + 1)))"
    for more in "$(found Depends)" "$(shared_libraries)" "$(qt_libraries)"; do
        if [ -n "$more" ]; then depends="$depends, $more"; fi
    done
    recommends=$(found Recommends)
    size=$(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f 1)
    sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$arch/" -e "s/@MAINTAINER@/$maintainer/" \
        -e "s/@SIZE@/$size/" -e "s/@DEPENDS@/$depends/" -e "s/@RECOMMENDS@/${recommends:+Recommends: $recommends\n}/" \
        packaging/debian/control.in >"$root/DEBIAN/control"
    for script in postinst prerm postrm; do
        packaging/whole.sh "packaging/debian/$script" >"$root/DEBIAN/$script"
        chmod 0755 "$root/DEBIAN/$script"
    done
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    chmod 0644 "$root/DEBIAN/control" "$root/DEBIAN/md5sums"
}

code "$doc/copyright"
files
debian_files
control
deb=dist/vramswap_${version}_$arch.deb
find "$root" -newermt "@$date" -exec touch -h -d "@$date" {} +
dpkg-deb --root-owner-group -Z"${DPKG_DEB_COMPRESSOR_TYPE:-xz}" --build "$root" "$deb" >/dev/null
echo "$deb ($(du -k --apparent-size "$deb" | cut -f 1) KiB, installed $(sed -n 's/^Installed-Size: //p' "$root/DEBIAN/control") KiB)"
