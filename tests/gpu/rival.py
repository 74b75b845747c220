# SPDX-License-Identifier: MIT
"""Another program on the GPU: ``python -m tests.gpu.rival compute|render FILE``, until it is ended.

FILE's first eight bytes count the kernels that were finished, or the frames: what we cost that program shows there.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

#: Kernels that are under way at a time, so that the GPU never waits for the host.
QUEUED: Final = 4
#: Clock cycles that a kernel takes: about 1.7 ms at full clocks.
CYCLES: Final = 3_000_000
BLOCKS: Final = 4096

_SPIN: Final = b"""
.version 6.0
.target sm_52
.address_size 64
.visible .entry spin(.param .u64 cycles)
{
    .reg .u64 %wanted, %start, %now, %passed;
    .reg .pred %more;
    ld.param.u64 %wanted, [cycles];
    mov.u64 %start, %clock64;
again:
    mov.u64 %now, %clock64;
    sub.u64 %passed, %now, %start;
    setp.lt.u64 %more, %passed, %wanted;
    @%more bra again;
    ret;
}
"""


def compute(done: Callable[[], None]) -> None:
    """Keep every multiprocessor busy, without a pause."""
    from cuda.bindings import driver

    def call(result: tuple[Any, ...]) -> Any:
        assert result[0] == driver.CUresult.CUDA_SUCCESS, result[0]
        return result[1] if len(result) > 1 else None

    call(driver.cuInit(0))
    call(driver.cuCtxSetCurrent(call(driver.cuDevicePrimaryCtxRetain(0))))
    kernel = call(driver.cuModuleGetFunction(call(driver.cuModuleLoadData(_SPIN)), b"spin"))
    stream = call(driver.cuStreamCreate(driver.CUstream_flags.CU_STREAM_NON_BLOCKING))
    events = [call(driver.cuEventCreate(driver.CUevent_flags.CU_EVENT_DISABLE_TIMING)) for _ in range(QUEUED)]
    number = 0
    while True:
        if number >= QUEUED:
            call(driver.cuEventSynchronize(events[number % QUEUED]))
            done()
        call(driver.cuLaunchKernel(kernel, BLOCKS, 1, 1, 128, 1, 1, 0, stream, ((CYCLES,), (ctypes.c_uint64,)), 0))
        call(driver.cuEventRecord(events[number % QUEUED], stream))
        number += 1


def render(done: Callable[[], None], milliseconds: float) -> None:
    """Draw frames of about so long each, one after the other, through EGL."""
    import moderngl

    context = moderngl.create_context(standalone=True, backend="egl")
    program = context.program(
        vertex_shader="""
            #version 330
            void main() { gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0); }
        """,
        fragment_shader="""
            #version 330
            uniform int rounds;
            out vec4 colour;
            void main() {
                float x = gl_FragCoord.x;
                for (int i = 0; i < rounds; i++) x = sin(x) * 1.5 + gl_FragCoord.y * 0.001;
                colour = vec4(x);
            }
        """,
    )
    target = context.simple_framebuffer((2048, 2048))
    target.use()
    array = context.vertex_array(program, [])

    def frame(rounds: int) -> float:
        program["rounds"] = rounds
        began = time.monotonic()
        array.render(moderngl.TRIANGLES, vertices=3)
        context.finish()
        return (time.monotonic() - began) * 1e3

    rounds = 64
    for _ in range(20):
        frame(64)
    while (took := frame(rounds)) < milliseconds / 2:
        rounds *= 2
    rounds = max(1, int(rounds * milliseconds / took))
    print(f"a frame takes {frame(rounds):.1f} ms", file=sys.stderr)
    while True:
        frame(rounds)
        done()


def main(what: str, file: str, milliseconds: str = "7") -> None:
    """The whole program."""
    Path(file).write_bytes(bytes(8))
    with Path(file).open("r+b") as opened:
        counter = mmap.mmap(opened.fileno(), 8)

    def done() -> None:
        struct.pack_into("=Q", counter, 0, struct.unpack_from("=Q", counter, 0)[0] + 1)

    if what == "compute":
        compute(done)
    else:
        render(done, float(milliseconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
