# What batches and copies: everything a worker asks of CUDA between requests and their replies.
from libc.stdint cimport uint64_t, uintptr_t
from posix.unistd cimport _exit

from cuda.bindings cimport cydriver

cdef enum:
    MAX_COPIES = 512
    # From this many on, one call for all of them costs less than a call for each.
    BATCH_FROM = 2
    # The exit status by which the keeper knows that the CUDA context is beyond use.
    EXIT_CONTEXT_LOST = 70

cdef struct Copies:
    # One batch. Between launch() and finish() nothing that it names may change.
    cydriver.CUstream stream
    bint can_batch           # the driver has cuMemcpyBatchAsync
    bint failed
    int count
    uint64_t *tally          # of the worker whose batch it is (tally.pxd)
    cydriver.CUdeviceptr target[MAX_COPIES]
    cydriver.CUdeviceptr source[MAX_COPIES]
    size_t length[MAX_COPIES]
    bint inward[MAX_COPIES]  # from pinned memory to VRAM


cdef inline bint ok(cydriver.CUresult result) noexcept nogil:
    return result == cydriver.CUresult.CUDA_SUCCESS


cdef inline void add_copy(Copies *c, uint64_t target, uint64_t source, size_t length, bint inward) noexcept nogil:
    c.target[c.count] = target
    c.source[c.count] = source
    c.length[c.count] = length
    c.inward[c.count] = inward
    c.count += 1


cdef inline void copy_in(Copies *c, uint64_t address, const void *source, size_t length) noexcept nogil:
    """Add a copy from pinned memory to VRAM."""
    add_copy(c, address, <uint64_t><uintptr_t>source, length, True)


cdef inline void copy_out(Copies *c, void *target, uint64_t address, size_t length) noexcept nogil:
    """Add a copy from VRAM to pinned memory."""
    add_copy(c, <uint64_t><uintptr_t>target, address, length, False)


cdef inline void zero(Copies *c, uint64_t address, size_t length) noexcept nogil:
    """Enqueue zeroes over VRAM, at once."""
    if not ok(cydriver.cuMemsetD8Async(address, 0, length, c.stream)):
        c.failed = True


cdef inline bint enqueue(Copies *c, int i) noexcept nogil:
    if c.inward[i]:
        return ok(cydriver.cuMemcpyHtoDAsync(c.target[i], <void *><uintptr_t>c.source[i], c.length[i], c.stream))
    return ok(cydriver.cuMemcpyDtoHAsync(<void *><uintptr_t>c.target[i], c.source[i], c.length[i], c.stream))


cdef inline void launch(Copies *c) noexcept nogil:
    """Start the batch. Within it the order is free: NBD promises none among requests that are not answered yet."""
    cdef int i
    cdef size_t first = 0
    cdef cydriver.CUmemcpyAttributes attributes
    if c.count >= BATCH_FROM and c.can_batch:
        attributes.srcAccessOrder = cydriver.CUmemcpySrcAccessOrder_enum.CU_MEMCPY_SRC_ACCESS_ORDER_STREAM
        attributes.srcLocHint.type = <cydriver.CUmemLocationType>0
        attributes.dstLocHint.type = <cydriver.CUmemLocationType>0
        attributes.srcLocHint.id = 0
        attributes.dstLocHint.id = 0
        attributes.flags = 0
        if not ok(cydriver.cuMemcpyBatchAsync(
            c.target, c.source, c.length, c.count, &attributes, &first, 1, c.stream
        )):
            c.failed = True
        return
    for i in range(c.count):
        if not enqueue(c, i):
            c.failed = True


cdef inline void finish(Copies *c) noexcept nogil:
    """Wait until the batch is done, and done right: there is no failure to report.

    A batch that failed is tried once more, copy by copy. If that fails too the process ends without an answer to
    anybody: a fresh engine with a fresh context gets the same requests again and can serve them, whereas an error, once
    told to the kernel, is a lost page.
    """
    cdef int i
    if not ok(cydriver.cuStreamSynchronize(c.stream)):
        c.failed = True
    if c.failed:
        c.failed = False
        for i in range(c.count):
            if not enqueue(c, i):
                _exit(EXIT_CONTEXT_LOST)
        if not ok(cydriver.cuStreamSynchronize(c.stream)):
            _exit(EXIT_CONTEXT_LOST)
    c.count = 0
