# SPDX-License-Identifier: MIT
"""Steps about sleep. The hardware's part is replaced: what systemd would do last only notes what is swap then."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.swapped import available, command
from tests.vm.guest import PATIENCE, ctl, holding, log, overfilled, status, swapped, swaps, tell, unit
from vramswap_gui.units import MIB

#: What was swap while it slept.
SLEPT: Final = Path("/run/slept")
#: Where swap files may be made for pages that fit nowhere else.
_GROUND: Final = Path("/var/lib/vramswap")
_INSTEAD: Final = f"""[Service]
ExecStart=
ExecStart=/bin/sh -c 'cat /proc/swaps >{SLEPT}; sleep 1'
"""


def _suspend() -> None:
    """Returns when the machine is awake again, or stayed awake."""
    SLEPT.unlink(missing_ok=True)
    begun = time.time()
    accepted = subprocess.run(["systemctl", "suspend"], check=False, timeout=PATIENCE).returncode == 0

    def over() -> bool:
        if not accepted:
            return True
        # systemd's words, whose unit is the job's: it slept, or a dependency of sleep.target failed.
        said = log(begun, "-u", "sleep.target", "-u", "systemd-suspend.service", "-u", "vramswap-sleep.service")
        return SLEPT.exists() or "ailed" in said

    wait_for(over, "sleep, or its refusal", PATIENCE)
    wait_for(lambda: not command("systemctl", "list-jobs", "--no-legend").strip(), "an end of all jobs", PATIENCE)


def home_meanwhile(suspend: Callable[[], None]) -> None:
    """The machine sleeps with pages in VRAM: they are home while it does, and the swap is back afterwards."""
    with holding(120, "--out") as holder:
        assert swapped() > 100 * MIB, swapped()
        suspend()
        assert len(SLEPT.read_text().splitlines()) == 1, SLEPT.read_text()
        wait_for(lambda: len(swaps()) == 1, "the swap to come back", PATIENCE)
        assert status()["state"] == "on", status()
        holder.verify()


def sleeps() -> None:
    """systemctl suspend with pages in VRAM: they are home before, and the swap is back afterwards"""
    folder = Path("/etc/systemd/system/systemd-suspend.service.d")
    folder.mkdir(exist_ok=True)
    (folder / "instead.conf").write_text(_INSTEAD)
    command("systemctl", "daemon-reload")
    assert command("systemctl", "is-enabled", "vramswap-sleep.service").strip() == "enabled"
    home_meanwhile(_suspend)


def sleep_is_refused() -> None:
    """systemctl suspend with pages that do not fit into memory: the machine stays awake, and says why"""
    with holding(200, "--out") as holder, holding((available() - 120 * MIB) // MIB, "--lock"):
        begun = time.time()
        _suspend()
        assert not SLEPT.exists(), "it slept"
        assert unit("vramswap-sleep.service", "ActiveState") == "failed"
        assert len(swaps()) == 1, swaps()
        said = log(begun, "-u", "vramswap-sleep.service")
        assert "of pages are in VRAM" in said, said
        holder.verify()
    assert status()["state"] == "on", status()


def sleeps_on_a_disk() -> None:
    """the same, where pages may land on the disk: it sleeps, and they are in VRAM again afterwards"""
    ctl("config", "landing", str(_GROUND))
    with holding(200, "--out") as holder, holding((available() - 120 * MIB) // MIB, "--lock"):
        _suspend()
        slept = SLEPT.read_text()
        assert str(_GROUND) in slept, slept
        assert "nbd" not in slept and "ublkb" not in slept, slept
        wait_for(lambda: status()["state"] == "on", "the swap to come back", PATIENCE)
        wait_for(lambda: len(swaps()) == 1, f"the file's end: {swaps()}", PATIENCE)
        assert swapped() > 50 * MIB, swapped()
        assert not list(_GROUND.iterdir()), list(_GROUND.iterdir())
        holder.verify()
    ctl("config", "landing", "auto")


def frozen() -> None:
    """somebody suspends past systemd: all programs stand still, the server too, while pages move; none is wrong"""
    test, state = Path("/sys/power/pm_test"), Path("/sys/power/state")
    test.write_text("freezer")
    filling = overfilled(seed=3)
    said = []
    for _ in range(3):
        try:
            state.write_text("mem")
            said.append("froze")
        except OSError as error:
            # Somebody waited for a page just then, and could not be stopped.
            said.append(str(error.strerror))
    test.write_text("none")
    filling.finish()
    tell(note=f"frozen: {', '.join(said)}")
    assert status()["state"] == "on", status()


def sleeps_without_us() -> None:
    """systemctl suspend works when the package is removed, but not purged"""
    begun = time.time()
    _suspend()
    assert SLEPT.exists(), log(begun)
