# SPDX-License-Identifier: MIT
"""The copy kernel: compiled once, taken where it is the faster way, and never missed where it cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.alone import said
from tests.support.fakegpu import FakeGpu
from tests.support.server import Server, ask, is_running, running
from tests.support.waiting import wait_for

_COMPILE = """
from vramswap_gui.server.engine.copy_kernel import compile_copy_kernel
print(compile_copy_kernel())
"""

#: An engine with one worker and one connection, under a load that is checked; says what it chose.
_ENGINE = """
import socket, sys
from pathlib import Path
from vramswap_gui.bench.load import Generator
from tests.support.fakegpu import FakeGpu
from tests.support.server import wait_for
from vramswap_gui.bench.results import Load
from vramswap_gui.server.engine.copy_kernel import compile_copy_kernel
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.supervisor.counters import Counters

gpu = FakeGpu(Path(sys.argv[1]), Path())
cubin = {"compiled": compile_copy_kernel, "none": bytes, "foreign": lambda: b"of another GPU"}[sys.argv[2]]()
vram, counters, size = Vram(), Counters(), 16 << 20
engine = Engine(vram.context, 1, vram.can_batch, counters.address, cubin=cubin)
mapping, _ = vram.create(size)
engine.add_segment(0, mapping.base, mapping.size)
ours, theirs = socket.socketpair()
engine.add_connection(0, theirs.detach())
generator = Generator([ours.fileno()], size, 4096)


def kernels(write_percent):
    before = gpu["kernels"]
    generator.run(Load(4096, 64, write_percent, 60, requests=2000))
    return gpu["kernels"] - before


print(engine.kernel_from)
if engine.kernel_from:
    # A copy that the system kept waiting looks like one that another program did.
    wait_for(lambda: kernels(100), "the kernel to write")
    wait_for(lambda: kernels(0), "the kernel to read")
    gpu["computing_us"] = 100_000
    kernels(100)
    assert kernels(70) == 0
    gpu["computing_us"] = 0
    wait_for(lambda: kernels(50), "the kernel to be taken again")
else:
    assert kernels(50) == 0
ours.close()
engine.close()
"""


def run(gpu: FakeGpu, program: str, *arguments: str) -> str:
    return said(gpu, "-c", program, gpu.folder, *arguments).strip()


def test_it_is_compiled_where_the_driver_can(gpu: FakeGpu) -> None:
    assert run(gpu, _COMPILE).startswith("b'a cubin")
    gpu["no_compiler"] = 1
    assert run(gpu, _COMPILE) == "None"
    gpu["no_compiler"], gpu["no_device"] = 0, 1
    assert run(gpu, _COMPILE) == "None"


def test_it_is_taken_where_it_is_faster(gpu: FakeGpu) -> None:
    gpu["slow_lists_us"] = 10
    chosen = run(gpu, _ENGINE, "compiled")
    assert all(2 <= int(number) <= 16 for number in chosen.strip("()").split(", "))


@pytest.mark.parametrize("cubin", ["none", "foreign"])
def test_without_it_all_works(gpu: FakeGpu, cubin: str) -> None:
    assert run(gpu, _ENGINE, cubin) == "None"


def has_it(gpu: FakeGpu, folder: Path, doing: Any = None) -> bool:
    """Whether the engine of a server, started anew, copies with it."""
    control = folder / "control.sock"
    with running(gpu, control, "--control", str(control), "--attach", str(folder)) as server:
        if doing is not None:
            doing(server)
        wait_for(lambda: is_running(control), "an engine")
        return bool(ask(control, "status")["gpu"]["kernel"])


def test_it_is_compiled_once_a_boot(gpu: FakeGpu, tmp_path: Path) -> None:
    assert has_it(gpu, tmp_path)
    gpu["no_compiler"] = 1
    assert has_it(gpu, tmp_path, Server.kill_engine), "the next engine has it too, and so has the next server"
    for file in tmp_path.glob("copy-kernel-*"):
        file.write_bytes(b"of another GPU")
    assert not has_it(gpu, tmp_path)
    for file in tmp_path.glob("copy-kernel-*"):
        file.unlink()
    assert not has_it(gpu, tmp_path)
    assert not list(tmp_path.glob("*copy-kernel-*"))
