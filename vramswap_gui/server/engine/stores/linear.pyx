# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""A segment as it is: plain VRAM, page after page.

The VRAM of most cards has no error correction, so each page has a CRC32C, seeded with the page's number, for it may
come from the wrong place too. It is known from when a write of the whole page is done until the next one begins, and
verified by every read of the whole page. What is wrong is read once more: it may have been hurt on the way.

Two writes of a page are never under way at once. The kernel sends a write again over another connection when the worker
that has it hangs, and then newer ones: whichever copy came last would stay. So a write claims its pages first; what is
known of them is forgotten when its copy is planned, for until then it may turn out to have come too late.

A page that was wrong twice is lost, and its place is bad. There is no other place in VRAM for it, as the segment is all
of it; so when it is written the next time it is kept in ordinary memory too, and read from there from then on. That is
done by who has claimed the page, as nobody else writes it then. There are few such pages; when none is left, bad places
are used as they are, and each time it is told what was lost.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from vramswap_gui.server.engine cimport copy_batch, tally
from vramswap_gui.server.engine.atomic cimport (
    change_long,
    clear_bits,
    exchange_if,
    load_long,
    load_word,
    set_bits,
    store_word,
)
from vramswap_gui.server.engine.copy_batch cimport CopyBatch
from vramswap_gui.server.engine.crc32c cimport CRC_BY_FOLDING, crc_of_page, crc_of_zero_page, crc_prepare
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.request cimport (
    READ,
    ZERO,
    IoRequest,
    Port,
    Store,
    after_bytes,
    after_pages,
    data_of,
    first_byte,
    first_page,
    is_whole,
)

cdef extern from "<errno.h>" nogil:
    enum: EIO

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* Between memory that others read and write at the same time, which verifying shows, and memory that is one's own. */
    static void put_words(uint64_t *shared, const unsigned char *from, size_t length) {
        for (size_t i = 0; i < length; i += 8) {
            uint64_t word = 0;
            if (from)
                memcpy(&word, from + i, 8);
            __atomic_store_n(&shared[i / 8], word, __ATOMIC_RELAXED);
        }
    }

    static void get_words(unsigned char *to, const uint64_t *shared, size_t length) {
        for (size_t i = 0; i < length; i += 8) {
            uint64_t word = __atomic_load_n(&shared[i / 8], __ATOMIC_RELAXED);
            memcpy(to + i, &word, 8);
        }
    }
    """
    void put_words(uint64_t *shared, const unsigned char *source, size_t length) nogil
    void get_words(unsigned char *to, const uint64_t *shared, size_t length) nogil


cdef inline uint32_t summed(uint32_t number, const unsigned char *data) noexcept nogil:
    """The sum of page `number`; without `data` it is zeroes."""
    cdef uint32_t found = crc_of_page(number, data) if data != NULL else crc_of_zero_page(number)
    return found if found >= SUMS else found + SUMS


cdef inline uint64_t *spare_of(LinearStore *self, uint64_t number) noexcept nogil:
    """What a page has in place of its bad place, or NULL."""
    cdef uint64_t k
    for k in range(load_long(&self.moved)):
        if load_long(&self.owner[k]) == number + 1:
            return <uint64_t *>(self.spare + k * PAGE)
    return NULL


cdef void give_spare(LinearStore *self, uint64_t number) noexcept nogil:
    """Have a page, which is claimed, in ordinary memory from now on, if there is room."""
    cdef uint64_t before, moved
    cdef int k
    if spare_of(self, number) != NULL:
        return
    for k in range(self.spares):
        before = 0
        if change_long(&self.owner[k], &before, number + 1):
            moved = load_long(&self.moved)
            while moved <= <uint64_t>k and not change_long(&self.moved, &moved, <uint64_t>k + 1):
                pass
            return


cdef inline void forget_sum(LinearStore *self, uint64_t number) noexcept nogil:
    """Of a page that changes from now on: one that was lost still is. Who reads it may find that out just now."""
    cdef uint32_t before = load_word(&self.sums[number])
    while before >= SUMS and not exchange_if(&self.sums[number], &before, UNKNOWN):
        pass


cdef bint add_zeroes(LinearStore *self, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef uint64_t done = 0, part
    if not copy_batch.has_room(batch, <int>(request.length // copy_batch.ZEROES + 1)):
        return False
    while done < request.length:
        part = min(request.length - done, <uint64_t>copy_batch.ZEROES)
        copy_batch.add(batch, self.base + request.offset + done, self.zeroes, part)
        done += part
    return True


cdef inline uint64_t first_claims(const IoRequest *request) noexcept nogil:
    """The first word of claims in which a request has a page."""
    return first_page(request) // TOGETHER


cdef inline uint64_t after_claims(const IoRequest *request) noexcept nogil:
    return (after_pages(request) + TOGETHER - 1) // TOGETHER


cdef inline uint64_t bits_of(const IoRequest *request, uint64_t word) noexcept nogil:
    """Those of a request's pages in a word of claims."""
    cdef uint64_t first = max(first_page(request), word * TOGETHER) - word * TOGETHER
    cdef uint64_t after = min(after_pages(request), (word + 1) * TOGETHER) - word * TOGETHER
    return ~<uint64_t>0 >> (TOGETHER - (after - first)) << first


cdef void release_before(LinearStore *self, const IoRequest *request, uint64_t end) noexcept nogil:
    cdef uint64_t word
    for word in range(first_claims(request), end):
        clear_bits(&self.claims[word], bits_of(request, word))


cdef bint claim(Store *store, IoRequest *request) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t word, bits, others
    if request.op == READ:
        return True
    for word in range(first_claims(request), after_claims(request)):
        bits = bits_of(request, word)
        others = set_bits(&self.claims[word], bits) & bits
        if others:
            clear_bits(&self.claims[word], bits & ~others)
            release_before(self, request, word)
            return False
    return True


cdef void release(Store *store, IoRequest *request) noexcept nogil:
    if request.op != READ:
        release_before(<LinearStore *>store, request, after_claims(request))


cdef bint plan(Store *store, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t number
    if request.op == ZERO:
        if not add_zeroes(self, request, batch):
            return False
    elif copy_batch.has_room(batch, 1):
        copy_batch.add(batch, self.base + request.offset, request.buffer, request.length)
    else:
        return False
    if request.op != READ and self.sums != NULL:
        for number in range(first_page(request), after_pages(request)):
            forget_sum(self, number)
    return True


cdef inline void fetch(LinearStore *self, IoRequest *request, uint64_t number) noexcept nogil:
    """Put a page that is elsewhere where it was read from its bad place."""
    cdef const uint64_t *spare = spare_of(self, number)
    cdef uint64_t place = first_byte(request, number)
    if spare != NULL:
        get_words(data_of(request, number), spare + place // 8, after_bytes(request, number) - place)


cdef inline void store_away(LinearStore *self, IoRequest *request, uint64_t number) noexcept nogil:
    """The other way round, for a page that is claimed."""
    cdef uint64_t *spare = spare_of(self, number)
    cdef uint64_t place = first_byte(request, number)
    cdef const unsigned char *data = NULL
    if request.op != ZERO:
        data = data_of(request, number)
    if spare != NULL:
        put_words(spare + place // 8, data, after_bytes(request, number) - place)


cdef bint read_again(LinearStore *self, uint64_t number, unsigned char *data, CopyBatch *batch) noexcept nogil:
    """Whether a page is right after all, or was written meanwhile; if not it is lost from now on."""
    cdef uint32_t wanted
    cdef const uint64_t *spare
    while True:
        wanted = load_word(&self.sums[number])
        spare = spare_of(self, number)
        if spare != NULL:
            get_words(data, spare, PAGE)
        else:
            copy_batch.copy_again(batch, self.base + number * PAGE, data, PAGE)
        if wanted < SUMS or summed(<uint32_t>number, data) == wanted:
            return wanted != HURT
        if exchange_if(&self.sums[number], &wanted, HURT):
            return False


cdef void verify(LinearStore *self, Port *port, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef uint64_t number
    cdef uint32_t wanted
    cdef unsigned char *data
    for number in range(first_page(request), after_pages(request)):
        data = data_of(request, number)
        fetch(self, request, number)
        wanted = load_word(&self.sums[number])
        if wanted != HURT and not (
            is_whole(request, number) and wanted >= SUMS and summed(<uint32_t>number, data) != wanted
        ):
            # As it was written, as far as that is known.
            continue
        port.tally[tally.REREAD] += 1
        if wanted == HURT or not read_again(self, number, data, batch):
            port.tally[tally.DAMAGED] += 1
            request.status = EIO


cdef void written(LinearStore *self, IoRequest *request) noexcept nogil:
    """What is known of a request's pages once they are written."""
    cdef const unsigned char *data = NULL
    cdef uint64_t number
    for number in range(first_page(request), after_pages(request)):
        if load_word(&self.sums[number]) == HURT:
            if not is_whole(request, number):
                # What the rest of it was, nobody knows.
                request.status = EIO
                continue
            give_spare(self, number)
        store_away(self, request, number)
        if not is_whole(request, number):
            continue
        if request.op != ZERO:
            data = data_of(request, number)
        store_word(&self.sums[number], summed(<uint32_t>number, data))


cdef void complete(Port *port, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>port.store
    if request.op == READ:
        if self.sums != NULL:
            verify(self, port, request, batch)
        return
    if self.sums != NULL:
        written(self, request)
    release(port.store, request)


cdef void begin_linear(Store *store) noexcept nogil:
    """What an engine before leaves. Pages that it was just writing are known no more; the kernel sends them again."""
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t number
    if not self.begun and self.sums != NULL:
        for number in range(self.size // PAGE):
            if self.sums[number] < SUMS:
                self.sums[number] = HURT if self.sums[number] in (HURT, MENDING) else UNKNOWN
        for number in range(self.spares):
            if self.owner[number]:
                self.moved = number + 1
    self.begun = True


cdef bint is_lost(Store *store, uint64_t offset, uint64_t length) noexcept nogil:
    cdef LinearStore *self = <LinearStore *>store
    cdef uint64_t number
    if self.sums == NULL:
        return False
    for number in range(offset // PAGE, (offset + length + PAGE - 1) // PAGE):
        if load_word(&self.sums[number]) == HURT:
            return True
    return False


cdef size_t linear_store_size(uint64_t size) noexcept nogil:
    return sizeof(LinearStore) + size // PAGE // TOGETHER * sizeof(uint64_t)


cdef void open_linear(
    LinearStore *self, uint64_t base, uint64_t size, const unsigned char *zeroes, uint32_t *sums, uint64_t *owner, int spares
) noexcept nogil:
    crc_prepare(CRC_BY_FOLDING)
    self.store.begin = begin_linear
    self.store.claim = claim
    self.store.release = release
    self.store.plan = plan
    self.store.complete = complete
    self.store.is_lost = is_lost
    self.base = base
    self.size = size
    self.zeroes = zeroes
    self.sums = sums
    self.owner = owner
    self.spare = <unsigned char *>owner + PAGE
    self.spares = spares if owner != NULL else 0
    # Written to be there: memory is locked as it is touched, and no request may wait for a page.
    memset(self.claims, 0, linear_store_size(size) - (<unsigned char *>self.claims - <unsigned char *>self))
