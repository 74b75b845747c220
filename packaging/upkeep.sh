# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What every kind of package does on the machine when it comes, changes and goes. packaging/whole.sh puts this text where
# a script of a package has the line that sources it, so that each script is whole and needs no file that may be gone.

# The processes that have the argument $1. The helper may be broken when the package is removed or replaced, so nobody
# is asked who might not answer.
with_argument() {
    grep -lszxF -e "$1" /proc/[0-9]*/cmdline | while read -r file; do
        pid=${file%/cmdline}
        pid=${pid##*/}
        # This very search has the argument too, and who starts the helper anew.
        case $(cat "/proc/$pid/comm" 2>/dev/null || true) in
            grep | supervise-daemo*) ;;
            *) echo "$pid" ;;
        esac
    done
}

server() {
    with_argument /run/vramswap/control.sock
}

# Whether a server has swap in use, which it then holds in video memory. Without its folder the kernel names a device whose
# mount is gone, that of a helper which ended.
lending() {
    grep -qsE '^(/dev)?/(nbd|ublkb)' /proc/swaps && [ -n "$(server)" ]
}

# Whether the package may go, or be replaced by a version that cannot take swap over.
may_go() {
    if ! lending; then return 0; fi
    cat >&2 <<'EOF'
vramswap: swap in video memory is on. Its pages would be lost with the server that
holds them, so the package stays as it is. Turn it off, then try again:
  vramswapctl off
If the pages do not fit into memory, close programs first. If the helper does not
answer, run as root for each /dev/nbd or /dev/ublkb device of `swapon --show`:
  swapoff /dev/nbdN
EOF
    return 1
}

# The helper alone, which the swap can do without. Its service manager, if it has one, starts another. So nothing else is done
# before an upgrade: one that is stopped would stay away, for nobody knows afterwards that it had been there.
end_helper() {
    for pid in $(with_argument /usr/libexec/vramswap-helper); do
        kill -TERM "$pid" 2>/dev/null || true
    done
}

# Pages that landed on a disk; with the package gone nobody would bring them home.
bring_landed_home() {
    grep -oE '^[^ ]*/vramswap-landing-[0-9]+/swap' /proc/swaps | while read -r file; do
        # The kernel escapes what separates fields.
        file=$(printf '%b' "$file")
        if ! swapoff "$file"; then
            cat >&2 <<EOF
vramswap: the pages in $file stay there.
If they do not fit into memory, close programs, then try again, or by hand: swapoff '$file'
EOF
            return 1
        fi
        rm -rf "${file%/swap}"
    done
}

# One that has nothing to serve ends at this signal, and one that has goes on serving.
end_server() {
    for pid in $(server); do
        kill -TERM "$pid" 2>/dev/null || true
    done
}

# Have the service manager start or stop the helper ($1).
manage() {
    if [ -d /run/systemd/system ]; then
        manager=systemctl
        # Debian's heeds an administrator who forbade packages to stop anything (policy-rc.d); it starts enabled units alone.
        if [ "$1" = stop ] && command -v deb-systemd-invoke >/dev/null; then manager=deb-systemd-invoke; fi
        $manager "$1" vramswap-helper.service >/dev/null 2>&1 || true
    fi
    if [ -d /run/openrc ]; then
        rc-service --quiet --ifexists vramswap-helper "$1" || true
    fi
}

# Without a manager nobody else ends it.
stop_helper() {
    manage stop
    end_helper
}

stop_server() {
    if [ -d /run/openrc ]; then
        rc-service --quiet --ifstarted vramswap-server stop || true
    fi
    end_server
}

# Before the package is removed: whether it may go; then nothing of it runs and no page is where only it would find it. Else
# the helper runs as before. A moment before it was stopped it may have had its reasons to lend, so that is looked at again.
leave() {
    may_go || return 1
    stop_helper
    if may_go && bring_landed_home; then
        stop_server
        return 0
    fi
    manage start
    return 1
}

# When its files are gone. A tray that is open asks for the helper again and again, and so has the bus start it, also after it
# was stopped.
has_left() {
    stop_helper
    stop_server
    # Enabled by the setting at_boot: a helper that came back while its files were there would have heeded another word.
    rm -f /etc/systemd/system/graphical.target.wants/vramswap-helper.service
    # What such a one compiled, which is in no package manager's list.
    rm -rf /usr/lib/vramswap/
    remove_services
    remove_places
    reload
}

# Another version of the files is there. A helper that was started anew while they were exchanged may be of the one before;
# the server becomes this one, and every page stays where it is.
upgraded() {
    end_helper
    # One that could not be started, which this version may mend, would be tried again within a minute. systemd alone makes
    # the tries more seldom.
    if [ -d /run/systemd/system ]; then
        case $(systemctl show --property=SubState --value vramswap-helper.service 2>/dev/null || true) in
            auto-restart*) systemctl try-restart vramswap-helper.service >/dev/null 2>&1 || true ;;
        esac
    fi
    if lending; then
        vramswapctl upgrade || echo 'vramswap: the old server serves on; see: vramswapctl status' >&2
    fi
}

# Have those who read our files take note. polkit looks by itself, and so do most of these.
reload() {
    if [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null 2>&1 || true
    fi
    udevadm control --reload >/dev/null 2>&1 || true
    dbus-send --system --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig >/dev/null 2>&1 || true
}

# What is placed for OpenRC and elogind, where they are: they look below /etc alone. They are copies, because OpenRC would look
# for the settings of a linked service beside what the link leads to.
copies='/etc/init.d/vramswap-helper /etc/init.d/vramswap-server /etc/elogind/system-sleep/10-vramswap
    /etc/elogind/system-sleep/zz-vramswap /etc/elogind/sleep.conf.d/vramswap.conf'
# The sum of each as it was placed, by its name. A copy that differs an administrator has edited; as dpkg does with what it
# places below /etc, it is kept, and goes with a purge.
placed=/var/lib/vramswap/placed

# Whether the copy $1 is not there, or as it was placed.
is_as_placed() {
    [ ! -e "$1" ] || sha256sum --check --status "$placed/${1##*/}" 2>/dev/null
}

is_same() {
    [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]
}

# $1: mode, unless it has one already, $2: file below /usr/share/vramswap, $3: its place. Beside an edited one the new one
# would be one more service.
place() {
    if is_as_placed "$3" || is_same "$3" "/usr/share/vramswap/$2"; then
        mkdir -p "${3%/*}"
        mode=$(stat -c %a "$3" 2>/dev/null || echo "$1")
        install -m "$mode" "/usr/share/vramswap/$2" "$3"
        install -d -m 0700 "${placed%/*}" "$placed"
        sha256sum "$3" >"$placed/${3##*/}"
    else
        echo "vramswap: $3 is not as it was placed, so it stays; this version's is /usr/share/vramswap/$2" >&2
    fi
}

place_services() {
    if [ -x /sbin/openrc-run ]; then
        place 0755 openrc/vramswap-helper /etc/init.d/vramswap-helper
        place 0755 openrc/vramswap-server /etc/init.d/vramswap-server
        # Else the first caller on the bus would wait for it.
        rc-update --update >/dev/null 2>&1 || true
    fi
    if [ -d /etc/elogind ]; then
        place 0755 elogind/10-vramswap /etc/elogind/system-sleep/10-vramswap
        place 0755 elogind/zz-vramswap /etc/elogind/system-sleep/zz-vramswap
        place 0644 elogind/vramswap.conf /etc/elogind/sleep.conf.d/vramswap.conf
    fi
}

# What is left when the package has gone, but for settings. A server that serves on is found there by the next helper.
remove_places() {
    if lending; then
        cat >&2 <<'EOF'
vramswap: swap in video memory was turned on while the package went, so its server serves on. Turn it off as root, for each
/dev/nbd or /dev/ublkb device of `swapon --show`:
  swapoff /dev/nbdN
EOF
    else
        rm -rf /run/vramswap
    fi
    # Where pages landed that fitted nowhere else: by now they are home, and what is in use the kernel does not let go.
    rm -rf /var/lib/vramswap/vramswap-landing-* 2>/dev/null || true
    # That the unit is disabled with the package says nothing of the setting.
    rm -f /var/lib/vramswap/at_boot
    rmdir --ignore-fail-on-non-empty /var/lib/vramswap 2>/dev/null || true
}

remove_services() {
    if command -v rc-update >/dev/null; then
        rc-update --quiet --all delete vramswap-helper >/dev/null 2>&1 || true
    fi
    for copy in $copies; do
        if is_as_placed "$copy"; then rm -f "$copy" "$placed/${copy##*/}"; fi
    done
    remove_empty
}

# What was edited goes too; what never was ours stays.
purge_services() {
    for copy in $copies; do
        if [ -e "$placed/${copy##*/}" ]; then rm -f "$copy" "$placed/${copy##*/}"; fi
    done
    remove_empty
}

remove_empty() {
    rmdir "$placed" /etc/elogind/system-sleep /etc/elogind/sleep.conf.d 2>/dev/null || true
}
