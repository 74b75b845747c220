# SPDX-License-Identifier: MIT
"""Steps about another version of the package, and about its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.swapped import command
from tests.vm.guest import PATIENCE, ctl, holding, pids, server, status, swapped, swaps, turn_off
from vramswap_gui.units import MIB

_BEFORE: Final = Path("/var/lib/vm-test/before")
#: Where others write, dpkg, systemd and the journal above all, and these steps.
_OTHERS: Final = ("/var/cache", "/var/log", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/systemd", "/var/lib/vm-test",
                  "/var/lib/polkit-1", "/var/tmp", "/opt/vm", "/usr/local/lib", "/root", "/home", "/etc/mtab",
                  "/etc/systemd/system/vramswap-helper.service.d", "/etc/systemd/system/vramswap-server.service.d",
                  "/etc/systemd/system/systemd-suspend.service.d", "/etc/conf.d/vramswap-helper",
                  "/usr/lib/rc/cache")  # fmt: skip


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-y", "--no-install-recommends", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE * 2, check=False,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip


def _files(folder: str = "/") -> Iterator[str]:
    """Everything on the disk but what others write."""
    device = Path("/").stat().st_dev
    for entry in os.scandir(folder):
        if entry.path in _OTHERS or ("__pycache__" in entry.path and "vramswap" not in entry.path):
            continue
        yield entry.path
        if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_dev == device:
            yield from _files(entry.path)


def remember(before: Path) -> None:
    """Note what is there before the package comes."""
    before.write_text("\n".join(_files()))


def _new() -> set[str]:
    return set(_files()) - set(_BEFORE.read_text().splitlines())


def upgrades() -> None:
    """apt-get install of a newer version with pages in VRAM: every page is kept"""
    if not swaps():
        ctl("on")
    with holding(120, "--out") as holder:
        assert swapped() > 100 * MIB, swapped()
        before = server()
        assert before is not None
        done = _apt("install", "/opt/vm/vramswap-newer.deb")
        assert done.returncode == 0, done.stdout
        assert len(swaps()) == 1, f"{swaps()}: {done.stdout}"
        assert status()["version"].endswith(".1"), status()
        assert (server() or {})["version"] == status()["version"], server()
        assert (server() or {})["pid"] == before["pid"]
        holder.verify()


def upgrades_with_nothing_lent() -> None:
    """dpkg -i while the helper runs and nothing is lent: it runs afterwards too, before anybody asks for it"""
    ctl("status")
    before = pids("vramswap-helper")
    assert before and swaps() == [], swaps()
    command("dpkg", "-i", "/opt/vm/vramswap.deb")
    wait_for(lambda: set(pids("vramswap-helper")) - set(before), "another helper", PATIENCE)


@contextlib.contextmanager
def _asking() -> Iterator[None]:
    """Somebody asks for the helper meanwhile, which the bus starts for that, as a tray does whose window is open."""
    ask = "dbus-send --system --print-reply --dest=org.vramswap.Helper / org.freedesktop.DBus.Peer.Ping"
    asking = subprocess.Popen(
        ["sh", "-c", f"while sleep 0.2; do {ask}; done"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(asking.pid, signal.SIGKILL)
        asking.wait()


def is_removed() -> None:
    """apt-get remove: refused while swap is on, then nothing runs, whoever asks for it, and only settings are left"""
    if not swaps():
        ctl("on")
    refused = _apt("remove", "vramswap")
    assert refused.returncode, refused.stdout
    assert "vramswapctl off" in refused.stdout, refused.stdout
    assert status()["state"] == "on", status()
    turn_off()
    ctl("config", "headroom", "256M")
    with _asking():
        done = _apt("remove", "vramswap")
    assert done.returncode == 0, done.stdout
    assert not Path("/run/vramswap").exists()
    running = subprocess.run(["pgrep", "-fa", "vramswap_gui|vramswap-helper"], capture_output=True, text=True).stdout
    assert not running, running
    left = {path for path in _new() if not path.startswith("/etc/vramswap")}
    assert not left, sorted(left)


def is_purged() -> None:
    """apt-get purge: nothing is left"""
    done = _apt("purge", "vramswap")
    assert done.returncode == 0, done.stdout
    assert not _new(), sorted(_new())
