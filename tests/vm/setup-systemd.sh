# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What a machine with systemd needs for the test; sourced by setup.sh.

cat >/etc/systemd/system/vm-test.service <<'UNIT'
[Unit]
Description=The steps of the test
After=multi-user.target

[Service]
Type=exec
# The steps end with the machine, and so must not be in the way of its end. Nobody waits for steps that do not come.
ExecStart=/bin/sh -c 'mkdir -p /opt/vm && tar -xf /dev/vdb -C /opt/vm && cd /opt/vm && python3 -B -m tests.vm.steps || echo over >/dev/ttyS1'
UNIT
mkdir -p /etc/systemd/system/graphical.target.wants /etc/systemd/journald.conf.d
ln -sf /etc/systemd/system/vm-test.service /etc/systemd/system/graphical.target.wants/
# What happened is read outside.
cat >/etc/systemd/journald.conf.d/vm.conf <<'CONF'
[Journal]
Storage=persistent
RateLimitIntervalSec=0
ForwardToConsole=yes
TTYPath=/dev/ttyS2
MaxLevelConsole=info
CONF
# Simulated VRAM is memory that cannot be swapped. As the hardware, it is there to the end.
cat >/etc/systemd/system/run-gpu.mount <<'UNIT'
[Unit]
DefaultDependencies=no
[Mount]
What=gpu
Where=/run/gpu
Type=ramfs
UNIT
# Work that has nothing to do with the test, on a slow processor.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim logrotate man-db; do
    ln -sf /dev/null "/etc/systemd/system/$timer.timer"
done
