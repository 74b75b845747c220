# What batches and copies: everything a worker asks of CUDA between requests and their replies.
#
# A card has engines that copy, and a channel on which programs compute and draw. What goes by that channel waits for
# the time slice or the draw of whoever uses it: milliseconds where a copy takes ten microseconds. The driver sends
# there: copies into VRAM below 32 KiB in one dimension, memset, copies inside VRAM, and kernels. The same small copy as
# two rows takes the copy engine, as do larger ones and all copies out of VRAM.
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memset
from posix.unistd cimport _exit

from cuda.bindings cimport cydriver

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    cdef struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int, timespec *)
    enum: CLOCK_MONOTONIC

cdef enum:
    MAX_RUNS = 512
    # From this many runs on, one call for all of them costs less than a call for each.
    BATCH_OUT_FROM = 2
    BATCH_IN_FROM = 5
    # The smallest copy into VRAM that the driver gives to the copy engine as it is.
    ENGINE_FROM = 32 << 10
    # A zero-filled stretch of pinned memory, from which VRAM is zeroed by the copy engine.
    ZEROES = 256 << 10
    # The exit status by which the keeper knows that the CUDA context is beyond use.
    EXIT_CONTEXT_LOST = 70

    # Nanoseconds. The compute channel is asked for its state this often while there is traffic, is free when it answers
    # within so long, and is asked again after a growing pause when it was not.
    ASK_EVERY = 5000000
    ANSWERS_WITHIN = 200000
    PAUSE_FROM = 50000000
    PAUSE_TO = 1000000000

cdef struct Run:
    # Rows of equal width: one behind the other in VRAM, at a stride in pinned memory.
    uint64_t device
    uint64_t host
    size_t width
    size_t height
    size_t stride

cdef struct Channel:
    # Whether the compute channel is free, as a worker sees it: a word is set through it now and then, on a stream that
    # nobody waits for, so that no request has to find out.
    cydriver.CUstream stream
    cydriver.CUdeviceptr word
    bint asked               # and not answered yet
    bint free
    uint64_t when            # it was asked, or may be asked again
    uint64_t pause

cdef struct CopyBatch:
    # One batch, in one direction. Between launch() and finish() nothing that it names may change.
    cydriver.CUstream stream
    bint inward              # from pinned memory to VRAM
    bint can_batch           # the driver has cuMemcpyBatchAsync
    bint failed
    int count                # runs
    int copies               # what was added
    Channel *channel
    Run run[MAX_RUNS]
    # The arguments of the call for many.
    cydriver.CUdeviceptr target[MAX_RUNS]
    cydriver.CUdeviceptr source[MAX_RUNS]
    size_t length[MAX_RUNS]

cdef struct Copies:
    # What a turn of the worker copies, each direction on a stream of its own.
    CopyBatch out
    CopyBatch into
    const unsigned char *zeroes
    uint64_t *tally          # of the worker whose turn it is (tally.pxd)


cdef inline uint64_t now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * <uint64_t>1000000000 + <uint64_t>t.tv_nsec


cdef inline bint ok(cydriver.CUresult result) noexcept nogil:
    return result == cydriver.CUresult.CUDA_SUCCESS


cdef inline void add(CopyBatch *c, uint64_t device, const void *host, size_t length) noexcept nogil:
    """Add a copy; one that goes on where the last one ended in VRAM, at the same stride, becomes a row of it."""
    cdef uint64_t place = <uint64_t><uintptr_t>host
    cdef Run *last
    c.copies += 1
    if c.count:
        last = &c.run[c.count - 1]
        if last.width == length and device == last.device + last.height * length:
            if last.height == 1 and place >= last.host + length:
                last.stride = place - last.host
            if place == last.host + last.height * last.stride and last.stride >= length:
                last.height += 1
                return
    last = &c.run[c.count]
    last.device = device
    last.host = place
    last.width = length
    last.height = 1
    last.stride = 0
    c.count += 1


cdef inline bint copy_row(CopyBatch *c, uint64_t device, uint64_t host, size_t width) noexcept nogil:
    if c.inward:
        return ok(cydriver.cuMemcpyHtoDAsync(device, <void *><uintptr_t>host, width, c.stream))
    return ok(cydriver.cuMemcpyDtoHAsync(<void *><uintptr_t>host, device, width, c.stream))


cdef inline bint copy_rows(CopyBatch *c, uint64_t device, uint64_t host, size_t width, size_t height, size_t stride) noexcept nogil:
    cdef cydriver.CUDA_MEMCPY2D copy
    memset(&copy, 0, sizeof(copy))
    copy.WidthInBytes = width
    copy.Height = height
    if c.inward:
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
    return ok(cydriver.cuMemcpy2DAsync(&copy, c.stream))


cdef inline bint copy_run(CopyBatch *c, const Run *run) noexcept nogil:
    """Copy a run by the copy engine."""
    if run.height > 1:
        return copy_rows(c, run.device, run.host, run.width, run.height, run.stride)
    if c.inward and run.width < ENGINE_FROM and run.width % 2 == 0:
        return copy_rows(c, run.device, run.host, run.width // 2, 2, run.width // 2)
    return copy_row(c, run.device, run.host, run.width)


cdef inline bint copy_many(CopyBatch *c, int count) noexcept nogil:
    """Copy what was put into the lists of arguments, all in one call."""
    cdef cydriver.CUmemcpyAttributes attributes
    cdef size_t first = 0
    memset(&attributes, 0, sizeof(attributes))
    attributes.srcAccessOrder = cydriver.CUmemcpySrcAccessOrder_enum.CU_MEMCPY_SRC_ACCESS_ORDER_STREAM
    return ok(cydriver.cuMemcpyBatchAsync(c.target, c.source, c.length, count, &attributes, &first, 1, c.stream))


cdef inline void ask(Channel *channel) noexcept nogil:
    """See whether the compute channel is free, without waiting for it."""
    cdef uint64_t at = now()
    if channel.asked:
        if cydriver.cuStreamQuery(channel.stream) == cydriver.CUresult.CUDA_ERROR_NOT_READY:
            if at - channel.when > ANSWERS_WITHIN:
                channel.free = False
            return
        channel.asked = False
        channel.free = at - channel.when <= ANSWERS_WITHIN
        channel.pause = ASK_EVERY if channel.free else min(max(channel.pause * 2, <uint64_t>PAUSE_FROM), <uint64_t>PAUSE_TO)
        channel.when = at + channel.pause
    elif at >= channel.when:
        # What was true some time ago is not now: the next small copies go as rows until there is an answer.
        channel.free = channel.free and at - channel.when < ASK_EVERY
        channel.asked = ok(cydriver.cuMemsetD32Async(channel.word, 0, 1, channel.stream))
        channel.when = at


cdef inline void launch(CopyBatch *c) noexcept nogil:
    """Start the batch. Within it the order is free: NBD promises none among requests that are not answered yet."""
    cdef int i, many = 0
    cdef Run *run
    cdef bint together = c.can_batch and c.count >= BATCH_OUT_FROM
    if c.inward:
        ask(c.channel)
        together = c.can_batch and c.count >= BATCH_IN_FROM and c.channel.free
    for i in range(c.count):
        run = &c.run[i]
        if together and run.height == 1:
            c.target[many] = run.device if c.inward else run.host
            c.source[many] = run.host if c.inward else run.device
            c.length[many] = run.width
            many += 1
        elif not copy_run(c, run):
            c.failed = True
    if many and not copy_many(c, many):
        c.failed = True


cdef inline void finish(CopyBatch *c) noexcept nogil:
    """Wait until the batch is done, and done right: there is no failure to report.

    A batch that failed is tried once more, row by row. If that fails too the process ends without an answer to
    anybody: a fresh engine with a fresh context gets the same requests again and can serve them, whereas an error, once
    told to the kernel, is a lost page.
    """
    cdef int i
    cdef size_t row
    if not ok(cydriver.cuStreamSynchronize(c.stream)):
        c.failed = True
    if c.failed:
        c.failed = False
        for i in range(c.count):
            for row in range(c.run[i].height):
                if not copy_row(
                    c, c.run[i].device + row * c.run[i].width, c.run[i].host + row * c.run[i].stride, c.run[i].width
                ):
                    _exit(EXIT_CONTEXT_LOST)
        if not ok(cydriver.cuStreamSynchronize(c.stream)):
            _exit(EXIT_CONTEXT_LOST)
    c.count = 0
    c.copies = 0
