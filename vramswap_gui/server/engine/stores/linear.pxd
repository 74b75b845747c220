# A segment as it is: plain VRAM, page after page.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.request cimport Store

cdef struct LinearStore:
    Store store
    uint64_t base            # device address
    const unsigned char *zeroes

cdef void open_linear(LinearStore *self, uint64_t base, const unsigned char *zeroes) noexcept nogil
