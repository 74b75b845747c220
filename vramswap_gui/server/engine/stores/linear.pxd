# SPDX-License-Identifier: MIT
# A segment as it is: plain VRAM, page after page, and beside it in ordinary memory a sum of each page.
from libc.stdint cimport uint32_t, uint64_t

from vramswap_gui.server.engine.request cimport Store

cdef enum:
    # What a sum can say instead: nobody knows it; a write of the page is under way, and no second one begins; or the page
    # is lost, and is so until a write of all of it, which may be under way, is done. Sums that come out as such a number, or
    # as one kept for later, are moved out of the way.
    UNKNOWN = 0
    WRITING = 1
    HURT = 2                 # it came back wrong, twice: what it held is lost, and its place is not to be trusted
    MENDING = 3              # both
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
    # Pages in ordinary memory for those whose places in VRAM are bad, and for each of them a word: 0, or whose it is, counted
    # from one. Shared as the sums are.
    uint64_t *owner
    unsigned char *spare
    int spares
    uint64_t moved           # up to the last one that has an owner
    uint32_t claims[CLAIMS]

# Without `sums` nothing is verified. `owner`: of so many spare pages, which begin a page behind it; or NULL.
cdef void open_linear(
    LinearStore *self, uint64_t base, uint64_t size, const unsigned char *zeroes, uint32_t *sums, uint64_t *owner, int spares
) noexcept nogil
