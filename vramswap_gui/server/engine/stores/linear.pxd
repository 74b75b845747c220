# SPDX-License-Identifier: MIT
# A segment as it is: plain VRAM, page after page, and beside it in ordinary memory a sum of each page.
from libc.stdint cimport uint32_t, uint64_t

from vramswap_gui.server.engine.request cimport Store

cdef enum:
    # What a word can say in place of a page's sum: nobody knows it; or the page came back wrong, twice: what it held is lost
    # until a write of all of it is done, and its place is not to be trusted. Sums that come out as such a number, or as one
    # kept for later, are moved out of the way.
    UNKNOWN = 0
    HURT = 2
    # What an earlier version has in place of the latter while the page is written.
    MENDING = 3
    SUMS = 256
    # Pages of a word of claims.
    TOGETHER = 64

cdef struct LinearStore:
    Store store
    uint64_t base            # device address
    uint64_t size
    bint begun
    const unsigned char *zeroes
    # The pages' sums, shared with the engines before and after, and with the keeper; NULL where nothing is verified.
    uint32_t *sums
    # Pages in ordinary memory for those whose places in VRAM are bad, and for each of them a word: 0, or whose it is, counted
    # from one. Shared as the sums are.
    uint64_t *owner
    unsigned char *spare
    int spares
    uint64_t moved           # up to the last one that has an owner
    # A bit for each page that a request writes, or is about to: as many words as that takes. The engine's own, for its
    # requests end with it.
    uint64_t claims[1]

# Bytes of the store of so many bytes of VRAM, with its claims.
cdef size_t linear_store_size(uint64_t size) noexcept nogil

# The store is zeroes, and not all of it need be there yet. Without `sums` nothing is verified. `owner`: of so many spare
# pages, which begin a page behind it; or NULL.
cdef void open_linear(
    LinearStore *self, uint64_t base, uint64_t size, const unsigned char *zeroes, uint32_t *sums, uint64_t *owner, int spares
) noexcept nogil
