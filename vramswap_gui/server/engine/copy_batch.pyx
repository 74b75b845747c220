# SPDX-License-Identifier: MIT
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
    """Have a word set by the compute channel, if that is due, to see how long it takes. Nobody waits for it."""
    cdef uint64_t at = now()
    if not channel.asked and at >= channel.ask_next:
        channel.asked = ok(cydriver.cuMemsetD32Async(channel.word, 0, 1, channel.stream))
        channel.asked_at = at


cdef void hear(Channel *channel) noexcept nogil:
    """See whether the word is set by now."""
    cdef uint64_t at = now(), passed = at - channel.asked_at
    if cydriver.cuStreamQuery(channel.stream) == cydriver.CUresult.CUDA_ERROR_NOT_READY:
        if passed > ANSWERS_WITHIN:
            channel.late = True
            channel.free_until = 0
        return
    channel.asked = False
    if channel.late:
        channel.late = False
        channel.pause = min(max(channel.pause * 2, <uint64_t>PAUSE_FROM), <uint64_t>PAUSE_TO)
        channel.ask_next = at + channel.pause
    elif passed <= ANSWERS_WITHIN:
        channel.pause = 0
        channel.free_until = at + FREE_FOR
        channel.ask_next = at + ASK_EVERY
    # Else nobody looked in time, and it says nothing.


cdef inline bint is_small(const Run *run) noexcept nogil:
    return run.width < ENGINE_FROM


cdef int list_rows(CopyBatch *batch, const Run *run, int count) noexcept nogil:
    """Put a run on the kernel's list, unless there is no room or its words are not aligned; returns the list's length."""
    cdef uint64_t device, host
    cdef size_t row
    if count + run.height > MAX_LISTED or (run.device | run.host | run.width | run.stride) % 4:
        return count
    for row in range(run.height):
        device = run.device + row * run.width
        host = run.host + row * run.stride
        batch.listed[count].target = device if batch.inward else host
        batch.listed[count].source = host if batch.inward else device
        batch.listed[count].length = run.width
        count += 1
    return count


cdef inline bint launch(CopyBatch *batch, int count) noexcept nogil:
    """Copy what was put on the kernel's list."""
    cdef void *arguments[1]
    arguments[0] = &batch.listed
    return ok(cydriver.cuLaunchKernel(batch.kernel, count, 1, 1, THREADS, 1, 1, 0, batch.stream, arguments, NULL))


cdef void submit(CopyBatch *batch) noexcept nogil:
    """Start the batch. Within it the order is free: NBD promises none among requests that are not answered yet.

    Many small copies go to the kernel, or in one call, which for copies into VRAM is the compute channel's as well; both
    only while nobody else uses that channel. Everything else is the copy engine's.
    """
    cdef int i, before, scattered = 0, many = 0, listed = 0
    cdef Run *run
    cdef bint kernel, together, free, wanted
    batch.began = now()
    free = batch.began < batch.channel.free_until
    for i in range(batch.count):
        scattered += is_small(&batch.run[i])
    kernel = batch.kernel != NULL and scattered >= batch.kernel_from
    together = batch.can_batch and batch.count >= (BATCH_IN_FROM if batch.inward else BATCH_OUT_FROM)
    wanted = kernel or (together and batch.inward)
    kernel = kernel and free
    together = together and (free or not batch.inward)
    for i in range(batch.count):
        run = &batch.run[i]
        if kernel and is_small(run):
            before = listed
            listed = list_rows(batch, run, listed)
            if listed != before:
                continue
        if together and run.height == 1:
            batch.target[many] = run.device if batch.inward else run.host
            batch.source[many] = run.host if batch.inward else run.device
            batch.length[many] = run.width
            batch.by_channel = batch.by_channel or (batch.inward and is_small(run))
            many += 1
        elif not copy_run(batch, run):
            batch.failed = True
    if many and not copy_many(batch, many):
        batch.failed = True
    if listed and not launch(batch, listed):
        batch.failed = True
    batch.by_channel = batch.by_channel or listed > 0
    if wanted:
        ask(batch.channel)


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


cdef bint copy_inside(CopyBatch *batch, unsigned int count) noexcept nogil:
    return launch(batch, count) and ok(cydriver.cuStreamSynchronize(batch.stream))


cdef void copy_again(CopyBatch *batch, uint64_t device, void *host, size_t length) noexcept nogil:
    """Copy one stretch out once more, beside a batch that is empty, and wait for it. As there, without it nobody lives."""
    if not ok(cydriver.cuMemcpyDtoHAsync(host, device, length, batch.stream)):
        _exit(EXIT_CONTEXT_LOST)
    if not ok(cydriver.cuStreamSynchronize(batch.stream)):
        _exit(EXIT_CONTEXT_LOST)


cdef bint poll(CopyBatch *batch) noexcept nogil:
    """Whether the batch is done, and done right: there is no failure to report. If so it is empty afterwards."""
    cdef cydriver.CUresult result
    if batch.channel.asked:
        hear(batch.channel)
    result = cydriver.cuStreamQuery(batch.stream)
    if result == cydriver.CUresult.CUDA_ERROR_NOT_READY:
        return False
    if batch.failed or not ok(result):
        do_again(batch)
    if batch.by_channel and now() - batch.began > ALONE_WITHIN:
        # Somebody else came, and is noticed before the channel is asked the next time.
        batch.channel.free_until = 0
        batch.channel.ask_next = now() + PAUSE_FROM
    batch.by_channel = False
    batch.failed = False
    batch.count = 0
    batch.copies = 0
    batch.bytes = 0
    return True
