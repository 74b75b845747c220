# SPDX-License-Identifier: MIT
"""``make vm-test``: the package in a machine with systemd. Prints a table of steps; the exit status is 0 if all passed.

The machine is emulated, because machines for tests are often virtual ones themselves. Logs are in build/vm:
``console.log`` (kernel and systemd), ``journal.log`` and ``steps.log``. What the steps do is in steps.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support import fakegpu
from tests.vm import image

#: MiB of memory of the machine.
MEMORY: Final = 1024
#: Seconds: a whole run, one step with the boot before it, and the way down.
_LONGEST: Final = 2400.0
_STEP: Final = 420.0
_DOWN: Final = 150.0
#: A way down that takes longer than this has failed: somebody waited for a time-out.
PROMPT: Final = 45.0

#: What the kernel prints last.
_ENDS: Final = ("reboot: Restarting system", "reboot: Power down")
#: What must not be in the kernel's or systemd's words, ever.
_BAD: Final = ("Kernel panic", "I/O error", "Read-error on swap-device", "Write-error on swap-device", "hung task",
               "blocked for more than", "Failed to deactivate swap", "swapoff failed", "Failed to remount")  # fmt: skip
_FROM_TREE: Final = (
    "tests/__init__.py", "tests/system/__init__.py", "tests/system/swapped.py", "tests/system/fill.py",
    "tests/vm", "vramswap_gui/__init__.py", "vramswap_gui/units.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step."""

    name: str
    verdict: str
    seconds: float
    detail: str = ""


@dataclass(slots=True)
class Machine:
    """A machine that runs, and what it has told so far."""

    process: subprocess.Popen[bytes]
    folder: Path
    outcomes: list[Outcome] = field(default_factory=list)
    read: int = 0

    def messages(self) -> list[dict[str, Any]]:
        """What it has told since the last call."""
        text = (self.folder / "steps.log").read_bytes()
        end = text.rfind(b"\n") + 1
        new, self.read = text[self.read : end], max(end, self.read)
        return [json.loads(line) for line in new.decode(errors="replace").splitlines() if line.startswith("{")]

    def endings(self) -> int:
        """How often the kernel came to its end."""
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
    down: tuple[str, float, int] | None = None
    while True:
        ended = machine.process.poll() is not None
        for message in machine.messages():
            stepped = time.monotonic()
            if "down" in message:
                down = (message["down"], stepped, machine.endings())
            else:
                machine.add(Outcome(**message))
        now = time.monotonic()
        if down is not None and (machine.endings() > down[2] or ended or now - down[1] > _DOWN):
            name, since, before = down
            took, clean = now - since, machine.endings() > before
            right = clean and took <= PROMPT
            detail = "" if right else f"it has to end within {PROMPT:.0f} s" if clean else "it did not end by itself"
            machine.add(Outcome(name, "PASS" if right else "FAIL", took, detail))
            if not clean:
                return
            stepped, down = now, None
        if ended:
            return
        if now - begun > _LONGEST or now - stepped > _STEP:
            machine.add(Outcome("the next step", "FAIL", now - stepped, "the machine says no more"))
            return
        time.sleep(0.2)


def boot(disk: image.Disk, folder: Path, payload: Path, memory: int) -> Machine:
    """Start a machine on a disk of which it changes nothing."""
    overlay = folder / "overlay.qcow2"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk.image.resolve(), overlay], check=True
    )
    logs = [folder / name for name in ("console.log", "steps.log", "journal.log")]
    for log in logs:
        log.write_bytes(b"")
    command: list[str | Path] = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
        "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(memory),
        "-kernel", disk.kernel, "-initrd", disk.initrd,
        "-append", "root=/dev/vda rw console=ttyS0 systemd.show_status=1 panic=10",
        "-drive", f"file={overlay},if=virtio,format=qcow2,cache=unsafe",
        "-drive", f"file={payload},if=virtio,format=raw,readonly=on",
        "-device", "virtio-rng-pci",
        *(word for log in logs for word in ("-serial", f"file:{log}")),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    return Machine(process, folder)


def pack(disk: image.Disk, folder: Path) -> Path:
    """What the machine gets besides its disk: the steps, both packages and the simulated GPU's libraries."""
    gpu = fakegpu.build(folder / "gpu")
    out = folder / "payload.tar"
    with tarfile.open(out, "w") as tar:
        for name in _FROM_TREE:
            tar.add(image.ROOT / name, name, filter=lambda info: None if "__pycache__" in info.name else info)
        for library in gpu.glob("*.so.1"):
            tar.add(library, f"gpu/{library.name}")
        tar.add(disk.package, "vramswap.deb")
        tar.add(image.raised(disk.package, folder), "vramswap-newer.deb")
    return out


def _bad(folder: Path) -> list[str]:
    lines = [
        line
        for name in ("console.log", "journal.log")
        for line in (folder / name).read_text(errors="replace").splitlines()
    ]
    return [line.strip() for line in lines if any(bad in line for bad in _BAD)]


def main() -> int:
    """Make what is missing, run the machine, say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", type=int, default=MEMORY, help="MiB (%(default)s)")
    options = parser.parse_args()
    # The machine must not outlive this program.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    for program in ("qemu-system-x86_64", "qemu-img"):
        if shutil.which(program) is None:
            raise SystemExit(f"vm-test: {program} is missing; run: apt-get install qemu-system-x86 qemu-utils")
    disk = image.make()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="run-", dir=image.WORK) as name:
        folder = Path(name)
        machine = boot(disk, folder, pack(disk, folder), options.memory)
        try:
            follow(machine)
        finally:
            machine.process.kill()
            machine.process.wait()
            for log in folder.glob("*.log"):
                shutil.copy(log, image.WORK / log.name)
        bad = _bad(folder)
    machine.add(Outcome("the kernel and systemd had no complaint", "FAIL" if bad else "PASS", 0, "\n".join(bad[:10])))
    last = machine.outcomes[-2].name if len(machine.outcomes) > 1 else ""
    complete = last == "poweroff"
    passed = sum(outcome.verdict == "PASS" for outcome in machine.outcomes)
    failed = sum(outcome.verdict == "FAIL" for outcome in machine.outcomes) + (not complete)
    print(f"{passed} passed, {failed} failed")
    print(f"{time.monotonic() - begun:.0f} s; logs are in {image.WORK.relative_to(image.ROOT)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
