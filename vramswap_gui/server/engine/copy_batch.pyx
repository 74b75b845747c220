# cython: boundscheck=False, wraparound=False, cdivision=True
"""How copies are done: everything that workers ask of CUDA between requests and their replies."""
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memset
from posix.unistd cimport _exit

from cuda.bindings cimport cydriver
from vramswap_gui.server.engine.clock cimport now


cdef inline bint ok(cydriver.CUresult result) noexcept nogil:
    return result == cydriver.CUresult.CUDA_SUCCESS


cdef inline bint copy_row(CopyBatch *batch, uint64_t device, uint64_t host, size_t width) noexcept nogil:
    if batch.inward:
        return ok(cydriver.cuMemcpyHtoDAsync(device, <void *><uintptr_t>host, width, batch.stream))
    return ok(cydriver.cuMemcpyDtoHAsync(<void *><uintptr_t>host, device, width, batch.stream))


cdef inline bint copy_rows(
    CopyBatch *batch, uint64_t device, uint64_t host, size_t width, size_t height, size_t stride
) noexcept nogil:
    cdef cydriver.CUDA_MEMCPY2D copy
    memset(&copy, 0, sizeof(copy))
    copy.WidthInBytes = width
    copy.Height = height
    if batch.inward:
        copy.srcMemoryType = cydriver.CUmemorytype_enum.CU_MEMORYTYPE_HOST
        copy.srcHost = <void *><uintptr_t>host
        copy.srcPitch = stride
        copy.dstMemoryType = cydriver.CUmemorytype_enum.CU_MEMORYTYPE_DEVICE
        copy.dstDevice = device
        copy.dstPitch = width
    else:
        copy.srcMemoryType = cydriver.CUmemorytype_enum.CU_MEMORYTYPE_DEVICE
        copy.srcDevice = device
        copy.srcPitch = width
        copy.dstMemoryType = cydriver.CUmemorytype_enum.CU_MEMORYTYPE_HOST
        copy.dstHost = <void *><uintptr_t>host
        copy.dstPitch = stride
    return ok(cydriver.cuMemcpy2DAsync(&copy, batch.stream))


cdef inline bint copy_run(CopyBatch *batch, const Run *run) noexcept nogil:
    """Copy a run by the copy engine."""
    if run.height > 1:
        return copy_rows(batch, run.device, run.host, run.width, run.height, run.stride)
    if batch.inward and run.width < ENGINE_FROM and run.width % 2 == 0:
        return copy_rows(batch, run.device, run.host, run.width // 2, 2, run.width // 2)
    return copy_row(batch, run.device, run.host, run.width)


cdef inline bint copy_many(CopyBatch *batch, int count) noexcept nogil:
    """Copy what was put into the lists of arguments, all in one call."""
    cdef cydriver.CUmemcpyAttributes attributes
    cdef size_t first = 0
    memset(&attributes, 0, sizeof(attributes))
    attributes.srcAccessOrder = cydriver.CUmemcpySrcAccessOrder_enum.CU_MEMCPY_SRC_ACCESS_ORDER_STREAM
    return ok(cydriver.cuMemcpyBatchAsync(
        batch.target, batch.source, batch.length, count, &attributes, &first, 1, batch.stream
    ))


cdef inline void ask(Channel *channel) noexcept nogil:
    """See whether the compute channel is free, without waiting for it."""
    cdef uint64_t at = now(), passed = at - channel.when
    if channel.asked:
        if cydriver.cuStreamQuery(channel.stream) == cydriver.CUresult.CUDA_ERROR_NOT_READY:
            if passed > ANSWERS_WITHIN:
                channel.free = False
                channel.late = True
            return
        channel.asked = False
        if channel.late:
            channel.late = False
            channel.pause = min(max(channel.pause * 2, <uint64_t>PAUSE_FROM), <uint64_t>PAUSE_TO)
            channel.when = at + channel.pause
            return
        channel.pause = 0
        channel.free = passed <= ANSWERS_WITHIN
        # An answer that nobody looked for in time says nothing; one that came is good for a while.
        channel.when = at + ASK_EVERY if channel.free else at
    if at >= channel.when:
        # What was true some time ago need not be so now: small copies go as rows until there is an answer.
        channel.free = channel.free and passed < 2 * ASK_EVERY
        channel.asked = ok(cydriver.cuMemsetD32Async(channel.word, 0, 1, channel.stream))
        channel.when = at


cdef void submit(CopyBatch *batch) noexcept nogil:
    """Start the batch. Within it the order is free: NBD promises none among requests that are not answered yet."""
    cdef int i, many = 0
    cdef Run *run
    cdef bint together = batch.can_batch and batch.count >= (BATCH_IN_FROM if batch.inward else BATCH_OUT_FROM)
    batch.began = now()
    if batch.inward and together:
        ask(batch.channel)
        together = batch.channel.free
    for i in range(batch.count):
        run = &batch.run[i]
        if together and run.height == 1:
            batch.target[many] = run.device if batch.inward else run.host
            batch.source[many] = run.host if batch.inward else run.device
            batch.length[many] = run.width
            many += 1
        elif not copy_run(batch, run):
            batch.failed = True
    if many and not copy_many(batch, many):
        batch.failed = True


cdef void do_again(CopyBatch *batch) noexcept nogil:
    """Copy everything once more, row by row, and wait for it.

    If that fails too the process ends without an answer to anybody: a fresh engine with a fresh context gets the same
    requests again and can serve them, whereas an error, once told to the kernel, is a lost page.
    """
    cdef int i
    cdef size_t row
    cdef Run *run
    for i in range(batch.count):
        run = &batch.run[i]
        for row in range(run.height):
            if not copy_row(batch, run.device + row * run.width, run.host + row * run.stride, run.width):
                _exit(EXIT_CONTEXT_LOST)
    if not ok(cydriver.cuStreamSynchronize(batch.stream)):
        _exit(EXIT_CONTEXT_LOST)


cdef bint poll(CopyBatch *batch) noexcept nogil:
    """Whether the batch is done, and done right: there is no failure to report. If so it is empty afterwards."""
    cdef cydriver.CUresult result = cydriver.cuStreamQuery(batch.stream)
    if result == cydriver.CUresult.CUDA_ERROR_NOT_READY:
        return False
    if batch.failed or not ok(result):
        do_again(batch)
    batch.failed = False
    batch.count = 0
    batch.copies = 0
    batch.bytes = 0
    return True
