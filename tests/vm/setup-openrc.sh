# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What a machine with OpenRC needs for the test; sourced by setup.sh.

# The steps are started by init itself, when all services are, and end with its runlevel. Simulated VRAM is memory that
# cannot be swapped; as the hardware, it is there to the end.
sed -i '/^vm:/d' /etc/inittab
cat >>/etc/inittab <<'TAB'
vm:2345:once:/bin/sh -c 'mkdir -p /run/gpu /opt/vm && mount -t ramfs gpu /run/gpu && tar -xf /dev/vdb -C /opt/vm && cd /opt/vm && python3 -B -m tests.vm.steps_openrc || echo over >/dev/ttyS1' >/dev/ttyS2 2>&1
TAB
# The hardware's part of a sleep only notes what is swap then.
cat >/etc/elogind/sleep.conf.d/vm.conf <<'CONF'
[Sleep]
SuspendByUsing=/usr/local/bin/instead-of-sleep
CONF
cat >/usr/local/bin/instead-of-sleep <<'INSTEAD'
#!/bin/sh
cat /proc/swaps >/run/slept.new
mv /run/slept.new /run/slept
sleep 1
INSTEAD
chmod 755 /usr/local/bin/instead-of-sleep
