# SPDX-License-Identifier: MIT
"""``make vm-test``: the package in machines with systemd and with OpenRC. Prints a table of steps.

The exit status is 0 if all passed. The machines are emulated, because machines for tests are often virtual ones
themselves. Logs are in build/vm, in a folder for each course: ``console.log`` (the kernel and the init),
``journal.log`` and ``steps.log``. What the steps do is in steps.py and steps_openrc.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support import fakegpu
from tests.support.by_hand import need
from tests.system.qemu import CPU, TIMELESS
from tests.vm import image
from tests.vm.guest import RESUME, UEFI
from tests.vm.image import Disk, Release

#: MiB of memory of the machine.
MEMORY: Final = 1024
#: Seconds: a whole run, one step with the boot before it, and the way down.
_LONGEST: Final = 7200.0
_STEP: Final = 1200.0
_DOWN: Final = 600.0
#: A way down that takes longer than this has failed: somebody waited for a time-out.
PROMPT: Final = 45.0
#: OpenRC's way down is made of many programs.
_PROMPT_OPENRC: Final = 120.0

#: What the kernel prints last.
_OVMF: Final = Path("/usr/share/OVMF")
_CODE, _VARIABLES = _OVMF / "OVMF_CODE_4M.fd", _OVMF / "OVMF_VARS_4M.fd"
#: MiB of a disk for swap.
_SWAP: Final = 1536

_ENDS: Final = ("reboot: Restarting system", "reboot: Power down", "PM: Image saving done")
_TOLD: Final = f"root=/dev/vda rw console=ttyS0 systemd.show_status=1 panic=10 {TIMELESS}"
#: What must not be in the kernel's or systemd's words, ever.
_BAD: Final = ("Kernel panic", "I/O error", "Read-error on swap-device", "Write-error on swap-device", "hung task",
               "blocked for more than", "Failed to deactivate swap", "swapoff failed", "Failed to remount")  # fmt: skip
FROM_TREE: Final = (
    "tests/__init__.py", "tests/system/__init__.py", "tests/system/swapped.py", "tests/system/fill.py",
    "tests/support/__init__.py", "tests/support/waiting.py", "tests/vm",
    "vramswap_gui/__init__.py", "vramswap_gui/units.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step."""

    name: str
    verdict: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """Steps that are taken in one machine; steps.py knows them by the course's name."""

    release: Release
    #: Whether it has a disk with swap.
    swap: bool
    #: Seconds for the way down.
    prompt: float = PROMPT
    #: What the init has to say, and how often.
    said: Mapping[str, int] = field(default_factory=dict)


COURSES: Final = {
    "package": Course(image.STABLE, False),
    "newest": Course(image.NEWEST, True),
    "openrc": Course(
        image.OPENRC, False, _PROMPT_OPENRC,
        # The last way down is one without us.
        {"Bringing pages home from video memory": 2, "so every program is ended for them": 1},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Down:
    """A machine that goes down, as it told."""

    name: str
    #: How it is to be started then; None where it does so by itself or stays off.
    way: str | None
    #: Whether it has to be quick about it.
    hurry: bool
    since: float
    endings: int


@dataclass(slots=True)
class Machine:
    """A machine, and what it has told so far."""

    command: list[str | Path]
    folder: Path
    #: Seconds for the way down.
    prompt: float = PROMPT
    #: What the kernel is told, and which firmware it has: "", RESUME or UEFI.
    way: str = ""
    process: subprocess.Popen[bytes] | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    read: int = 0
    #: Whether its steps ended by themselves, which they only do when they cannot go on.
    over: bool = False
    #: Whether it is about to sleep with its memory on, and to be woken.
    sleeps: bool = False
    #: How it goes down, while it does.
    down: _Down | None = None

    def start(self) -> None:
        """Turn it on."""
        more: list[str | Path] = []
        if self.way == UEFI:
            for unit, (path, mode) in enumerate(((_CODE, "on"), (self.folder / "variables", "off"))):
                more += ["-drive", f"if=pflash,format=raw,unit={unit},readonly={mode},file={path}"]
        told = f"{_TOLD} {self.way}" if self.way == RESUME else _TOLD
        self.process = subprocess.Popen([*self.command, *more, "-append", told], stdin=subprocess.DEVNULL)

    def off(self) -> bool:
        """Whether it is turned off."""
        return self.process is None or self.process.poll() is not None

    def end(self) -> None:
        """Pull the plug."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wake(self) -> None:
        """As somebody would who opens the lid, if it sleeps by now."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            with monitor.makefile("rw") as lines:
                lines.readline()
                for command in ("qmp_capabilities", "query-status", "system_wakeup"):
                    lines.write(json.dumps({"execute": command}) + "\n")
                    lines.flush()
                    answer = next(answer for answer in map(json.loads, lines) if "event" not in answer)
                    if command == "query-status" and answer["return"]["status"] != "suspended":
                        return
        self.sleeps = False

    def hear(self) -> bool:
        """Take note of what it has told since the last call, if anything."""
        text = (self.folder / "steps.log").read_bytes()
        end = text.rfind(b"\n") + 1
        new, self.read = text[self.read : end], max(end, self.read)
        lines = new.decode(errors="replace").splitlines()
        self.over = self.over or "over" in lines
        # UEFI clears the screens of all ports first.
        messages = [json.loads(line[line.index("{") :]) for line in lines if "{" in line]
        for message in messages:
            if "down" in message:
                self.down = _Down(message["down"], message["way"], message["hurry"], time.monotonic(), self.endings())
            elif "sleeps" in message:
                self.sleeps = message["sleeps"]
            elif "note" in message:
                print(f"{'':15}{message['note']}", flush=True)
            else:
                self.add(Outcome(**message))
        return bool(messages)

    def endings(self) -> int:
        """How often the kernel came to its end, or the machine was turned off with its memory on a disk."""
        text = (self.folder / "console.log").read_text(errors="replace")
        return sum(text.count(end) for end in _ENDS)

    def add(self, outcome: Outcome) -> None:
        """Note a step, and show it."""
        self.outcomes.append(outcome)
        print(_row(outcome), flush=True)


def _row(outcome: Outcome) -> str:
    first, *more = outcome.detail.strip().splitlines() or [""]
    row = f"{outcome.verdict:<4} {outcome.seconds:6.1f} s  {outcome.name}{f'  ({first})' if first else ''}"
    return "\n".join([row, *(f"{'':15}{line}" for line in more)])


def follow(machine: Machine) -> None:
    """Until the machine's end, or until it takes too long."""
    begun = stepped = time.monotonic()
    while True:
        off = machine.off()
        if machine.hear():
            stepped = time.monotonic()
        if machine.over:
            machine.add(Outcome("the next step", "FAIL", 0, "the steps ended; journal.log says why"))
            return
        if machine.down is not None and _is_down(machine, machine.down, off):
            if not _note_down(machine, machine.down):
                return
            stepped, machine.down, off = time.monotonic(), None, machine.off()
        if off:
            return
        if machine.sleeps:
            machine.wake()
        now = time.monotonic()
        if now - begun > _LONGEST or now - stepped > _STEP:
            machine.add(Outcome("the next step", "FAIL", now - stepped, "the machine says no more"))
            return
        time.sleep(0.2)


def _is_down(machine: Machine, down: _Down, off: bool) -> bool:
    """Whether it is, or takes too long. One that is started anew is off before; others restart by themselves."""
    restarted = down.way is None and machine.endings() > down.endings
    return off or restarted or time.monotonic() - down.since > _DOWN


def _note_down(machine: Machine, down: _Down) -> bool:
    """How it went down, and whether it goes on: it is started anew where that is up to us."""
    took, clean = time.monotonic() - down.since, machine.endings() > down.endings
    right = clean and (took <= machine.prompt or not down.hurry)
    detail = "" if right else f"it has to end within {machine.prompt:.0f} s" if clean else "it did not end by itself"
    machine.add(Outcome(down.name, "PASS" if right else "FAIL", took, detail))
    if clean and down.way is not None:
        machine.way = down.way
        machine.start()
    return clean


def assemble(course: str, disk: Disk, folder: Path, memory: int) -> Machine:
    """A machine with a disk of which it changes nothing."""
    overlay = folder / "overlay.qcow2"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk.image.resolve(), overlay], check=True
    )
    drives = [
        f"file={overlay},if=virtio,format=qcow2,cache=unsafe",
        f"file={pack(course, disk, folder)},if=virtio,format=raw,readonly=on",
    ]
    if COURSES[course].swap:
        swap = folder / "swap"
        with swap.open("wb") as opened:
            opened.truncate(_SWAP << 20)
        subprocess.run(["mkswap", "--quiet", "--label", "disk", swap], check=True)
        drives.append(f"file={swap},if=virtio,format=raw,cache=unsafe")
        shutil.copyfile(_VARIABLES, folder / "variables")
    logs = [folder / name for name in ("console.log", "steps.log", "journal.log")]
    for log in logs:
        log.write_bytes(b"")
    ports = [(f"port{number}", log) for number, log in enumerate(logs)]
    command: list[str | Path] = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
        "-accel", "tcg,thread=single", "-cpu", CPU, "-smp", "1", "-m", str(memory),
        "-kernel", disk.kernel, "-initrd", disk.initrd, "-device", "virtio-rng-pci",
        "-qmp", f"unix:{folder / 'monitor'},server=on,wait=off",
        *(word for drive in drives for word in ("-drive", drive)),
        *(word for name, log in ports for word in ("-chardev", f"file,id={name},path={log},append=on")),
        *(word for name, _ in ports for word in ("-serial", f"chardev:{name}")),
    ]  # fmt: skip
    return Machine(command, folder, COURSES[course].prompt)


def pack(course: str, disk: Disk, folder: Path) -> Path:
    """What the machine gets besides its disk: the steps, both packages and the simulated GPU's libraries."""
    gpu = fakegpu.build(folder / "gpu")
    out = folder / "payload.tar"
    with tarfile.open(out, "w") as tar:
        for name in FROM_TREE:
            tar.add(image.ROOT / name, name, filter=lambda info: None if "__pycache__" in info.name else info)
        for library in gpu.glob("*.so.1"):
            tar.add(library, f"gpu/{library.name}")
        (folder / "course").write_text(course)
        tar.add(folder / "course", "course")
        tar.add(disk.package, "vramswap.deb")
        tar.add(image.raised(disk.package, folder), "vramswap-newer.deb")
    return out


def _unsaid(folder: Path, course: Course) -> list[str]:
    text = (folder / "console.log").read_text(errors="replace")
    counts = {words: text.count(words) for words in course.said}
    return [f"{words}: {counts[words]} times, not {wanted}" for words, wanted in course.said.items()
            if counts[words] != wanted]  # fmt: skip


def _bad(folder: Path) -> list[str]:
    lines = [
        line
        for name in ("console.log", "journal.log")
        for line in (folder / name).read_text(errors="replace").splitlines()
    ]
    return [line.strip() for line in lines if any(bad in line for bad in _BAD)]


def take(course: str, memory: int) -> bool:
    """Whether everything in a course passed."""
    disk = image.make(COURSES[course].release)
    logs = image.WORK / course
    logs.mkdir(exist_ok=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="run-", dir=image.WORK) as name:
        folder = Path(name)
        machine = assemble(course, disk, folder, memory)
        machine.start()
        try:
            follow(machine)
        finally:
            machine.end()
            for log in folder.glob("*.log"):
                shutil.copy(log, logs / log.name)
        bad = _bad(folder) + _unsaid(folder, COURSES[course])
    machine.add(
        Outcome(
            f"the kernel and {COURSES[course].release.init} had no complaint",
            "FAIL" if bad else "PASS",
            0,
            "\n".join(bad[:10]),
        )
    )
    last = machine.outcomes[-2].name if len(machine.outcomes) > 1 else ""
    complete = last == "poweroff"
    passed = sum(outcome.verdict == "PASS" for outcome in machine.outcomes)
    failed = sum(outcome.verdict == "FAIL" for outcome in machine.outcomes) + (not complete)
    print(f"{course}: {passed} passed, {failed} failed")
    print(f"{time.monotonic() - begun:.0f} s; logs are in {logs.relative_to(image.ROOT)}", flush=True)
    return not failed


def main() -> int:
    """Make what is missing, run the machines, say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("course", nargs="*", default=list(COURSES), help=f"of {', '.join(COURSES)} (all)")
    parser.add_argument("--memory", type=int, default=MEMORY, help="MiB (%(default)s)")
    options = parser.parse_args()
    if unknown := set(options.course) - COURSES.keys():
        parser.error(f"no such course: {', '.join(sorted(unknown))}")
    # The machine must not outlive this program.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    need("vm-test", ("qemu-system-x86_64", "qemu-img", _CODE), "qemu-system-x86 qemu-utils ovmf")
    failed = [course for course in options.course if not take(course, options.memory)]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
