# SPDX-License-Identifier: MIT
# A segment as it is: plain VRAM, page after page, and beside it in ordinary memory a sum of each page.
from libc.stdint cimport uint32_t, uint64_t

from vramswap_gui.server.engine.request cimport Store

cdef enum:
    # What a sum can say instead: nobody knows it; or a write of the page is under way, and no second one begins. Sums that
    # come out as such a number, or as one kept for later, are moved out of the way.
    UNKNOWN = 0
    WRITING = 1
    SUMS = 256
    # Where there are no sums, so many pages share a claim: more than one request has.
    CLAIMS = 4096

cdef struct LinearStore:
    Store store
    uint64_t base            # device address
    uint64_t size
    bint begun
    const unsigned char *zeroes
    # The pages' sums, shared with the engines before and after, and with the keeper; or only who claims which.
    uint32_t *sums
    uint64_t mask
    bint verified
    uint32_t claims[CLAIMS]

# Without `sums` nothing is verified.
cdef void open_linear(
    LinearStore *self, uint64_t base, uint64_t size, const unsigned char *zeroes, uint32_t *sums
) noexcept nogil
