#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints a script of a package with packaging/upkeep.sh in it, in place of the line that sources it.
# Usage: packaging/whole.sh SCRIPT
set -eu

here=$(dirname "$0")
sed -e '/^\. packaging\/upkeep\.sh$/{' -e "r $here/upkeep.sh" -e d -e '}' -e '/^# shellcheck source=/d' "$1"
