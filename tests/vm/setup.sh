#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in the machine's tree before its disk is made. $1: the machine's init, $2: the package's dependencies.
set -eu

apt-get update -qq
apt-get satisfy -y -qq --no-install-recommends "$2" >/dev/null
apt-get clean

echo vm >/etc/hostname
# No password: the machine has no network and lives for minutes.
for name in alice bob; do
    id "$name" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$name"
done

# shellcheck source=tests/vm/setup-systemd.sh
. "/mnt/setup-$1.sh"
