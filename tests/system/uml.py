# SPDX-License-Identifier: MIT
"""Runs a Python scenario as root under a real kernel: User-Mode Linux, whose root is this machine's, read-only.

The guest sees the checkout, its virtual environment and the installed programs under their own paths. It has fresh
``/dev``, ``/proc``, ``/sys``, ``/run`` and ``/tmp``, the NBD driver, and a simulated GPU whose VRAM is in memory that
cannot be swapped.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.support import fakegpu
from tests.system import uml_kernel
from tests.system.uml_kernel import UmlKernel

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
GPU_DIR: Final = "/run/gpu"
#: What is below a folder that build() has filled.
_GPU: Final = "gpu-libraries"
_PRELOAD: Final = "xstate.so"
_FIRST: Final = "first"
#: Seconds after which a guest hangs: many times what any takes on a busy machine.
LIMIT: Final = 1500.0
#: Seconds after which what a scenario waits for is not coming any more. Where memory is short, and the machine is
#: emulated beside others, each program takes its time to begin.
PATIENCE: Final = 600.0
#: From one key to the next, so that a guest beside others has taken it, and answered.
_KEY_SECONDS: Final = 2.0
#: What the init prints as its last line, followed by the scenario's exit status.
_STATUS: Final = "vramswap-scenario-status"
#: KiB that the guest's kernel keeps free, for what must not wait for pages to be swapped out.
_RESERVE: Final = 12 << 10
#: Tells a scenario where the modules of its kernel are.
MODULES: Final = "GUEST_MODULES"

#: A path below /tmp is bound to a place in /run first, and back to its own once the guest has a /tmp of its own.
_INIT: Final = """\
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LC_ALL=C.UTF-8
prepare() {{
    set -e
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mountpoint -q /dev || mount -t devtmpfs dev /dev
    mkdir -p /dev/shm /dev/pts
    mount -t tmpfs shm /dev/shm
    mount -t devpts pts /dev/pts
    mount -t tmpfs -o mode=755 run /run
    mkdir /run/gpu /run/lock
    mount -t ramfs gpu /run/gpu
    number=0
    for path in {below_tmp}; do
        number=$((number + 1))
        mkdir -p /run/host/$number
        mount --bind "$path" /run/host/$number
    done
    mount -t tmpfs -o mode=1777 tmp /tmp
    number=0
    for path in {below_tmp}; do
        number=$((number + 1))
        mkdir -p "$path"
        mount --bind /run/host/$number "$path"
    done
    ip link set lo up 2>/dev/null || true
    # The default suits this little memory, 2 MiB, and then the server starves; a usual machine keeps 32 MiB or more.
    echo {reserve} >/proc/sys/vm/min_free_kbytes
    {modules}
    cd {root}
}}
prepare
exec {first} {status} {environment} {command}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A scenario's exit status, None when it did not get that far, and all that was on the console."""

    status: int | None
    output: str


def build(out: Path) -> None:
    """Compile into ``out`` what a guest needs: the simulated GPU, and what has the kernel start on this processor.

    And in their places the programs, which a guest, where that takes longest, has no place to keep.
    """
    fakegpu.build(out / _GPU)
    subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "vramswap_gui", ROOT / "tests"], check=True)
    # Makes linux.uml work on processors with more state than it knows, or less.
    compiler, source = os.environ.get("CC", "cc"), str(HERE / "xstate.c")
    options = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *options, "-o", out / _PRELOAD, source], check=True)
    subprocess.run([compiler, "-O2", "-static", "-Wall", "-o", out / _FIRST, str(HERE / "first.c")], check=True)


def run(
    scenario: str | Path, *arguments: str, memory: int = 288, vram: int = 72, disk: int = 0, limit: float = LIMIT,
    built: Path | None = None, kernel: UmlKernel | None = None,
) -> Result:  # fmt: skip
    """Run a scenario, a module's name or a script, in a guest with ``memory`` MiB and a GPU with ``vram`` MiB.

    Simulated VRAM takes guest memory as it is allocated. With ``disk`` there is a /dev/ubda of so many MiB, which are
    taken from this machine's disk as they are written. A guest that is not done after ``limit`` seconds is killed and
    has no status. ``built``: a folder that :func:`build` has filled; None: it is done for this run. ``kernel``: None
    for the newest.
    """
    kernel = kernel or uml_kernel.newest()
    with a_core(), tempfile.TemporaryDirectory(prefix="vramswap-uml-") as name:
        folder = Path(name)
        if built is None:
            built = folder
            build(built)
        init = folder / "init"
        init.write_text(init_script([scenario, *arguments], folder, built, kernel, vram), encoding="utf-8")
        init.chmod(0o755)
        parameters = [*_parameters(folder, init, memory), *kernel.parameters]
        if disk:
            image = folder / "disk"
            with image.open("wb") as file:
                file.truncate(disk << 20)
            parameters.append(f"ubda={image}")
        # Its memory is a file, in /dev/shm unless one of these says otherwise; on a disk, all of it would be written.
        environment = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "TMP", "TEMP")}
        environment["LD_PRELOAD"] = str(built / _PRELOAD)
        environment.update(kernel.environment)
        return boot([kernel.program, *parameters], environment, folder / "console", limit, kernel.folder)


@contextlib.contextmanager
def a_core() -> Iterator[None]:
    """Wait until fewer kernels run than there are cores, in all runs of these tests: more would only be slower."""
    folder = Path(tempfile.gettempdir()) / f"vramswap-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as opened:
        slots = [opened.enter_context((folder / f"{n}").open("w")) for n in range(len(os.sched_getaffinity(0)))]
        while not any(_taken(slot) for slot in slots):
            time.sleep(0.5)
        yield


def _taken(slot: IO[str]) -> bool:
    try:
        fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parameters(folder: Path, init: Path, memory: int) -> list[str]:
    return [
        f"mem={memory}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}", "quiet",
        "panic=-1", f"uml_dir={folder}", "con=null", "con0=fd:0,fd:1",
    ]  # fmt: skip


def init_script(command: list[str | Path], folder: Path, built: Path, kernel: UmlKernel | None, vram: int) -> str:
    """The guest's first program, a shell script. ``kernel``: whose NBD driver is loaded before."""
    scenario, *arguments = command
    environment = {
        "LD_LIBRARY_PATH": str(built / _GPU),
        "FAKEGPU_DIR": GPU_DIR,
        "FAKEGPU_VRAM": str(vram << 20),
        "PYTHONDONTWRITEBYTECODE": "1",
        # The programs are this checkout's, also in a copy of the one that is installed.
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TEST_PATIENCE": f"{PATIENCE:g}",
    }
    if kernel is not None:
        environment[MODULES] = str(kernel.modules)
    start = [str(scenario)] if isinstance(scenario, Path) else ["-m", scenario]
    return _INIT.format(
        below_tmp=shlex.join(_below_tmp([folder, built, ROOT, Path(sys.prefix), Path(sys.base_prefix)])),
        modules=f"insmod {shlex.quote(str(kernel.module('nbd')))}" if kernel is not None else "true",
        root=shlex.quote(str(ROOT)),
        environment=shlex.join(["env", *(f"{key}={value}" for key, value in environment.items())]),
        command=shlex.join([sys.executable, *start, *map(str, arguments)]),
        first=shlex.quote(str(built / _FIRST)),
        status=_STATUS,
        reserve=_RESERVE,
    )


def _below_tmp(paths: Iterable[Path]) -> list[str]:
    """The outermost of ``paths`` that are below /tmp."""
    found = sorted({path.resolve() for path in paths if path.resolve().is_relative_to("/tmp")})
    return [str(path) for path in found if not any(path.is_relative_to(other) for other in found if other != path)]


def boot(
    command: Sequence[str | Path], environment: Mapping[str, str], console: Path, limit: float,
    folder: Path | None = None, keys: Sequence[bytes] = (),
) -> Result:  # fmt: skip
    """Run a guest from power on to power off, in a working folder if that matters.

    ``keys``: what is put in, one after the other, once the limit is reached; then it is killed.
    """
    with console.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE if keys else subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
    end = ""
    try:
        if status := process.wait(limit):
            end = f"\n(the guest's kernel ended with {status})\n"
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            for key in keys:
                assert process.stdin is not None
                process.stdin.write(key)
                time.sleep(_KEY_SECONDS)
        end = f"\n(the guest was killed after {limit:.0f} seconds)\n"
    finally:
        # The guest's processes are processes of the host, in this group; a kernel that panics leaves some behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
    output = console.read_text(errors="replace").replace("\r\n", "\n") + end
    found = re.search(rf"^{_STATUS} (\d+)\s*$", output, re.MULTILINE)
    return Result(int(found[1]) if found else None, output)
