# SPDX-License-Identifier: MIT
# Words that a worker and Python's thread share.
from libc.stdint cimport uint32_t, uint64_t

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

cdef extern from *:
    """
    #define load_long(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
    #define store_long(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
    #define swap_long(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
    #define add_long(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
    #define set_bits(p, v) __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
    #define clear_bits(p, v) __atomic_fetch_and((p), ~(v), __ATOMIC_SEQ_CST)
    #define change_long(p, before, after) \\
        __atomic_compare_exchange_n((p), (before), (after), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
    """
    # Of 64 bits, in one order for all threads: who writes one word and then looks at another sees what somebody wrote
    # there who did it the other way round, or is seen.
    uint64_t load_long(const uint64_t *) nogil
    void store_long(uint64_t *, uint64_t) nogil
    uint64_t swap_long(uint64_t *, uint64_t) nogil
    uint64_t add_long(uint64_t *, uint64_t) nogil
    uint64_t set_bits(uint64_t *, uint64_t) nogil
    uint64_t clear_bits(uint64_t *, uint64_t) nogil
    bint change_long(uint64_t *, uint64_t *before, uint64_t after) nogil
