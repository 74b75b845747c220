# SPDX-License-Identifier: MIT
# What a block holds in a generation: a template whose every sector begins with a stamp of block, generation and place.
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    SECTOR = 512


cdef inline uint64_t seed(uint64_t block, uint32_t generation) noexcept nogil:
    return (block * <uint64_t>0x9E3779B97F4A7C15) ^ (<uint64_t>generation * <uint64_t>0xC2B2AE3D27D4EB4F)


cdef inline void stamp(unsigned char *target, size_t size, uint64_t start) noexcept nogil:
    cdef size_t sector
    for sector in range(size // SECTOR):
        (<uint64_t *>(target + sector * SECTOR))[0] = start + sector


cdef inline bint matches(
    const unsigned char *data, size_t size, uint64_t start, const unsigned char *template
) noexcept nogil:
    cdef uint64_t found
    cdef size_t sector, place
    for sector in range(size // SECTOR):
        place = sector * SECTOR
        # Replies come at any alignment.
        memcpy(&found, data + place, 8)
        if found != start + sector or memcmp(data + place + 8, template + place + 8, SECTOR - 8) != 0:
            return False
    return True
