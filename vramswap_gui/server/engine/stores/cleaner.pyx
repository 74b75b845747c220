# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""Who empties chunks in the background, so that writers find room.

The chunk with the fewest live bytes is looked for in the tables, and what is live of it moves behind what was moved
before: out in the order in which it lies, and back as one copy. Both are the copy engine's, which does not wait for
programs that compute. Each record is verified on the way, and its entry changed if it still is as it was: who writes a
page meanwhile wins. Unless writers wait, requests have the card in between.

When an extent is wanted back everything in it is moved at once, by the kernel inside VRAM while nobody else computes.
"""
from libc.stdint cimport uint64_t
from posix.unistd cimport read

from vramswap_gui.server.engine.atomic cimport add_long, load_acquire, load_long, store_long
from vramswap_gui.server.engine.clock cimport now, pause
from vramswap_gui.server.engine.copy_batch cimport (
    ALONE_WITHIN,
    MAX_RUNS,
    CopyBatch,
    add,
    copy_again,
    copy_inside,
    poll,
    submit,
)
from vramswap_gui.server.engine.records cimport (
    LONGEST,
    at_place,
    has_record,
    place_of,
    record_length,
    unpack,
)
from vramswap_gui.server.engine.stores.pool cimport (
    HALF_FULL,
    KEPT,
    LATER,
    LEFT,
    NEARLY_FULL,
    NO_CHUNK,
    NO_EXTENT,
    STAYED,
    Pool,
    Table,
    can_hand_over,
    chunk_at,
    chunk_size,
    close_extent,
    device_at,
    end_leaving,
    exchange,
    find_victim,
    forget,
    free_chunks,
    free_outside,
    hand_over,
    is_compacted,
    is_unused,
    live_in,
    pin,
    retire,
    revoke,
    room_to_clean,
    room_to_move,
    seen_at,
    take_to_clean,
    unpin,
)

cdef enum:
    # Nanoseconds: between two looks whether a copy is done, and between two moves that nobody waits for.
    BETWEEN_LOOKS = 20000
    BETWEEN_MOVES = 500000
    # And for which the engine can be asked nothing else while an extent is given back.
    WITHDRAWAL = 300000000
    # How often a record is read that is not as it was, with the first time.
    TRIES = 3
    # When room is made for what is in an extent: chunks that are emptied at once, how many sixteenths of each may be live,
    # and how many are to be free.
    TOGETHER = 64
    COMPACT = 14
    ENOUGH = 16


cdef bint look_on(Cleaner *self) noexcept nogil:
    """Find records of chunks that are picked, from where the last look ended, as many as there is room to note; false if
    there are no more."""
    cdef Pool *pool = self.pool
    cdef uint64_t entry
    cdef Table *table
    self.count = 0
    while self.table < load_long(&pool.tables) and self.count < FOUND:
        table = &pool.table[self.table]
        if self.number >= load_long(&table.pages):
            self.table += 1
            self.number = 0
            continue
        entry = seen_at(&table.entry[self.number])
        if has_record(entry) and load_long(&chunk_at(pool, place_of(entry)).picked):
            self.found[self.count].slot = &table.entry[self.number]
            self.found[self.count].entry = entry
            self.found[self.count].number = self.number
            self.count += 1
        self.number += 1
    return self.count > 0


cdef bint look_anew(Cleaner *self) noexcept nogil:
    self.table = self.number = 0
    return look_on(self)


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


cdef inline void wait_for(Cleaner *self, CopyBatch *batch) noexcept nogil:
    submit(batch)
    while not poll(batch):
        if not self.hurry:
            pause(BETWEEN_LOOKS)


cdef unsigned int choose(
    Cleaner *self, unsigned int first, unsigned int most, uint64_t room, unsigned int *moved
) noexcept nogil:
    """Pin so many records, for which there is room, and put them in front; returns the first one that is not among them."""
    cdef uint64_t seen, length
    moved[0] = 0
    while first < self.count and moved[0] < most:
        length = record_length(self.found[first].entry)
        if length > room:
            break
        seen = pin(self.pool, self.found[first].slot)
        if seen == self.found[first].entry:
            self.found[moved[0]] = self.found[first]
            moved[0] += 1
            room -= length
        else:
            # Somebody wrote the page, or forgot it.
            unpin(self.pool, seen)
        first += 1
    return first


cdef bint find_places(Cleaner *self, unsigned int moved) noexcept nogil:
    """For those that were chosen, for all or none."""
    cdef unsigned int i, k
    for i in range(moved):
        if not take_to_clean(self.pool, record_length(self.found[i].entry), &self.place[i]):
            for k in range(i):
                forget(self.pool, at_place(self.found[k].entry, self.place[k]))
            return False
    return True


cdef void verify(Cleaner *self, unsigned int number, unsigned char *record) noexcept nogil:
    """Read a record again that was hurt on the way."""
    cdef Found *found = &self.found[number]
    cdef unsigned int k
    for k in range(TRIES):
        if k:
            copy_again(&self.out, device_at(self.pool, place_of(found.entry)), record, record_length(found.entry))
        if unpack(&self.codecs, found.entry, found.number, record, self.page):
            return
    # It was hurt where it lies, and whoever reads it will be told. What is moved of it is nobody's.
    retire(self.pool, found.slot, found.entry)


cdef unsigned int carry_some(Cleaner *self, unsigned int first, unsigned int moved) noexcept nogil:
    """Copy as many as there is memory for to their places; returns the first one that is not among them."""
    cdef unsigned int i = first, k
    cdef uint64_t length, used = 0
    while i < moved and i - first < MAX_RUNS:
        length = record_length(self.found[i].entry)
        if used + length > CARRIED:
            break
        add(&self.out, device_at(self.pool, place_of(self.found[i].entry)), self.memory + used, length)
        used += length
        i += 1
    wait_for(self, &self.out)
    used = 0
    for k in range(first, i):
        if not self.hurry:
            verify(self, k, self.memory + used)
        length = record_length(self.found[k].entry)
        add(&self.into, device_at(self.pool, self.place[k]), self.memory + used, length)
        used += length
    wait_for(self, &self.into)
    return i


cdef void carry(Cleaner *self, unsigned int moved) noexcept nogil:
    """Copy those that were chosen to their places, through memory."""
    cdef unsigned int first = 0
    while first < moved:
        first = carry_some(self, first, moved)


cdef bint carry_inside(Cleaner *self, unsigned int moved) noexcept nogil:
    """Copy them inside VRAM, by the kernel; false if that is no good way now."""
    cdef uint64_t began = now()
    cdef unsigned int i
    for i in range(moved):
        self.into.listed[i].target = device_at(self.pool, self.place[i])
        self.into.listed[i].source = device_at(self.pool, place_of(self.found[i].entry))
        self.into.listed[i].length = record_length(self.found[i].entry)
    if not copy_inside(&self.into, moved):
        return False
    # Others have the channel: it is the last time in this hurry.
    self.inside = now() - began < ALONE_WITHIN
    return True


cdef void publish(Cleaner *self, unsigned int moved) noexcept nogil:
    cdef unsigned int i
    cdef uint64_t after
    cdef Found *found
    for i in range(moved):
        found = &self.found[i]
        after = at_place(found.entry, self.place[i])
        if exchange(self.pool, found.slot, found.entry, after):
            self.pool.moved += record_length(after)
        else:
            forget(self.pool, after)


cdef inline bint may_go_on(Cleaner *self) noexcept nogil:
    """Who gives an extent back goes on for a while only, and not while writers wait."""
    if self.hurry and (load_long(&self.pool.short_of) or now() > self.until):
        return False
    return not load_acquire(&self.ending)


cdef bint move(Cleaner *self) noexcept nogil:
    """Move what was found elsewhere, as long as that may go on; false if there is no room."""
    cdef unsigned int i, first = 0, moved = 0
    cdef bint done = True
    while done and first < self.count and may_go_on(self):
        self.beat[0] += 1
        if self.hurry:
            first = choose(self, first, MOVED, room_to_move(self.pool, self.kept), &moved)
        else:
            first = choose(self, first, AT_LEISURE, <uint64_t>-1, &moved)
        done = moved > 0 and find_places(self, moved)
        if done:
            if not (self.inside and carry_inside(self, moved)):
                carry(self, moved)
            publish(self, moved)
        for i in range(moved):
            unpin(self.pool, self.found[i].entry)
        # All of them may have been written meanwhile.
        done = done or (moved == 0 and first == self.count)
        if not self.hurry and not load_long(&self.pool.short_of):
            pause(BETWEEN_MOVES)
    return done


cdef void pick(Pool *pool, uint64_t chunk) noexcept nogil:
    store_long(&pool.chunk[chunk].picked, 1)
    revoke(pool, chunk)


cdef bint empty(Cleaner *self, uint64_t chunk) noexcept nogil:
    """Move what is live of a chunk elsewhere; false if it cannot be done."""
    cdef bint done
    pick(self.pool, chunk)
    if not look_anew(self):
        # What is live in it is just being written, and soon there to be found.
        pause(BETWEEN_MOVES)
    sort(self.found, self.count)
    done = move(self)
    store_long(&self.pool.chunk[chunk].picked, 0)
    return done


cdef bint compact(Cleaner *self, uint64_t spared) noexcept nogil:
    """Empty as many chunks as there is room for what is live of them, in one look, none of the extent that is spared; false
    if there is none, or it may not go on."""
    cdef Pool *pool = self.pool
    cdef uint64_t picked[TOGETHER]
    cdef uint64_t free = free_chunks(pool), room, chunk
    cdef int i, count = 0
    cdef bint done = True
    # The last free chunk is used as well, in its place come those that are emptied. What was reckoned with is nobody else's.
    store_long(&pool.reserved, free - KEPT if free > KEPT else 0)
    self.kept = 0
    room = room_to_move(pool, 0)
    while count < TOGETHER:
        chunk = find_victim(pool, COMPACT, room, spared)
        if chunk == NO_CHUNK:
            break
        room -= load_long(&pool.chunk[chunk].live)
        pick(pool, chunk)
        picked[count] = chunk
        count += 1
    if count and look_anew(self):
        while done and self.count:
            done = move(self) and may_go_on(self)
            look_on(self)
    self.kept = KEPT
    store_long(&pool.reserved, 0)
    for i in range(count):
        store_long(&pool.chunk[picked[i]].picked, 0)
    return done and count > 0


cdef bint is_empty(Pool *pool, uint64_t number) noexcept nogil:
    """Whether nothing lies in an extent to which nobody writes, nor will."""
    cdef uint64_t chunk
    for chunk in range(number * pool.each, (number + 1) * pool.each):
        if not is_unused(pool, chunk):
            return False
    return True


cdef void move_all_of(Cleaner *self, uint64_t number) noexcept nogil:
    """Move what is found of an extent, as far as that can be done."""
    cdef Pool *pool = self.pool
    cdef uint64_t chunk
    for chunk in range(number * pool.each, (number + 1) * pool.each):
        store_long(&pool.chunk[chunk].picked, 1)
    if not look_anew(self):
        # It is just being written, or read.
        pause(BETWEEN_LOOKS)
    while self.count and move(self) and may_go_on(self):
        look_on(self)
    for chunk in range(number * pool.each, (number + 1) * pool.each):
        store_long(&pool.chunk[chunk].picked, 0)


cdef uint64_t withdraw(Cleaner *self, uint64_t number) noexcept nogil:
    """Move what lies in an extent elsewhere; what came of it.

    Somebody waits, so it is done as fast as can be. What is moved is not verified on the way: whoever reads it does that.
    """
    cdef Pool *pool = self.pool
    cdef uint64_t before
    self.until = now() + WITHDRAWAL
    self.kept = KEPT
    # Room first, while what is free in the extent can be used for it.
    while free_outside(pool, number) * chunk_size(pool) < live_in(pool, number) + (KEPT + 1) * chunk_size(pool):
        if not compact(self, number):
            break
    close_extent(pool, number)
    while not is_empty(pool, number):
        if not may_go_on(self):
            return LATER
        before = live_in(pool, number)
        while room_to_move(pool, KEPT) < min(before, ENOUGH * chunk_size(pool)) and compact(self, number):
            pass
        move_all_of(self, number)
        if live_in(pool, number) == before and room_to_move(pool, KEPT) < LONGEST and not is_empty(pool, number):
            return LATER if load_long(&pool.short_of) else STAYED
    return LEFT


cdef bint step(Cleaner *self) noexcept nogil:
    """Do what is most urgent; false if nothing is."""
    cdef Pool *pool = self.pool
    cdef uint64_t short_of = load_long(&pool.short_of), free = free_chunks(pool), victim
    cdef uint64_t leaving = load_long(&pool.leaving)
    cdef bint has_time
    if leaving:
        self.hurry = True
        self.inside = self.into.kernel != NULL
        end_leaving(pool, leaving - 1, withdraw(self, leaving - 1))
        self.hurry = self.inside = False
        return True
    if short_of and (free > KEPT or can_hand_over(pool, short_of)):
        if free <= KEPT:
            hand_over(pool)
        store_long(&pool.short_of, 0)
        return True
    has_time = not is_compacted(pool)
    if not short_of and not has_time and free * 4 >= load_long(&pool.present):
        return False
    victim = find_victim(pool, NEARLY_FULL if short_of or has_time else HALF_FULL, room_to_clean(pool), NO_EXTENT)
    if victim == NO_CHUNK or not empty(self, victim):
        store_long(&pool.short_of, 0)
        store_long(&pool.compacted, 0)
        return False
    return True


cdef bint turn(Cleaner *self) noexcept nogil:
    cdef bint done
    if not load_acquire(&self.pool.begun):
        return False
    add_long(&self.pool.turns, 1)
    done = step(self)
    add_long(&self.pool.turns, 1)
    self.beat[0] += 1
    return done


cdef void clean(Cleaner *self) noexcept nogil:
    cdef uint64_t count
    while not load_acquire(&self.ending):
        read(self.pool.wake, &count, sizeof(count))
        self.beat[0] += 1
        while not load_acquire(&self.ending) and turn(self):
            pass
