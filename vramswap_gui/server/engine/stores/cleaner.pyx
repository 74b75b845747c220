# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""Who empties chunks in the background, so that writers find room.

The chunk with the fewest live bytes is looked for in the tables, and what is live of it moves behind what was moved
before: out in the order in which it lies, and back as one copy. Both are the copy engine's, which does not wait for
programs that compute. Each record is verified on the way, and its entry changed if it still is as it was: who writes a
page meanwhile wins. Unless writers wait, requests have the card in between.
"""
from libc.stdint cimport uint64_t
from posix.unistd cimport read

from vramswap_gui.server.engine.atomic cimport add_long, change_long, load_acquire, load_long, store_long
from vramswap_gui.server.engine.clock cimport now, pause
from vramswap_gui.server.engine.copy_batch cimport add, copy_again, poll, submit
from vramswap_gui.server.engine.records cimport (
    CLAIMED,
    at_place,
    has_record,
    place_of,
    record_length,
    unpack,
)
from vramswap_gui.server.engine.stores.pool cimport (
    HALF_FULL,
    KEPT,
    NEARLY_FULL,
    NO_CHUNK,
    Pool,
    can_hand_over,
    close_extent,
    device_at,
    end_leaving,
    find_victim,
    forget,
    free_chunks,
    hand_over,
    is_unused,
    pin,
    revoke,
    seen_at,
    take_to_clean,
    unpin,
)

cdef enum:
    # Nanoseconds: between two looks whether a copy is done, and between two moves that nobody waits for.
    BETWEEN_LOOKS = 20000
    BETWEEN_MOVES = 500000
    # And for which whoever wants an extent back waits.
    LONGEST_WITHDRAWAL = 15000000000
    # How often a record is read that is not as it was.
    TRIES = 3


cdef void look_for(Cleaner *self, uint64_t number) noexcept nogil:
    """Find the records of a chunk, as many as there is room to note."""
    cdef Pool *pool = self.pool
    cdef uint64_t page, entry
    cdef int i
    self.count = 0
    for i in range(<int>load_long(&pool.tables)):
        for page in range(load_long(&pool.table[i].pages)):
            entry = seen_at(&pool.table[i].entry[page])
            if has_record(entry) and place_of(entry) >> pool.shift == number and self.count < FOUND:
                self.found[self.count].slot = &pool.table[i].entry[page]
                self.found[self.count].entry = entry
                self.found[self.count].number = page
                self.count += 1


cdef void sift(Found *found, unsigned int root, unsigned int count) noexcept nogil:
    cdef Found moving = found[root]
    cdef unsigned int child = 2 * root + 1
    while child < count:
        if child + 1 < count and place_of(found[child + 1].entry) > place_of(found[child].entry):
            child += 1
        if place_of(found[child].entry) <= place_of(moving.entry):
            break
        found[root] = found[child]
        root = child
        child = 2 * root + 1
    found[root] = moving


cdef void sort(Found *found, unsigned int count) noexcept nogil:
    """By place, in place: a heap sort, for that of the C library may allocate."""
    cdef unsigned int i
    cdef Found last
    for i in range(count // 2, 0, -1):
        sift(found, i - 1, count)
    for i in range(count, 1, -1):
        last = found[i - 1]
        found[i - 1] = found[0]
        found[0] = last
        sift(found, 0, i - 1)


cdef inline void wait_for(CopyBatch *batch) noexcept nogil:
    submit(batch)
    while not poll(batch):
        pause(BETWEEN_LOOKS)


cdef unsigned int bring(Cleaner *self, unsigned int first, unsigned int *moved) noexcept nogil:
    """Copy as many of the records out as can be moved at once; the first one that is not among them."""
    cdef uint64_t length, seen, used = 0
    cdef Found *found
    moved[0] = 0
    while first < self.count and moved[0] < MOVED:
        found = &self.found[first]
        length = record_length(found.entry)
        if used + length > CARRIED:
            break
        first += 1
        seen = pin(self.pool, found.slot)
        if seen != found.entry:
            # Somebody wrote the page, or forgot it.
            unpin(self.pool, seen)
            continue
        self.found[moved[0]] = found[0]
        self.record[moved[0]] = self.memory + used
        add(&self.out, device_at(self.pool, place_of(seen)), self.memory + used, length)
        used += length
        moved[0] += 1
    wait_for(&self.out)
    return first


cdef bint put(Cleaner *self, unsigned int moved) noexcept nogil:
    """Copy them to where they go, those that were hurt on the way read again; false if there is no room."""
    cdef unsigned int i, k
    cdef uint64_t length
    cdef Found *found
    for i in range(moved):
        found = &self.found[i]
        length = record_length(found.entry)
        for k in range(TRIES):
            if unpack(&self.codecs, found.entry, found.number, self.record[i], self.page):
                break
            # What stays wrong was hurt where it lies, and whoever reads it will be told.
            copy_again(&self.out, device_at(self.pool, place_of(found.entry)), self.record[i], length)
        if not take_to_clean(self.pool, length, &self.place[i]):
            for k in range(i):
                forget(self.pool, at_place(self.found[k].entry, self.place[k]))
            return False
    for i in range(moved):
        add(&self.into, device_at(self.pool, self.place[i]), self.record[i], record_length(self.found[i].entry))
    wait_for(&self.into)
    return True


cdef void publish(Cleaner *self, unsigned int moved) noexcept nogil:
    cdef unsigned int i
    cdef uint64_t before, after
    cdef Found *found
    for i in range(moved):
        found = &self.found[i]
        after = at_place(found.entry, self.place[i])
        before = load_long(found.slot)
        while before & ~<uint64_t>CLAIMED == found.entry:
            # Who has claimed the page goes on having it.
            if change_long(found.slot, &before, after | (before & CLAIMED)):
                forget(self.pool, found.entry)
                self.pool.moved += record_length(after)
                break
        else:
            forget(self.pool, after)


cdef bint empty(Cleaner *self, uint64_t number) noexcept nogil:
    """Move what is live of a chunk elsewhere; false if it cannot be done."""
    cdef unsigned int i, first = 0, moved = 0
    cdef bint done = True
    revoke(self.pool, number)
    look_for(self, number)
    if self.count == 0:
        # What is live in it is just being written, and soon there to be found.
        pause(BETWEEN_MOVES)
    sort(self.found, self.count)
    while done and first < self.count and not load_acquire(&self.ending):
        first = bring(self, first, &moved)
        done = put(self, moved)
        if done:
            publish(self, moved)
        for i in range(moved):
            unpin(self.pool, self.found[i].entry)
        if not load_long(&self.pool.short_of):
            pause(BETWEEN_MOVES)
    return done


cdef bint withdraw(Cleaner *self, uint64_t number) noexcept nogil:
    """Move what lies in an extent elsewhere; false if there is no room, or not enough time, or if writers want it."""
    cdef Pool *pool = self.pool
    cdef uint64_t first = number * pool.each, chunk, until = now() + LONGEST_WITHDRAWAL
    close_extent(pool, number)
    for chunk in range(first, first + pool.each):
        while not is_unused(pool, chunk):
            if load_long(&pool.short_of) or now() > until or load_acquire(&self.ending) or not empty(self, chunk):
                return False
    return True


cdef bint step(Cleaner *self) noexcept nogil:
    """Do what is most urgent; false if nothing is."""
    cdef Pool *pool = self.pool
    cdef uint64_t short_of = load_long(&pool.short_of), free = free_chunks(pool), victim
    cdef uint64_t leaving = load_long(&pool.leaving)
    if leaving:
        end_leaving(pool, leaving - 1, withdraw(self, leaving - 1))
        return True
    if short_of and (free > KEPT or can_hand_over(pool, short_of)):
        if free <= KEPT:
            hand_over(pool)
        store_long(&pool.short_of, 0)
        return True
    if not short_of and free * 4 >= load_long(&pool.present):
        return False
    victim = find_victim(pool, NEARLY_FULL if short_of else HALF_FULL)
    if victim == NO_CHUNK or not empty(self, victim):
        store_long(&pool.short_of, 0)
        return False
    return True


cdef bint turn(Cleaner *self) noexcept nogil:
    cdef bint done
    add_long(&self.pool.turns, 1)
    done = step(self)
    add_long(&self.pool.turns, 1)
    return done


cdef void clean(Cleaner *self) noexcept nogil:
    cdef uint64_t count
    while not load_acquire(&self.ending):
        read(self.pool.wake, &count, sizeof(count))
        while not load_acquire(&self.ending) and turn(self):
            pass
