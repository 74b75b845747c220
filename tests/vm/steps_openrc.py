# SPDX-License-Identifier: MIT
"""The steps in the machine without systemd: OpenRC, elogind and D-Bus activation, started by sysvinit at each boot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.swapped import available, command
from tests.vm import leaving, steps
from tests.vm.guest import (
    PATIENCE,
    ctl,
    follows,
    holding,
    kill,
    pids,
    reclaim,
    server,
    status,
    swapped,
    swaps,
)  # isort: skip # fmt: skip
from tests.vm.sleeping import SLEPT, home_meanwhile
from vramswap_gui.units import MIB

_HELPER: Final = "vramswap-helper"
_SERVER: Final = "vramswap-server"
#: The simulated GPU is found by what OpenRC's service starts.
_GPU: Final = f"export FAKEGPU_DIR=/run/gpu FAKEGPU_VRAM={steps.VRAM}\n"


def _helper() -> int:
    """The helper that OpenRC runs, which must be the only one."""
    wait_for(lambda: len(pids(_HELPER)) == 1, "a helper", PATIENCE)
    (pid,) = pids(_HELPER)
    return pid


def _parent(pid: int) -> str:
    number = re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert number
    return Path(f"/proc/{number[1]}/comm").read_text().strip()


def _service(name: str, *words: str) -> int:
    return subprocess.run(["rc-service", name, *words], timeout=PATIENCE, check=False).returncode


def boots() -> None:
    """OpenRC has started every service"""
    assert not Path("/run/systemd/system").exists()
    said = command("rc-status", "--all", "--nocolor")
    assert "crashed" not in said, said
    for name in ("dbus", "elogind"):
        assert _service(name, "status") == 0, said


def installs() -> None:
    """apt-get install ./vramswap.deb: the services are there, and none is started"""
    leaving.remember(steps.STATE / "before")
    for library in Path("gpu").iterdir():
        shutil.copy(library, "/usr/local/lib")
    command("ldconfig")
    Path("/etc/conf.d/vramswap-helper").write_text(_GPU)
    command("apt-get", "install", "-y", "--no-install-recommends", "/opt/vm/vramswap.deb")
    assert _service(_HELPER, "status") == 3
    assert os.access("/etc/elogind/system-sleep/10-vramswap", os.X_OK)


def bus_starts_the_service() -> None:
    """the first caller on the bus has OpenRC start the helper, which it starts again when it ends"""
    assert status()["state"] == "off"
    assert _service(_HELPER, "status") == 0 and _service(_SERVER, "status") == 0
    assert _parent(_helper()) == "supervise-daemo", _parent(_helper())


def user_turns_on() -> None:
    """a user who sits at the machine turns it on; another one is refused, and sees it"""
    ctl("size", str(steps.SIZE))
    home = Path("/home/alice/.bash_profile")
    home.write_text("vramswapctl on >/tmp/on 2>&1; exit\n")
    with Path("/dev/tty1").open("r+b", buffering=0) as terminal:
        subprocess.run(
            ["setsid", "--ctty", "--wait", "login", "-f", "alice"],
            stdin=terminal, stdout=terminal, stderr=terminal, timeout=PATIENCE, check=False,
        )  # fmt: skip
    home.unlink()
    assert len(swaps()) == 1, f"{swaps()}: {Path('/tmp/on').read_text()}"
    elsewhere = ("runuser", "-u", "bob", "--", "vramswapctl")
    assert "on" in command(*elsewhere, "status")
    refused = subprocess.run([*elsewhere, "off"], capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 1 and len(swaps()) == 1, refused


def helper_dies() -> None:
    """the helper is killed -9 with pages in VRAM, then with who would restart it: it comes back, and finds its swap"""
    with holding(96, "--out") as holder:
        before = server()
        first = _helper()
        kill(first)
        wait_for(lambda: pids(_HELPER) not in ([], [first]), "another helper", PATIENCE)
        assert status()["state"] == "on", status()
        for name in ("supervise-daemo", _HELPER):
            for pid in pids(name):
                if name == _HELPER or _parent_is_ours(pid):
                    kill(pid)
        wait_for(lambda: not pids(_HELPER), "the helper's end", PATIENCE)
        assert status()["state"] == "on", status()
        assert before is not None and (server() or {})["pid"] == before["pid"]
        holder.verify()
    for pid in pids(_HELPER):
        kill(pid)
    _service(_HELPER, "zap")
    assert status()["state"] == "on" and _parent(_helper()) == "supervise-daemo"


def _parent_is_ours(supervisor: int) -> bool:
    return _HELPER.encode() in Path(f"/proc/{supervisor}/cmdline").read_bytes()


def keeper_dies() -> None:
    """the keeper is killed -9 with pages in VRAM: the helper starts another, which takes over from its engine"""
    with holding(96, "--out") as holder:
        before = server()
        assert before is not None
        kill(before["pid"])
        wait_for(lambda: (server() or before)["pid"] != before["pid"], "another keeper", PATIENCE)
        wait_for(lambda: status()["state"] == "on", "a helper that knows it", PATIENCE)
        holder.verify()


def helper_stops() -> None:
    """rc-service stop and start of the helper with pages in VRAM: the swap stays; that of the server is refused"""
    with holding(96, "--out") as holder:
        assert _service(_HELPER, "stop") == 0
        assert pids(_HELPER) == [] and len(swaps()) == 1
        assert _service(_HELPER, "start") == 0
        assert status()["state"] == "on", status()
        assert _service(_SERVER, "stop") != 0
        assert len(swaps()) == 1, swaps()
        holder.verify()


def _suspend() -> None:
    """Returns when the machine has slept, or elogind says that it will not. It answers before it asks its hooks."""
    SLEPT.unlink(missing_ok=True)
    refusals = command("dmesg").count("has been cancelled")
    command("loginctl", "suspend")
    wait_for(
        lambda: SLEPT.exists() or command("dmesg").count("has been cancelled") > refusals, "sleep, or a no", PATIENCE
    )


def sleeps() -> None:
    """loginctl suspend with pages in VRAM: they are home before, and the swap is back afterwards"""
    home_meanwhile(_suspend)


def sleep_is_refused() -> None:
    """loginctl suspend with pages that do not fit into memory: the machine stays awake"""
    with holding(200, "--out") as holder, holding((available() - 120 * MIB) // MIB, "--lock"):
        assert swapped() > 150 * MIB, swapped()
        _suspend()
        assert not SLEPT.exists(), "it slept"
        assert len(swaps()) == 1, swaps()
        holder.verify()
    assert status()["state"] == "on", status()


def _leave(mib: int, *arguments: str) -> None:
    """A program in a session of its own, as a user's is, with pages that nobody asks for again.

    It has both ends of what it reads, and so outlives these steps, which the way down ends before all else."""
    words = (sys.executable, "-m", "tests.vm.hold", str(mib), *arguments)
    ours, theirs = os.pipe()
    process = subprocess.Popen(words, stdin=ours, stdout=subprocess.PIPE, start_new_session=True, pass_fds=(theirs,))
    os.close(ours)
    os.close(theirs)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"


def pages_stay_behind() -> None:
    """pages of programs, of a tmpfs and of the system itself are in VRAM"""
    if not swaps():
        ctl("on")
    _leave(80, "--out")
    with holding(64, "--out", "--file", "/dev/shm/left"):
        pass
    reclaim(96 * MIB)
    wait_for(lambda: swapped() > 140 * MIB, f"pages in VRAM, not {swapped() // MIB} MiB", PATIENCE)


def memory_is_full() -> None:
    """more pages are in VRAM than fit into memory, until programs are ended"""
    if not swaps():
        ctl("on")
    _leave(230, "--out")
    _leave((available() - 70 * MIB) // MIB, "--lock")
    # What is stopped before them has some memory too, which is free by then.
    wait_for(lambda: swapped() > available() + 100 * MIB, f"{swapped() // MIB} MiB in VRAM", PATIENCE)


def at_boot_is_chosen() -> None:
    """vramswapctl mode always, at boot: the helper is in the runlevel default"""
    ctl("size", str(steps.SIZE))
    ctl("mode", "always")
    ctl("config", "at_boot", "on")
    assert _HELPER in command("rc-update", "show", "default")
    wait_for(lambda: len(swaps()) == 1, "swap, because the mode says so", PATIENCE)


def at_boot_follows() -> None:
    """rc-update delete and add of the helper: the setting says the same when the helper has started"""
    for verb, word in (("delete", "off"), ("add", "on")):
        command("rc-update", verb, _HELPER, "default")
        assert _service(_HELPER, "restart") == 0
        follows(word)
        assert (_HELPER in command("rc-update", "show", "default")) == (word == "on")


COURSE: Final = (
    steps.Boot(
        (
            boots, installs, bus_starts_the_service, leaving.upgrades_with_nothing_lent, user_turns_on, steps.fills,
            helper_dies, keeper_dies, helper_stops, steps.engine_dies, sleeps, sleep_is_refused, pages_stay_behind,
        ),
        "reboot with pages in VRAM",
    ),
    steps.Boot(
        (boots, steps.lends_nothing, at_boot_is_chosen, at_boot_follows, memory_is_full),
        "reboot with more pages in VRAM than fit into memory",
    ),
    steps.Boot((boots, steps.comes_by_itself, leaving.upgrades, leaving.is_removed, leaving.is_purged)),
)  # fmt: skip


def _said(since: float) -> str:
    """Where no journal is, the server has a file."""
    log = Path("/run/vramswap/server.log")
    return "\n".join(log.read_text().splitlines()[-15:]) if log.exists() else ""


def main() -> None:
    """The steps of the course with OpenRC."""
    wait_for(lambda: "default" in command("rc-status", "--runlevel"), "the runlevel default", PATIENCE)
    steps.go(COURSE, _said, command)


if __name__ == "__main__":
    main()
