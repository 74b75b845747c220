# SPDX-License-Identifier: MIT
# A segment as it is: plain VRAM, page after page, and beside it in ordinary memory a sum of each page.
from libc.stdint cimport uint32_t, uint64_t

from vramswap_gui.server.engine.request cimport Store

cdef enum:
    PAGE = 4096
    # What a sum can say instead: nobody knows it; or so many writes of the page are under way, of which (CROWDED and
    # more) each may be the last, so that nobody will know. Sums that come out as such a number are moved out of the way.
    UNKNOWN = 0
    CROWDED = 128
    SUMS = 256

cdef struct LinearStore:
    Store store
    uint64_t base            # device address
    uint64_t size
    bint begun
    const unsigned char *zeroes
    # Shared with the engines before and after, and with the keeper; NULL: nothing is verified.
    uint32_t *sums

cdef void open_linear(
    LinearStore *self, uint64_t base, uint64_t size, const unsigned char *zeroes, uint32_t *sums
) noexcept nogil
# Before the first request, and when no engine before writes any more.
cdef void begin_linear(LinearStore *self) noexcept nogil
