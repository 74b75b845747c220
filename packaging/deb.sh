#!/bin/sh
# Builds dist/vramswap_<version>_<architecture>.deb from the tree, for the release of Debian or Ubuntu that this runs on.
# Usage: packaging/deb.sh   (environment: DEBFULLNAME and DEBEMAIL, the maintainer; SOURCE_DATE_EPOCH, the date)
set -eu

cd "$(dirname "$0")/.."
work=build/deb
root=$work/root
lib=$root/usr/lib/vramswap
share=$root/usr/share
doc=$share/doc/vramswap
# The package runs on the distribution's Python, so its compiled part is made for that one.
system_python=/usr/bin/python3

die() {
    echo "vramswap: $1" >&2
    exit 1
}

for tool in dpkg-deb dpkg-shlibdeps readelf strip gzip g++; do
    command -v "$tool" >/dev/null || die "$tool is missing; run: apt-get install binutils dpkg-dev g++ gzip"
done
"$system_python" -c 'import ensurepip, venv, sysconfig, pathlib, sys
sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())' ||
    die "$system_python cannot build extensions; run: apt-get install python3-venv python3-dev"

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' vramswap_gui/__init__.py)
arch=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-The vramswap authors} <${DEBEMAIL:-vramswap@localhost}>"
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH="$date" LC_ALL=C.UTF-8 TZ=UTC
umask 022

rm -rf "$root" "$work/source" "$work/manual"
mkdir -p "$lib" "$doc/examples" "$root/DEBIAN" dist

# Puts file $1 at $2 in the package, with mode $3 or as an ordinary file.
put() {
    install -D -m "${3:-0644}" "$1" "$root/$2"
}

code() {
    # A copy, because a build in the tree would leave files there and take old ones from build/lib along.
    mkdir -p "$work/source"
    cp -R vramswap_gui pyproject.toml setup.py README.md LICENSE "$work/source"
    find "$work/source" \( -name '*.so' -o -name '*.cpp' -o -name '__pycache__' \) -prune -exec rm -rf {} +
    cp LICENSE "$doc/copyright"

    "$system_python" -m venv --clear "$work/venv"
    "$work/venv/bin/python" packaging/bundle.py "$lib" "$doc/copyright" >"$work/substvars"
    "$work/venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-compile --no-deps \
        --target "$lib" "$work/source"
    rm -rf "${lib:?}"/vramswap-*.dist-info "${lib:?}/bin"
    find "$lib" \( -name '*.pyx' -o -name '*.pxd' -o -name '*.cpp' -o -name 'py.typed' -o -name '*.pyi' \) -delete
    find "$lib" -name __pycache__ -prune -exec rm -rf {} +
    find "$lib" -type f -exec chmod 0644 {} +
    find "$lib" -type f -name '*.so*' -exec strip --strip-unneeded {} +
    # What was left out of a library may be wanted by its next version.
    PYTHONPATH=$lib "$system_python" -sPB -c 'import vramswap_gui.server.main, vramswap_gui.server.engine_process' ||
        die "the server cannot be imported from $lib; see packaging/bundle.py for what it left out."
}

launcher() {
    sed "s/@MODULE@/$2/" packaging/launcher.in >"$work/launcher"
    put "$work/launcher" "$1" 0755
}

files() {
    launcher usr/bin/vramswap vramswap_gui.tray.main
    launcher usr/bin/vramswapctl vramswap_gui.cli
    launcher usr/bin/vramswap-server vramswap_gui.server.main
    launcher usr/libexec/vramswap-helper vramswap_gui.helper.main
    put resources/dbus/org.vramswap.Helper.conf usr/share/dbus-1/system.d/org.vramswap.Helper.conf
    put resources/dbus/org.vramswap.Helper.service usr/share/dbus-1/system-services/org.vramswap.Helper.service
    put resources/polkit/org.vramswap.policy usr/share/polkit-1/actions/org.vramswap.policy
    put resources/systemd/vramswap-helper.service usr/lib/systemd/system/vramswap-helper.service
    put resources/systemd/vramswap-sleep.service usr/lib/systemd/system/vramswap-sleep.service
    put vramswap.desktop usr/share/applications/vramswap.desktop
    put resources/autostart/vramswap.desktop usr/share/doc/vramswap/examples/autostart/vramswap.desktop
    put resources/org.vramswap.vramswap.metainfo.xml usr/share/metainfo/org.vramswap.vramswap.metainfo.xml
    put resources/icons/vramswap.svg usr/share/icons/hicolor/scalable/apps/vramswap.svg
    put resources/icons/vramswap-symbolic.svg usr/share/icons/hicolor/symbolic/apps/vramswap-symbolic.svg
    put packaging/debian/lintian-overrides usr/share/lintian/overrides/vramswap

    "$system_python" -B packaging/manual.py "$work/manual" "$(date -d "@$date" +%Y-%m-%d)"
    cp -R "$work/manual/share/." "$share"
    find "$share/man" -type f -exec gzip -9n {} +

    cat >"$work/changelog" <<EOF
vramswap ($version) unstable; urgency=medium

  * Built from the tree; CHANGELOG.md.gz beside this file says what is new.

 -- $maintainer  $(date -R -d "@$date")
EOF
    gzip -9nc "$work/changelog" >"$doc/changelog.gz"
    gzip -9nc CHANGELOG.md >"$doc/CHANGELOG.md.gz"
    gzip -9nc README.md >"$doc/README.md.gz"
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
        -e "s/@SIZE@/$size/" -e "s/@DEPENDS@/$depends/" -e "s/@RECOMMENDS@/${recommends:+, $recommends}/" \
        packaging/debian/control.in >"$root/DEBIAN/control"
    for script in postinst prerm postrm; do
        install -m 0755 "packaging/debian/$script" "$root/DEBIAN/$script"
    done
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    chmod 0644 "$root/DEBIAN/control" "$root/DEBIAN/md5sums"
}

code
files
control
deb=dist/vramswap_${version}_$arch.deb
find "$root" -newermt "@$date" -exec touch -h -d "@$date" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
echo "$deb ($(du -k --apparent-size "$deb" | cut -f 1) KiB, installed $(sed -n 's/^Installed-Size: //p' "$root/DEBIAN/control") KiB)"
