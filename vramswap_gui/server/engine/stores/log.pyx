# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""A segment whose pages lie packed in a pool's log, as records.pxd has them.

What a batch writes is packed one behind the other in pinned memory and lies so in VRAM too: it is one copy. When that is
done, each page's entry is exchanged, which is all that has to be so before the reply. What is read is pinned, copied,
and unpacked, which verifies it.

A part of a page is written with the rest of it, which is read first; swap does not do that.
"""
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from vramswap_gui.server.engine cimport copy_batch, tally
from vramswap_gui.server.engine.atomic cimport add_long, clear_bits, set_bits, swap_long
from vramswap_gui.server.engine.clock cimport pause
from vramswap_gui.server.engine.copy_batch cimport CopyBatch
from vramswap_gui.server.engine.crew cimport SHARED_FROM, Note, pack_together
from vramswap_gui.server.engine.desk cimport NOTES, Desk, settle
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.records cimport (
    CLAIMED,
    LONGEST,
    LOST,
    UNWRITTEN,
    at_place,
    form_of,
    has_record,
    pack,
    place_of,
    prepare_records,
    record_length,
    unpack,
)
from vramswap_gui.server.engine.request cimport (
    READ,
    WRITE,
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
from vramswap_gui.server.engine.stores.pool cimport (
    NOTHING_LEFT,
    NOT_NOW,
    TAKEN,
    Pool,
    add_table,
    begin_pool,
    device_at,
    forget,
    has_room_for,
    is_short_of,
    may_come,
    pin,
    retire,
    seen_at,
    take,
    unpin,
)

cdef extern from "<errno.h>" nogil:
    enum: EIO, ENOSPC

cdef enum:
    # Nanoseconds. A worker whose write waits for room lets the cleaner have the processor for so long.
    NAP = 20000


cdef void begin(Store *store) noexcept nogil:
    begin_pool((<LogStore *>store).pool)


cdef void release_before(LogStore *self, const IoRequest *request, uint64_t end) noexcept nogil:
    cdef uint64_t number
    for number in range(first_page(request), end):
        clear_bits(&self.entry[number], <uint64_t>CLAIMED)


cdef bint claim(Store *store, IoRequest *request) noexcept nogil:
    cdef LogStore *self = <LogStore *>store
    cdef uint64_t number
    if request.op == READ:
        return True
    for number in range(first_page(request), after_pages(request)):
        if set_bits(&self.entry[number], <uint64_t>CLAIMED) & CLAIMED:
            release_before(self, request, number)
            return False
    return True


cdef void release(Store *store, IoRequest *request) noexcept nogil:
    if request.op != READ:
        release_before(<LogStore *>store, request, after_pages(request))


cdef bint read_alone(
    LogStore *self, uint64_t number, unsigned char *page, CopyBatch *batch, bint again
) noexcept nogil:
    """Read a page by itself, beside a batch whose stream is idle; false if it is not as it was written. If that is so
    `again`, it is its place that is bad."""
    cdef Desk *desk = batch.desk
    cdef uint64_t entry
    cdef bint right, known
    while True:
        entry = pin(self.pool, &self.entry[number])
        if has_record(entry):
            copy_batch.copy_again(batch, device_at(self.pool, place_of(entry)), desk.record, record_length(entry))
        right = unpack(desk.hand.codecs, entry, number, desk.record, page)
        # Nothing is wrong with a page that was written meanwhile.
        known = right or seen_at(&self.entry[number]) == entry
        if again and known and not right:
            retire(self.pool, &self.entry[number], entry)
        unpin(self.pool, entry)
        if known:
            return right


cdef void plan_read(LogStore *self, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef Desk *desk = batch.desk
    cdef Note *note
    cdef uint64_t number, length
    for number in range(first_page(request), after_pages(request)):
        note = &desk.note[desk.noted]
        note.number = number
        note.entry = pin(self.pool, &self.entry[number])
        note.record = desk.memory + desk.used
        length = record_length(note.entry)
        if length:
            copy_batch.add(batch, device_at(self.pool, place_of(note.entry)), note.record, length)
        desk.used += length
        desk.noted += 1


cdef bint merge(LogStore *self, IoRequest *request, uint64_t number, CopyBatch *batch) noexcept nogil:
    """Put a page together of what it was and what a request has of it; false if it is lost."""
    cdef unsigned char *page = batch.desk.page
    cdef uint64_t place = first_byte(request, number), length = after_bytes(request, number) - place
    # It is claimed, so nobody else changes it meanwhile.
    if not read_alone(self, number, page, batch, False) and not read_alone(self, number, page, batch, True):
        return False
    if request.op == ZERO:
        memset(page + place, 0, length)
    else:
        memcpy(page + place, data_of(request, number), length)
    return True


cdef inline bint is_large(const IoRequest *request) noexcept nogil:
    """Whether a write has enough pages for others to pack some of them. Swap's have no parts of pages at their ends."""
    return (
        request.op == WRITE
        and request.length >= SHARED_FROM * PAGE
        and request.offset % PAGE == 0
        and request.length % PAGE == 0
    )


cdef bint pack_all(LogStore *self, IoRequest *request, CopyBatch *batch) noexcept nogil:
    """Pack a request's pages into the desk's memory, behind what is in use; false if one of them cannot be."""
    cdef Desk *desk = batch.desk
    cdef Note *note = &desk.note[desk.noted]
    cdef uint64_t number
    cdef unsigned char *page
    cdef unsigned char *record = desk.memory + desk.used
    if is_large(request):
        pack_together(
            desk.hand, self.codec, first_page(request), <unsigned int>(request.length // PAGE), request.buffer, note, record
        )
        return True
    for number in range(first_page(request), after_pages(request)):
        note.number = number
        note.record = record
        if is_whole(request, number):
            page = data_of(request, number)
        elif merge(self, request, number, batch):
            page = desk.page
        else:
            return False
        if request.op == ZERO and page != desk.page:
            note.entry = UNWRITTEN
        else:
            note.entry = pack(desk.hand.codecs, self.codec, number, page, record)
        record += record_length(note.entry)
        note += 1
    return True


cdef int place_all(LogStore *self, Desk *desk, unsigned int count) noexcept nogil:
    """Find room for what was packed, for all of it or for none."""
    cdef Note *note = &desk.note[desk.noted]
    cdef uint64_t place = 0, length
    cdef unsigned int i, k
    cdef int found
    for i in range(count):
        length = record_length(note[i].entry)
        if length == 0:
            continue
        found = take(self.pool, desk.hand.worker, length, &place)
        if found != TAKEN:
            for k in range(i):
                forget(self.pool, note[k].entry)
            return found
        note[i].entry = at_place(note[i].entry, place)
    return TAKEN


cdef bint plan_write(LogStore *self, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef Desk *desk = batch.desk
    cdef Note *note
    cdef unsigned int count = <unsigned int>(after_pages(request) - first_page(request))
    cdef unsigned int i
    cdef uint64_t length = 0
    cdef int found = NOTHING_LEFT
    if request.op != ZERO and is_short_of(self.pool, desk.hand.worker, count * LONGEST):
        pause(NAP)
        return False
    if not pack_all(self, request, batch):
        request.status = EIO
        return True
    for i in range(count):
        length += record_length(desk.note[desk.noted + i].entry)
    # Asked first: what is taken and given back is only there again when it has been cleaned.
    if has_room_for(self.pool, desk.hand.worker, length):
        found = place_all(self, desk, count)
    if found == NOT_NOW or (found != TAKEN and may_come(self.pool, desk.hand.worker, length)):
        return False
    if found != TAKEN:
        request.status = ENOSPC
        return True
    while count:
        note = &desk.note[desk.noted]
        length = record_length(note.entry)
        if length:
            copy_batch.add(batch, device_at(self.pool, place_of(note.entry)), note.record, length)
        desk.used += length
        desk.noted += 1
        count -= 1
    return True


cdef bint plan(Store *store, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LogStore *self = <LogStore *>store
    cdef Desk *desk = batch.desk
    cdef uint64_t count = after_pages(request) - first_page(request)
    if desk.noted + count > NOTES or not copy_batch.has_room(batch, <int>count):
        return False
    # Zeroes need no room, but for what they leave of a page at either end.
    if desk.used + (min(count, <uint64_t>2) if request.op == ZERO else count) * LONGEST > desk.size:
        return False
    request.note = desk.noted
    if request.op != READ:
        return plan_write(self, request, batch)
    plan_read(self, request, batch)
    return True


cdef bint give(LogStore *self, Port *port, IoRequest *request, Note *note, CopyBatch *batch) noexcept nogil:
    """Put a page that was read where it is wanted; false if it is not as it was written."""
    cdef Desk *desk = batch.desk
    cdef bint whole = is_whole(request, note.number)
    cdef unsigned char *page = data_of(request, note.number) if whole else desk.page
    cdef uint64_t place
    if not unpack(desk.hand.codecs, note.entry, note.number, note.record, page):
        port.tally[tally.REREAD] += 1
        if not read_alone(self, note.number, page, batch, True):
            port.tally[tally.DAMAGED] += 1
            return False
    if not whole:
        place = first_byte(request, note.number)
        memcpy(data_of(request, note.number), page + place, after_bytes(request, note.number) - place)
    return True


cdef void complete(Port *port, IoRequest *request, CopyBatch *batch) noexcept nogil:
    cdef LogStore *self = <LogStore *>port.store
    cdef unsigned int i, count = <unsigned int>(after_pages(request) - first_page(request))
    cdef Note *note = &batch.desk.note[request.note]
    cdef uint64_t before, more = 0
    if request.status:
        # It was not even begun.
        port.tally[tally.NO_ROOM] += count if request.status == ENOSPC else 0
        release(port.store, request)
        return
    for i in range(count):
        if request.op == READ:
            if not give(self, port, request, &note[i], batch):
                request.status = EIO
            unpin(self.pool, note[i].entry)
        else:
            # Its claim ends with it.
            before = swap_long(&self.entry[note[i].number], note[i].entry)
            forget(self.pool, before)
            more += <uint64_t>(form_of(note[i].entry) != UNWRITTEN) - <uint64_t>(form_of(before) != UNWRITTEN)
    if more:
        add_long(&self.pool.table[self.table].stored, more)
    settle(batch.desk, count)


cdef bint is_lost(Store *store, uint64_t offset, uint64_t length) noexcept nogil:
    cdef LogStore *self = <LogStore *>store
    cdef uint64_t number
    for number in range(offset // PAGE, (offset + length + PAGE - 1) // PAGE):
        if form_of(seen_at(&self.entry[number])) == LOST:
            return True
    return False


cdef void open_log(LogStore *self, Pool *pool, uint64_t *entry, uint64_t pages, int codec) noexcept:
    prepare_records()
    self.store.begin = begin
    self.store.claim = claim
    self.store.release = release
    self.store.plan = plan
    self.store.complete = complete
    self.store.is_lost = is_lost
    self.pool = pool
    self.entry = entry
    self.codec = codec
    self.table = add_table(pool, entry, pages)
