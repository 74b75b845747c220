# SPDX-License-Identifier: MIT
"""Runs in the machine at each boot: the steps of this boot, then the way to the next one."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.swapped import command
from tests.vm import hibernation, leaving, sleeping
from tests.vm.guest import (
    EXCESS,
    PATIENCE,
    RESUME,
    UEFI,
    ctl,
    follows,
    holding,
    kill,
    log,
    overfilled,
    reclaim,
    server,
    status,
    swapped,
    swaps,
    tell,
    turn_off,
    unit,
)  # isort: skip # fmt: skip
from vramswap_gui.units import MIB

STATE: Final = Path("/var/lib/vm-test")
#: What the machine's user lends.
SIZE: Final = 256 * MIB
VRAM: Final = 2048 * MIB

#: Before a command of a user who sits at the machine.
_SEATED: Final = (
    "systemd-run", "--quiet", "--wait", "--pipe", "--uid=alice", "-p", "PAMName=login", "-p", "TTYPath=/dev/tty1",
)  # fmt: skip

#: The unit finds the simulated GPU, whose VRAM must not be swapped itself.
_WRONG: Final = re.compile(r"[Ff]ailed|[Tt]imed out|[Tt]iming out|error")
_DROP_IN: Final = f"""[Unit]
RequiresMountsFor=/run/gpu
[Service]
Environment=FAKEGPU_DIR=/run/gpu FAKEGPU_VRAM={VRAM}
ReadWritePaths=/run/gpu
"""


def boots() -> None:
    """every unit of the machine runs"""
    state = subprocess.run(["systemctl", "is-system-running", "--wait"], capture_output=True, text=True, check=False)
    assert state.stdout.strip() == "running", f"{state.stdout}{command('systemctl', '--failed', '--no-legend')}"


def installs() -> None:
    """apt-get install ./vramswap.deb"""
    leaving.remember(STATE / "before")
    for library in Path("gpu").iterdir():
        shutil.copy(library, "/usr/local/lib")
    command("ldconfig")
    for name in ("helper", "server"):
        folder = Path(f"/etc/systemd/system/vramswap-{name}.service.d")
        folder.mkdir(parents=True)
        (folder / "gpu.conf").write_text(_DROP_IN)
    command("apt-get", "install", "-y", "--no-install-recommends", "/opt/vm/vramswap.deb")
    assert unit("vramswap-helper.service", "LoadState") == "loaded"


def doctor() -> None:
    """vramswapctl doctor: nothing is wrong but that there is no GPU on the bus"""
    done = subprocess.run(["vramswapctl", "doctor", "--json"], capture_output=True, text=True, timeout=PATIENCE)
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    failed = {name for name, check in checks.items() if check["verdict"] == "failed"}
    assert failed == {"NVIDIA GPU"}, failed


def user_turns_on() -> None:
    """a user who sits at the machine turns it on; another one is refused, and sees it"""
    ctl("size", str(SIZE))
    command(*_SEATED, "vramswapctl", "on")
    assert sum(area["size"] for area in status()["segments"]) == SIZE, status()
    assert len(swaps()) == 1, swaps()
    elsewhere = ("runuser", "-u", "bob", "--", "vramswapctl")
    assert "on" in command(*elsewhere, "status")
    refused = subprocess.run([*elsewhere, "off"], capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 1, refused
    assert len(swaps()) == 1, swaps()


def user_measures() -> None:
    """that user measures what a program in a group of the user's own feels under pressure, and nothing is left of it"""
    found = json.loads(command(*_SEATED, "vramswapctl", "bench", "--pressure", "--size", "32M", "--json"))
    assert [run["place"] for run in found["runs"]] == ["memory", "vram"], found
    assert found["runs"][1]["areas"][swaps()[0]] > 8 * MIB and found["runs"][0]["areas"] == {}, found
    assert not list(Path("/sys/fs/cgroup").rglob("run-*.scope")), "the group is left"


def fills() -> None:
    """memory is filled past its end, and every page read back"""
    overfilled(seed=1).finish()


def helper_dies() -> None:
    """the helper is killed -9 with pages in VRAM: it comes back, and finds its swap"""
    with holding(96, "--out") as holder:
        before = server()
        assert before is not None
        kill(int(unit("vramswap-helper.service", "MainPID")))
        wait_for(lambda: unit("vramswap-helper.service", "MainPID") != "0", "another helper", PATIENCE)
        assert status()["state"] == "on", status()
        assert (server() or {})["pid"] == before["pid"]
        holder.verify()


def helper_stops() -> None:
    """systemctl stop and start of the helper with pages in VRAM: the swap stays"""
    with holding(96, "--out") as holder:
        command("systemctl", "stop", "vramswap-helper.service")
        assert len(swaps()) == 1, swaps()
        command("systemctl", "start", "vramswap-helper.service")
        assert status()["state"] == "on", status()
        holder.verify()


def helper_cannot_start() -> None:
    """the helper's program is away for more tries than systemd allows others: it is there as soon as it can be"""
    helper, program, away = "vramswap-helper.service", Path("/usr/libexec/vramswap-helper"), Path("/usr/libexec/away")
    before = int(unit(helper, "NRestarts"))
    program.rename(away)
    kill(int(unit(helper, "MainPID")))
    wait_for(lambda: int(unit(helper, "NRestarts")) > before + 6, "more than five tries", PATIENCE)
    away.rename(program)
    wait_for(lambda: unit(helper, "ActiveState") == "active", "the helper", PATIENCE)
    assert status()["state"] == "on", status()
    # Else the next one that dies would have to wait for another as long; that it was started says nothing yet.
    assert unit(helper, "NRestarts") != "0"
    wait_for(lambda: unit(helper, "NRestarts") == "0", "the count of its ends to begin anew", PATIENCE)


def engine_dies() -> None:
    """the engine is killed -9 while pages move"""
    filling = overfilled(seed=2)
    before = server()
    assert before is not None
    kill(before["engine_pid"])
    wait_for(lambda: another_engine(before["engine_pid"]), "a new engine", PATIENCE)
    filling.finish()


def another_engine(than: int) -> bool:
    """Whether one serves that took over from ``than``."""
    found = server() or {}
    return found.get("engine") == "running" and found["engine_pid"] != than


def ublk() -> None:
    """transport = ublk: turned on, pages in VRAM, the engine is killed -9, every page is read back, turned off"""
    ctl("size", str(SIZE))
    ctl("config", "transport", "ublk")
    ctl("on")
    assert ["/dev/ublkb" in device for device in swaps()] == [True], swaps()
    with holding(160, "--out") as holder:
        assert swapped() > EXCESS, swapped()
        before = server()
        assert before is not None
        kill(before["engine_pid"])
        holder.verify()
        wait_for(lambda: another_engine(before["engine_pid"]), "a new engine", PATIENCE)
        assert (server() or {})["pid"] == before["pid"]
    turn_off()
    ctl("config", "transport", "auto")


def journal_has_it() -> None:
    """all of that is in the journal, with fields, and with the names of who told it"""
    matches = (f"VRAMSWAP_EVENT={event}" for event in ("on", "attached", "adopted", "engine"))
    found = [json.loads(line) for line in command("journalctl", "-b", "-o", "json", *matches).splitlines()]
    told = {(entry["VRAMSWAP_EVENT"], entry["_COMM"], entry["_SYSTEMD_UNIT"]) for entry in found}
    helper, keeper = ("vramswap-helper", "vramswap-helper.service"), ("vramswap-keeper", "vramswap-server.service")
    assert told == {("on", *helper), ("attached", *keeper), ("adopted", *helper), ("engine", *keeper)}, told
    on = next(entry for entry in found if entry["VRAMSWAP_EVENT"] == "on")
    assert (on["VRAMSWAP_SIZE"], on["VRAMSWAP_UID"]) == (str(SIZE), str(pwd.getpwnam("alice").pw_uid)), on


def not_resumed_from() -> None:
    """an initramfs made while VRAM is lent: the next start does not look there for a hibernated computer's memory"""
    made = Path("/var/tmp/initrd")
    said = command("mkinitramfs", "-o", str(made))
    # What initramfs-tools would have done, and says.
    assert re.search("will attempt to resume from /dev/(nbd|ublkb)", said), said
    command("unmkinitramfs", str(made), "/var/tmp/initramfs")
    told = list(Path("/var/tmp/initramfs").rglob("zz-resume-auto"))
    assert not told, told[0].read_text()


def pages_stay_behind() -> None:
    """pages of programs, of a tmpfs and of the system itself are in VRAM"""
    if not swaps():
        ctl("on")
    subprocess.Popen(["python3", "-m", "tests.vm.hold", "80", "--out"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holding(64, "--out", "--file", "/dev/shm/left"):
        pass
    reclaim(96 * MIB)
    wait_for(lambda: swapped() > 140 * MIB, f"pages in VRAM, not {swapped() // MIB} MiB", PATIENCE)


def last_words() -> None:
    """the end of the boot before: swap went first, nothing of ours failed or was waited for"""
    text = command("journalctl", "--no-pager", "-b", "-1", "-o", "short-monotonic")
    lines = text[text.rindex("The system will reboot now") :].splitlines()
    gone = [line for line in lines if re.search("Deactivated swap dev-(nbd|ublkb)", line)]
    assert gone, "no swap was turned off"
    wrong = [line for line in lines if re.search(r"vramswap|nbd\d|ublkb\d|\.swap", line) and _WRONG.search(line)]
    assert not wrong, "\n".join(wrong)


def lends_nothing() -> None:
    """after the reboot nothing is lent, as nothing asks for it"""
    assert swaps() == [], swaps()
    assert not Path("/sys/module/nbd").exists()


def at_boot_is_chosen() -> None:
    """vramswapctl mode always, at boot"""
    ctl("size", str(SIZE))
    ctl("mode", "always")
    ctl("config", "at_boot", "on")
    wait_for(lambda: len(swaps()) == 1, "swap, because the mode says so", PATIENCE)


def at_boot_follows() -> None:
    """systemctl disable and enable of the helper's unit: the setting says the same when the helper has started"""
    for verb, word in (("disable", "off"), ("enable", "on")):
        command("systemctl", verb, "vramswap-helper.service")
        command("systemctl", "restart", "vramswap-helper.service")
        follows(word)
        assert unit("vramswap-helper.service", "UnitFileState") == f"{verb}d"


def comes_by_itself() -> None:
    """after the reboot the swap is there before anyone asks"""
    wait_for(lambda: len(swaps()) == 1, "swap", PATIENCE)
    with holding(96, "--out") as holder:
        assert swapped() > 64 * MIB, swapped()
        holder.verify()


@dataclass(frozen=True, slots=True)
class Boot:
    """The steps from one start to the next."""

    steps: tuple[Callable[[], None], ...]
    #: What ends it, and how the machine is started then; None where it does that itself, or not at all.
    down: str = "poweroff"
    way: str | None = None


COURSES: Final[dict[str, tuple[Boot, ...]]] = {
    "package": (
        Boot(
            (
                boots, installs, doctor, leaving.upgrades_with_nothing_lent, user_turns_on, user_measures, fills,
                helper_dies, helper_cannot_start, helper_stops, engine_dies, journal_has_it, not_resumed_from,
                sleeping.frozen, sleeping.sleeps, sleeping.sleep_is_refused, pages_stay_behind,
            ),
            "reboot with pages in VRAM",
        ),
        Boot(
            (boots, last_words, lends_nothing, at_boot_is_chosen, at_boot_follows, pages_stay_behind),
            "reboot with pages in VRAM, mode always",
        ),
        Boot(
            (
                boots, last_words, comes_by_itself, leaving.upgrades, leaving.is_removed, sleeping.sleeps_without_us,
                leaving.is_purged,
            ),
        ),
    ),
    "newest": (
        Boot(
            (boots, installs, ublk, hibernation.prepares, hibernation.nobody_was_told),
            "poweroff, then resume=", RESUME,
        ),
        Boot(
            (
                hibernation.prepares, hibernation.hibernates, hibernation.suspends, hibernation.does_not_fit,
            ),
            "poweroff, then UEFI", UEFI,
        ),
        Boot((hibernation.prepares, hibernation.hibernates_by_uefi)),
    ),
}  # fmt: skip


def take(step: Callable[[], None], said: Callable[[float], str]) -> None:
    """One step, and word of how it went. ``said``: what our programs told since a time."""
    name = (step.__doc__ or "").strip()
    begun, since = time.monotonic(), time.time()
    verdict, detail = "PASS", ""
    try:
        step()
    except Exception as error:
        verdict, detail = "FAIL", f"{type(error).__name__}: {error}\n{said(since)}"
    tell(name=name, verdict=verdict, seconds=round(time.monotonic() - begun, 1), detail=detail)


def go(course: Sequence[Boot], said: Callable[[float], str], leave: Callable[[str], object]) -> None:
    """Take the steps of this boot; ``leave`` has the machine ``poweroff`` or ``reboot``."""
    STATE.mkdir(exist_ok=True)
    count = STATE / "boot"
    number = int(count.read_text()) if count.exists() else 0
    count.write_text(str(number + 1))
    boot = course[number]
    for step in boot.steps:
        take(step, said)
    tell(down=boot.down, way=boot.way, hurry=True)
    os.sync()
    leave("poweroff" if number + 1 == len(course) or boot.way is not None else "reboot")
    time.sleep(600)


def main() -> None:
    """The steps of a course with systemd."""
    go(
        COURSES[Path("course").read_text()],
        lambda since: log(since, "-u", "vramswap-*.service", "-n", "15"),
        lambda how: command("systemctl", "--no-block", how),
    )


if __name__ == "__main__":
    main()
