# SPDX-License-Identifier: MIT
# Latencies in nanoseconds, counted in 16 steps to each power of two: 6 % wide.
from libc.stdint cimport uint64_t

cdef enum:
    STEPS = 16
    BUCKETS = 48 * STEPS


cdef inline void note(uint64_t *histogram, uint64_t latency) noexcept nogil:
    cdef int power = 0
    cdef uint64_t value = latency
    while value >= 2 * STEPS:
        value >>= 1
        power += 1
    histogram[min(power * STEPS + <int>value, BUCKETS - 1)] += 1


cdef inline uint64_t bucket_start(int bucket) noexcept nogil:
    """The smallest latency that a bucket counts."""
    if bucket < 2 * STEPS:
        return bucket
    cdef int power = bucket // STEPS - 1
    return <uint64_t>(bucket - power * STEPS) << power
