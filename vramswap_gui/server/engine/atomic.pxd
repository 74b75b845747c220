# SPDX-License-Identifier: MIT
# Words that a worker and Python's thread share.
from libc.stdint cimport uint32_t

cdef extern from *:
    """
    #define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define load_word(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define store_word(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define exchange_if(p, before, after) \\
        __atomic_compare_exchange_n((p), (before), (after), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
    """
    int load_acquire(int *) nogil
    void store_release(int *, int) nogil
    # The same of a word that is shared with other processes too. The last one changes it if it is still as `before`,
    # else it puts there what it found.
    uint32_t load_word(const uint32_t *) nogil
    void store_word(uint32_t *, uint32_t) nogil
    bint exchange_if(uint32_t *, uint32_t *before, uint32_t after) nogil
