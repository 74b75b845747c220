# What batches and copies: everything a worker asks of CUDA between two requests and their replies.
from libc.stdint cimport uint64_t
from posix.unistd cimport _exit

from cuda.bindings cimport cydriver

cdef enum:
    # The exit status by which the keeper knows that the CUDA context is beyond use.
    EXIT_CONTEXT_LOST = 70

cdef struct Copier:
    cydriver.CUcontext context
    cydriver.CUstream stream
    int pending              # enqueued since the last finish()
    bint failed


cdef inline bint ok(cydriver.CUresult result) noexcept nogil:
    return result == cydriver.CUresult.CUDA_SUCCESS


cdef inline void copy_in(Copier *copier, uint64_t address, const void *source, size_t length) noexcept nogil:
    """Enqueue a copy from pinned memory to VRAM; `source` stays as it is until finish()."""
    copier.pending += 1
    if not ok(cydriver.cuMemcpyHtoDAsync(address, source, length, copier.stream)):
        copier.failed = True


cdef inline void copy_out(Copier *copier, void *target, uint64_t address, size_t length) noexcept nogil:
    """Enqueue a copy from VRAM to pinned memory, there after finish()."""
    copier.pending += 1
    if not ok(cydriver.cuMemcpyDtoHAsync(target, address, length, copier.stream)):
        copier.failed = True


cdef inline void zero(Copier *copier, uint64_t address, size_t length) noexcept nogil:
    """Enqueue zeroes over VRAM."""
    copier.pending += 1
    if not ok(cydriver.cuMemsetD8Async(address, 0, length, copier.stream)):
        copier.failed = True


cdef inline bint finish(Copier *copier) noexcept nogil:
    """Wait for all that was enqueued; false when any of it failed.

    When the context itself is lost the process ends without an answer to anybody: a fresh engine gets the same requests
    again and can serve them, whereas an error, once told, could not be undone.
    """
    if copier.pending and not ok(cydriver.cuStreamSynchronize(copier.stream)):
        copier.failed = True
    copier.pending = 0
    if not copier.failed:
        return True
    copier.failed = False
    if not ok(cydriver.cuCtxSynchronize()):
        _exit(EXIT_CONTEXT_LOST)
    return False
