# SPDX-License-Identifier: MIT
"""Runs a Python scenario as root under one of Debian's kernels, in an emulated machine whose root is this one's.

It is like that of uml.py, and what its scenarios see is the same. Emulated it is because machines for tests are often
virtual ones themselves; that takes some twenty times as long.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.system import debian_kernel, uml
from tests.system.debian_kernel import DebianKernel

#: All that can be emulated but fast string instructions, with which the kernel clears and copies pages byte by byte,
#: and multiplication without carries of many bytes, which is done bit by bit.
CPU: Final = "max,erms=off,fsrm=off,vpclmulqdq=off"
#: At its start the kernel looks whether its timer ticks, and panics where an emulated one does so too late on a busy
#: machine (Documentation/admin-guide/kernel-parameters.txt).
TIMELESS: Final = "no_timer_check"
#: A break on the serial line and a letter, each: have all of it on the console, the memory, who waits for what
#: (Documentation/admin-guide/sysrq.rst). Then the emulator's own word, which needs nobody in there.
_WHY: Final = (
    b"\x01b", b"8", b"\x01b", b"m", b"\x01b", b"w", b"\x01b", b"t", b"\x01cinfo registers -a\n",
)  # fmt: skip
_QEMU: Final = "qemu-system-x86_64"
_BUSYBOX: Final = Path("/bin/busybox")
_INITRD: Final = "initrd"
_TAG: Final = "host"

#: What the machine says before anything else, and how often it is started for that at most. A kernel that is emulated
#: beside much else ends now and then while it starts, by a fault where there is none, before any program.
_BEGAN: Final = "vramswap-guest-began"
_STARTS: Final = 3
#: Until the machine has its root. Its parameter names what comes then.
_INIT: Final = """\
#!/bin/busybox sh
echo {began}
for module in {modules}; do
    /bin/busybox insmod /$module.ko || exit 1
done
/bin/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=524288 {tag} /root
exec /bin/busybox switch_root /root "$1"
"""


def kernel(suite: str) -> DebianKernel:
    """A release's kernel; the test is skipped where it cannot be had."""
    if platform.machine() != "x86_64":
        pytest.skip("needs an x86-64 processor")
    found = debian_kernel.get(suite)
    if found is None:
        pytest.skip(f"needs a kernel from Debian's archive ({suite})")
    return found


def run(
    kernel: DebianKernel, scenario: str, *arguments: str, built: Path, memory: int = 448, vram: int = 72,
    limit: float = uml.LIMIT, counted: bool = False,
) -> uml.Result:  # fmt: skip
    """Run a scenario as :func:`uml.run` does; ``built`` is a folder that :func:`uml.build` has filled.

    ``counted``: on one processor, which takes a nanosecond of the guest's time for each instruction.
    """
    with uml.a_core(), tempfile.TemporaryDirectory(prefix="vramswap-qemu-") as name:
        folder = Path(name)
        init = folder / "init"
        init.write_text(uml.init_script([scenario, *arguments], folder, built, None, vram), encoding="utf-8")
        init.chmod(0o755)
        (folder / _INITRD).write_bytes(_archive(_initrd(kernel)))
        command = _command(kernel, folder, init, memory, counted)
        for _ in range(_STARTS):
            result = uml.boot(command, os.environ, folder / "console", limit, keys=_WHY)
            if _BEGAN in result.output:
                break
        return result


def _command(kernel: DebianKernel, folder: Path, init: Path, memory: int, counted: bool) -> list[str | Path]:
    qemu = shutil.which(_QEMU)
    assert qemu, f"{_QEMU} is not there; `make test` installs it (packaging/debian-packages.txt)"
    share = "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
    processors = ["-smp", "1", "-icount", "shift=0"] if counted else ["-smp", "2"]
    # One thread for both processors. With one for each, a kernel once ended as it booted, before any program of ours;
    # it may have been its code, which it changes then and which was run as it was before.
    return [
        qemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", "tcg,thread=single",
        "-cpu", CPU, *processors, "-m", str(memory), "-no-reboot", "-serial", "mon:stdio",
        "-kernel", kernel.image, "-initrd", folder / _INITRD,
        "-append", f"console=ttyS0 quiet panic=-1 sysrq_always_enabled {TIMELESS} -- {init}",
        "-fsdev", share, "-device", f"virtio-9p-pci,fsdev=root,mount_tag={_TAG}", "-device", "virtio-rng-pci",
    ]  # fmt: skip


def _initrd(kernel: DebianKernel) -> Mapping[str, bytes | None]:
    files: dict[str, bytes | None] = {"bin": None, "root": None, "bin/busybox": _BUSYBOX.read_bytes()}
    names = " ".join(module.stem for module in kernel.modules)
    files["init"] = _INIT.format(began=_BEGAN, modules=names, tag=_TAG).encode()
    return files | {module.name: module.read_bytes() for module in kernel.modules}


def _archive(files: Mapping[str, bytes | None]) -> bytes:
    """An initramfs: folders (None) and programs, in the format of ``cpio -H newc``.

    Source: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    out = bytearray()
    for name, data in (*files.items(), ("TRAILER!!!", b"")):
        mode = 0o040755 if data is None else 0o100755
        title = name.encode() + b"\0"
        fields = (0, mode, 0, 0, 1, 0, len(data or b""), 0, 0, 0, 0, len(title), 0)
        out += b"070701" + b"".join(b"%08X" % value for value in fields) + title
        out += bytes(-len(out) % 4)
        out += data or b""
        out += bytes(-len(out) % 4)
    return bytes(out)
