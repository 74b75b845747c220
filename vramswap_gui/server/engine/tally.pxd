# SPDX-License-Identifier: MIT
# What a worker counts: a row of 64-bit numbers in memory that the keeper reads without asking (see counters.py).
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #define highest_bit(n) (63 - __builtin_clzll(n))
    """
    int highest_bit(uint64_t) noexcept nogil

cdef enum:
    READS = 0
    WRITES = 1
    OTHERS = 2               # flush, trim, write zeroes, and what is refused
    ERRORS = 3
    BYTES_READ = 4
    BYTES_WRITTEN = 5
    BATCHES = 6
    COPIES = 7
    LATENCY = 8              # the first bucket: batches that took 2^n to 2^(n+1) ns until their copies were done
    BUCKETS = 40
    HEARTBEAT = 48           # how often the worker went round its loop, with work or because it was poked
    BYTES_DISCARDED = 49
    REREAD = 50              # pages that were not as they had been written, and were read once more
    DAMAGED = 51             # those that were wrong again: whoever wanted them got an error
    NO_ROOM = 52             # pages for which the pool had none
    HELPED = 53              # pages packed for another worker
    ROW = 64
    CLEANER = 64             # the row of who cleans the pool, behind those of the workers, has a heartbeat alone


cdef inline void count_batch(uint64_t *tally, uint64_t nanoseconds) noexcept nogil:
    """A batch is done."""
    tally[BATCHES] += 1
    tally[LATENCY + min(highest_bit(nanoseconds | 1), BUCKETS - 1)] += 1
