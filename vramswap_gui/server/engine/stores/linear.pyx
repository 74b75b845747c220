# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""A segment as it is: plain VRAM, page after page.

The VRAM of most cards has no error correction, so each page has a CRC32C, seeded with the page's number, for it may
come from the wrong place too. It is known from when a write of the whole page is done until the next one begins, and
verified by every read of the whole page. What is wrong is read once more: it may have been hurt on the way.

Two writes of a page are never under way at once. The kernel sends a write again over another connection when the worker
that has it hangs, and then newer ones: whichever copy came last would stay.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from vramswap_gui.server.engine cimport copy_batch, tally
from vramswap_gui.server.engine.atomic cimport exchange_if, load_word, store_word
from vramswap_gui.server.engine.copy_batch cimport CopyBatch
from vramswap_gui.server.engine.crc32c cimport crc_of_page, crc_of_zero_page, crc_prepare
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.request cimport (
    READ,
    ZERO,
    IoRequest,
    Port,
    Store,
    after_pages,
    first_page,
    is_whole,
)

cdef extern from "<errno.h>" nogil:
    enum: EIO


cdef inline uint32_t summed(uint32_t number, const unsigned char *data) noexcept nogil:
    """The sum of page `number`; without `data` it is zeroes."""
    cdef uint32_t found = crc_of_page(number, data) if data != NULL else crc_of_zero_page(number)
    return found if found >= SUMS else found + SUMS


cdef inline uint32_t *sum_of(LinearStore *self, uint64_t number) noexcept nogil:
    return &self.sums[number & self.mask]


cdef inline bint begin(uint32_t *sum) noexcept nogil:
    """A write of the page is under way from now on, unless one was."""
    cdef uint32_t before = load_word(sum)
    while before != WRITING:
        if exchange_if(sum, &before, WRITING):
            return True
    return False


cdef bint add_zeroes(LinearStore *self, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef uint64_t done = 0, part
    if not copy_batch.has_room(batch, <int>(request.length // copy_batch.ZEROES + 1)):
        return False
    while done < request.length:
        part = min(request.length - done, <uint64_t>copy_batch.ZEROES)
        copy_batch.add(batch, self.base + request.offset + done, self.zeroes, part)
        done += part
    return True


cdef void release_before(LinearStore *self, const IoRequest *request, uint64_t end) noexcept nogil:
    cdef uint64_t number
    for number in range(first_page(request), end):
        store_word(sum_of(self, number), UNKNOWN)


cdef bint claim(Store *store, IoRequest *request) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t number
    if request.op == READ:
        return True
    # First looked at, for what was taken and is let go of again is known no more.
    for number in range(first_page(request), after_pages(request)):
        if load_word(sum_of(self, number)) == WRITING:
            return False
    for number in range(first_page(request), after_pages(request)):
        if not begin(sum_of(self, number)):
            release_before(self, request, number)
            return False
    return True


cdef void release(Store *store, IoRequest *request) noexcept nogil:
    if request.op != READ:
        release_before(<LinearStore *>store, request, after_pages(request))


cdef bint plan(Store *store, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>store
    if request.op == ZERO:
        return add_zeroes(self, request, batch)
    if not copy_batch.has_room(batch, 1):
        return False
    copy_batch.add(batch, self.base + request.offset, request.buffer, request.length)
    return True


cdef bint is_right(LinearStore *self, uint64_t number, const unsigned char *data) noexcept nogil:
    """Whether a page that was read is as it was written, as far as that is known."""
    cdef uint32_t wanted = load_word(&self.sums[number])
    return wanted < SUMS or summed(<uint32_t>number, data) == wanted


cdef bint read_again(LinearStore *self, uint64_t number, unsigned char *data, CopyBatch *batch) noexcept nogil:
    """Whether a page is right after all, or was written meanwhile."""
    cdef uint32_t wanted
    while True:
        wanted = load_word(&self.sums[number])
        copy_batch.copy_again(batch, self.base + number * PAGE, data, PAGE)
        if wanted < SUMS or summed(<uint32_t>number, data) == wanted:
            return True
        if load_word(&self.sums[number]) == wanted:
            return False


cdef void verify(LinearStore *self, Port *port, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef uint64_t number
    cdef unsigned char *data
    for number in range(first_page(request), after_pages(request)):
        data = request.buffer + (number * PAGE - request.offset)
        if not is_whole(request, number) or is_right(self, number, data):
            continue
        port.tally[tally.REREAD] += 1
        if not read_again(self, number, data, batch):
            port.tally[tally.DAMAGED] += 1
            request.status = EIO


cdef void complete(Port *port, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>port.store
    cdef const unsigned char *data = NULL
    cdef uint64_t number
    if not self.verified:
        release(port.store, request)
        return
    if request.op == READ:
        verify(self, port, request, batch)
        return
    for number in range(first_page(request), after_pages(request)):
        if not is_whole(request, number):
            store_word(sum_of(self, number), UNKNOWN)
            continue
        if request.op != ZERO:
            data = request.buffer + (number * PAGE - request.offset)
        store_word(sum_of(self, number), summed(<uint32_t>number, data))


cdef void begin_linear(Store *store) noexcept nogil:
    """Pages that an engine before was just writing are known no more; the kernel sends them again."""
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t number
    if not self.begun and self.verified:
        for number in range(self.size // PAGE):
            if self.sums[number] < SUMS:
                self.sums[number] = UNKNOWN
    self.begun = True


cdef void open_linear(
    LinearStore *self, uint64_t base, uint64_t size, const unsigned char *zeroes, uint32_t *sums
) noexcept nogil:
    crc_prepare(True)
    self.store.begin = begin_linear
    self.store.claim = claim
    self.store.release = release
    self.store.plan = plan
    self.store.complete = complete
    self.base = base
    self.size = size
    self.zeroes = zeroes
    self.verified = sums != NULL
    self.sums = sums if self.verified else self.claims
    # Written to be there: memory is locked as it is touched, and no request may wait for a page.
    memset(self.claims, UNKNOWN, sizeof(self.claims))
    self.mask = <uint64_t>-1 if self.verified else CLAIMS - 1
