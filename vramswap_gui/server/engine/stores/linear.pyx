# cython: boundscheck=False, wraparound=False, cdivision=True
"""A segment as it is: plain VRAM, page after page."""
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine cimport copy_batch
from vramswap_gui.server.engine.copy_batch cimport CopyBatch
from vramswap_gui.server.engine.request cimport ZERO, IoRequest, Store


cdef bint plan(Store *store, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t done = 0, part
    if request.op != ZERO:
        if not copy_batch.has_room(batch, 1):
            return False
        copy_batch.add(batch, self.base + request.offset, request.buffer, request.length)
        return True
    if not copy_batch.has_room(batch, <int>(request.length // copy_batch.ZEROES + 1)):
        return False
    while done < request.length:
        part = min(request.length - done, <uint64_t>copy_batch.ZEROES)
        copy_batch.add(batch, self.base + request.offset + done, self.zeroes, part)
        done += part
    return True


cdef void complete(Store *store, IoRequest *request) noexcept nogil:
    """Bytes that were copied are all there is to it."""


cdef void open_linear(LinearStore *self, uint64_t base, const unsigned char *zeroes) noexcept nogil:
    self.store.plan = plan
    self.store.complete = complete
    self.base = base
    self.zeroes = zeroes
