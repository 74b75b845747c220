# SPDX-License-Identifier: MIT
"""The kernel that copies many scattered pages at once, in a few microseconds where the copy engine takes one for each.

Compiling takes the driver's compiler, a large library that an engine with locked memory had better not load: that is
for a process which ends afterwards, and what comes out is for every engine on the same GPU.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any, Final

from cuda.bindings import driver

from vramswap_gui.errors import VramswapError
from vramswap_gui.server.engine.vram import Vram

#: The kernel's name in what :func:`compile_copy_kernel` gives.
NAME: Final = b"copy"

#: PTX for the oldest GPU that the supported drivers run, from which the driver compiles for the one at hand. A block
#: of threads does one copy: an entry of the list is target, source and bytes, 64 bits each. All of them are multiples
#: of 4, since what comes from a socket is aligned to no more; four loads of each thread are under way at a time.
PTX: Final = b"""
.version 5.0
.target sm_52
.address_size 64

.visible .entry copy(.param .u64 list)
{
    .reg .u64 %entry, %target, %source, %bytes, %place, %ahead, %from, %to;
    .reg .u32 %block, %thread, %word<4>;
    .reg .pred %some;

    ld.param.u64 %entry, [list];
    mov.u32 %block, %ctaid.x;
    mul.wide.u32 %place, %block, 24;
    add.u64 %entry, %entry, %place;
    ld.global.u64 %target, [%entry];
    ld.global.u64 %source, [%entry+8];
    ld.global.u64 %bytes, [%entry+16];
    mov.u32 %thread, %tid.x;
    mul.wide.u32 %place, %thread, 4;
four:
    add.u64 %ahead, %place, 3072;
    setp.lt.u64 %some, %ahead, %bytes;
    @!%some bra one;
    add.u64 %from, %source, %place;
    add.u64 %to, %target, %place;
    ld.global.u32 %word0, [%from];
    ld.global.u32 %word1, [%from+1024];
    ld.global.u32 %word2, [%from+2048];
    ld.global.u32 %word3, [%from+3072];
    st.global.u32 [%to], %word0;
    st.global.u32 [%to+1024], %word1;
    st.global.u32 [%to+2048], %word2;
    st.global.u32 [%to+3072], %word3;
    add.u64 %place, %place, 4096;
    bra four;
one:
    setp.lt.u64 %some, %place, %bytes;
    @!%some bra done;
    add.u64 %from, %source, %place;
    add.u64 %to, %target, %place;
    ld.global.u32 %word0, [%from];
    st.global.u32 [%to], %word0;
    add.u64 %place, %place, 1024;
    bra one;
done:
    ret;
}
"""


class _Failed(Exception):
    """A call of the driver's did not do what it should."""


def compile_copy_kernel(gpu: str = "") -> bytes | None:
    """The kernel for the GPU named ``gpu`` (as in :class:`Vram`), or None when this driver cannot make it.

    It opens a context and loads the compiler: to be called in a process that ends soon.
    """
    try:
        vram = Vram(gpu)
    except VramswapError:
        return None
    try:
        return _link()
    except _Failed:
        return None
    finally:
        with contextlib.suppress(VramswapError):
            vram.close()


def _call(result: tuple[Any, ...]) -> Any:
    if result[0] != driver.CUresult.CUDA_SUCCESS:
        raise _Failed
    return result[1:]


def _link() -> bytes:
    (state,) = _call(driver.cuLinkCreate(0, [], []))
    try:
        # The driver wants the text's final zero.
        text = PTX + b"\0"
        _call(driver.cuLinkAddData(state, driver.CUjitInputType.CU_JIT_INPUT_PTX, text, len(text), NAME, 0, [], []))
        made, size = _call(driver.cuLinkComplete(state))
        # It is the state's, and ends with it.
        return ctypes.string_at(int(made), int(size))
    finally:
        driver.cuLinkDestroy(state)
