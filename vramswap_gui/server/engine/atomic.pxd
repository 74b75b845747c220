# Words that a worker and Python's thread share.
cdef extern from *:
    """
    #define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    """
    int load_acquire(int *) nogil
    void store_release(int *, int) nogil
