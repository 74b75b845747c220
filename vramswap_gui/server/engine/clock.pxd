# SPDX-License-Identifier: MIT
# Nanoseconds since some moment, never backwards (clock_gettime(2)), and until another (nanosleep(2)).
from libc.stdint cimport uint64_t

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    cdef struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int, timespec *)
    int nanosleep(const timespec *, timespec *)
    enum: CLOCK_MONOTONIC


cdef inline uint64_t now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * <uint64_t>1000000000 + <uint64_t>t.tv_nsec


cdef inline void pause(long nanoseconds) noexcept nogil:
    """Sleep for less than a second."""
    cdef timespec length
    length.tv_sec = 0
    length.tv_nsec = nanoseconds
    nanosleep(&length, NULL)
