# SPDX-License-Identifier: MIT
# What batches and copies: everything a worker asks of CUDA between requests and their replies.
#
# A card has engines that copy, and a channel on which programs compute and draw. What goes by that channel waits for
# the time slice or the draw of whoever uses it: milliseconds where a copy takes ten microseconds. The driver sends
# there: copies into VRAM below 32 KiB in one dimension, memset, copies inside VRAM, and kernels. The same small copy as
# two rows takes the copy engine, as do larger ones and all copies out of VRAM.
from libc.stdint cimport uint64_t, uintptr_t

from cuda.bindings cimport cydriver
from vramswap_gui.server.engine.desk cimport Desk

cdef enum:
    MAX_RUNS = 512
    # From this many runs on, one call for all of them costs less than a call for each.
    BATCH_OUT_FROM = 2
    BATCH_IN_FROM = 5
    # The kernel's threads for each copy, and how many copies one launch does.
    THREADS = 256
    MAX_LISTED = 512
    # The smallest copy into VRAM that the driver gives to the copy engine as it is.
    ENGINE_FROM = 32 << 10
    # A zero-filled stretch of pinned memory, from which VRAM is zeroed by the copy engine.
    ZEROES = 256 << 10
    # The exit status by which the keeper knows that the CUDA context is beyond use.
    EXIT_CONTEXT_LOST = 70

    # Nanoseconds. The compute channel is asked for its state this often while there is traffic, is free when it answers
    # within so long, and is asked again after a growing pause when it was not. A batch that took so long was not alone.
    ASK_EVERY = 5000000
    FREE_FOR = 10000000
    ANSWERS_WITHIN = 200000
    ALONE_WITHIN = 1000000
    PAUSE_FROM = 50000000
    PAUSE_TO = 1000000000

cdef struct Run:
    # Rows of equal width: one behind the other in VRAM, at a stride in pinned memory.
    uint64_t device
    uint64_t host
    size_t width
    size_t height
    size_t stride

cdef struct Listed:
    # A copy, as the kernel reads it (copy_kernel.py).
    uint64_t target
    uint64_t source
    uint64_t length

cdef struct Channel:
    # Whether the compute channel is free, as a worker sees it: a word is set through it now and then, on a stream that
    # nobody waits for, so that no request has to find out.
    cydriver.CUstream stream
    cydriver.CUdeviceptr word
    bint asked               # and not answered yet
    bint late                # and not answered in time
    uint64_t asked_at
    uint64_t ask_next        # not before
    uint64_t pause
    uint64_t free_until      # what was true some time ago need not be so now

cdef struct CopyBatch:
    # One batch, in one direction. Between submit() and the poll() that ends it nothing that it names may change.
    cydriver.CUstream stream
    bint inward              # from pinned memory to VRAM
    bint can_batch           # the driver has cuMemcpyBatchAsync
    cydriver.CUfunction kernel       # or NULL
    int kernel_from          # so many scattered runs are the kernel's
    Listed *listed           # pinned memory for MAX_LISTED
    bint failed
    bint by_channel          # some of it goes by the compute channel
    int count                # runs
    int copies               # what was added
    size_t bytes
    uint64_t began
    Channel *channel
    # Where pages are packed that are to be copied, and unpacked; or NULL.
    Desk *desk
    Run run[MAX_RUNS]
    # The arguments of the call for many.
    cydriver.CUdeviceptr target[MAX_RUNS]
    cydriver.CUdeviceptr source[MAX_RUNS]
    size_t length[MAX_RUNS]

cdef void submit(CopyBatch *batch) noexcept nogil
cdef bint poll(CopyBatch *batch) noexcept nogil
# Do the first copies of the batch's list inside VRAM, by its kernel, and wait for them; false if they could not be done.
cdef bint copy_inside(CopyBatch *batch, unsigned int count) noexcept nogil
cdef void copy_again(CopyBatch *batch, uint64_t device, void *host, size_t length) noexcept nogil


cdef inline bint has_room(const CopyBatch *batch, int runs) noexcept nogil:
    return batch.count + runs <= MAX_RUNS


cdef inline void add(CopyBatch *batch, uint64_t device, const void *host, size_t length) noexcept nogil:
    """Add a copy. One that goes on where the last one ended is a part of it; one that does so in VRAM, at the same stride,
    becomes a row of it."""
    cdef uint64_t place = <uint64_t><uintptr_t>host
    cdef Run *last
    batch.copies += 1
    batch.bytes += length
    if batch.count:
        last = &batch.run[batch.count - 1]
        if last.height == 1 and device == last.device + last.width and place == last.host + last.width:
            last.width += length
            return
        if last.width == length and device == last.device + last.height * length:
            if last.height == 1 and place >= last.host + length:
                last.stride = place - last.host
            if last.stride and place == last.host + last.height * last.stride:
                last.height += 1
                return
    last = &batch.run[batch.count]
    last.device = device
    last.host = place
    last.width = length
    last.height = 1
    last.stride = 0
    batch.count += 1
