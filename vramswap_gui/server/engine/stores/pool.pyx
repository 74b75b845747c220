# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""A log in VRAM: which chunk is filled, which are used anew, and how much in each of them somebody still wants.

The entries are all there is to know. Everything here is derived from them when an engine begins.
"""
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from posix.unistd cimport write

from vramswap_gui.server.engine.atomic cimport (
    add_long,
    change_long,
    load_long,
    store_long,
    store_release,
    swap_long,
)
from vramswap_gui.server.engine.clock cimport pause
from vramswap_gui.server.engine.records cimport (
    CLAIMED,
    LONGEST,
    LOST,
    UNIT,
    UNWRITTEN,
    form_of,
    has_record,
    place_of,
    record_length,
)

cdef enum:
    # Nanoseconds between two looks whether the cleaner's turn is over.
    SHORTLY = 50000
    # What may be lost where records do not go on from one stretch to the next.
    BETWEEN = 4 * LONGEST

cdef extern from "<sched.h>" nogil:
    int sched_yield()


cdef inline uint64_t stretch(uint64_t place, uint64_t length) noexcept nogil:
    return place // UNIT << STRETCH_SHIFT | length // UNIT


cdef inline uint64_t place_in(uint64_t stretch) noexcept nogil:
    return (stretch >> STRETCH_SHIFT) * UNIT


cdef inline uint64_t length_of(uint64_t stretch) noexcept nogil:
    return (stretch & ((<uint64_t>1 << STRETCH_SHIFT) - 1)) * UNIT


cdef inline uint64_t after(uint64_t rest, uint64_t length) noexcept nogil:
    """What is left of a stretch when so much of it is taken."""
    return stretch(place_in(rest) + length, length_of(rest) - length)


cdef inline uint64_t chunk_of_rest(const Pool *pool, uint64_t rest) noexcept nogil:
    """The chunk up to whose end a stretch goes."""
    return (place_in(rest) + length_of(rest) - 1) >> pool.shift


cdef inline uint64_t usable(Pool *pool, uint64_t rest) noexcept nogil:
    """The length of a stretch, or nothing of it if it is in a bad chunk."""
    if length_of(rest) and not load_long(&chunk_at(pool, place_in(rest)).bad):
        return length_of(rest)
    return 0


cdef int open_pool(Pool *pool, uint64_t extents, int wake, int told) except -1:
    memset(pool, 0, sizeof(Pool))
    pool.most = extents
    pool.wake = wake
    pool.told = told
    return 0


cdef void close_pool(Pool *pool) noexcept:
    free(pool.chunk)
    pool.chunk = NULL


cdef void await_turn(Pool *pool) noexcept:
    """Until the cleaner has seen what was changed."""
    cdef uint64_t turn = load_long(&pool.turns)
    while turn % 2 and load_long(&pool.turns) == turn:
        pause(SHORTLY)


cdef int add_extent(
    Pool *pool, uint64_t number, uint64_t device, uint64_t size, int shift, uint64_t *bad
) except -1:
    cdef uint64_t first, i
    if pool.chunk != NULL and load_long(&pool.present) == 0:
        # The next ones may be of another size. No table speaks of them, and the cleaner has looked for the last time.
        store_long(&pool.count, 0)
        await_turn(pool)
        close_pool(pool)
    if pool.chunk == NULL:
        pool.shift = shift
        pool.each = size >> shift
        pool.chunk = <Chunk *>calloc(pool.most * pool.each, sizeof(Chunk))
        if pool.chunk == NULL:
            raise MemoryError
        for i in range(pool.most * pool.each):
            pool.chunk[i].state = ABSENT
    if pool.each != size >> shift or pool.shift != shift or number >= pool.most:
        raise ValueError("this extent is no part of the pool")
    first = number * pool.each
    for i in range(pool.each):
        pool.chunk[first + i].device = device + (i << shift)
        pool.chunk[first + i].known = bad + i if bad != NULL else NULL
        store_long(&pool.chunk[first + i].bad, bad[i] if bad != NULL else 0)
        store_long(&pool.chunk[first + i].state, FREE)
    add_long(&pool.present, pool.each)
    store_long(&pool.count, max(pool.count, first + pool.each))
    # Somebody may wait for room.
    kick(pool)
    return 0


cdef void dismiss_extent(Pool *pool, uint64_t number) noexcept:
    store_long(&pool.outcome, PENDING)
    store_long(&pool.leaving, number + 1)
    kick(pool)


cdef int add_table(Pool *pool, uint64_t *entry, uint64_t pages) noexcept:
    cdef int i
    for i in range(MAX_TABLES):
        if pool.table[i].entry == NULL:
            pool.table[i].entry = entry
            store_long(&pool.table[i].pages, pages)
            store_long(&pool.tables, max(pool.tables, <uint64_t>i + 1))
            return i
    return -1


cdef void remove_table(Pool *pool, int number, bint for_good) noexcept:
    cdef Table *table = &pool.table[number]
    cdef uint64_t i, pages = table.pages
    store_long(&table.pages, 0)
    await_turn(pool)
    if pool.begun and for_good:
        for i in range(pages):
            # The entry first: should this engine die on the way, the next one finds none of what is written there anew.
            forget(pool, swap_long(&table.entry[i], UNWRITTEN))
    store_long(&table.stored, 0)
    table.entry = NULL
    # There is room for whoever waits for it.
    kick(pool)


cdef uint64_t live_bytes(Pool *pool) noexcept nogil:
    cdef uint64_t number, live = 0
    for number in range(load_long(&pool.count)):
        live += chunk_size(pool) if load_long(&pool.chunk[number].bad) else load_long(&pool.chunk[number].live)
    return live


cdef uint64_t stored_pages(const Pool *pool) noexcept nogil:
    cdef uint64_t i, stored = 0
    for i in range(load_long(&pool.tables)):
        stored += load_long(&pool.table[i].stored)
    return stored


cdef uint64_t holes(Pool *pool) noexcept nogil:
    cdef uint64_t number, live, found = 0
    cdef Chunk *chunk
    for number in range(load_long(&pool.count)):
        chunk = &pool.chunk[number]
        live = load_long(&chunk.live)
        if load_long(&chunk.state) == CLOSED and 0 < live < chunk_size(pool) and not load_long(&chunk.bad):
            found += chunk_size(pool) - live
    return found


cdef void compact_to(Pool *pool, uint64_t least) noexcept nogil:
    store_long(&pool.idle, load_long(&pool.open))
    store_long(&pool.compacted, least + 1)
    kick(pool)


cdef bint is_compacted(Pool *pool) noexcept nogil:
    """Whether there is nothing to do for whoever has time, or no time any more."""
    cdef uint64_t least = load_long(&pool.compacted)
    if least and (load_long(&pool.open) != load_long(&pool.idle) or holes(pool) < least):
        store_long(&pool.compacted, 0)
        return True
    return least == 0


cdef inline void kick(Pool *pool) noexcept nogil:
    cdef uint64_t one = 1
    write(pool.wake, &one, sizeof(one))


cdef inline bint is_possible(const Pool *pool, uint64_t entry) noexcept nogil:
    """Whether an entry speaks of a place that there is. What packed the page may be missing now, and there again for the
    next engine."""
    cdef uint64_t place = place_of(entry), last = place + record_length(entry) - 1
    if not has_record(entry):
        return True
    return (
        last >> pool.shift == place >> pool.shift
        and last >> pool.shift < pool.count
        and pool.chunk[place >> pool.shift].state != ABSENT
    )


cdef void begin_pool(Pool *pool) noexcept nogil:
    """What an engine before was just writing was never published, and the kernel sends it again."""
    cdef uint64_t number, entry, most = 0, here, best = 0
    cdef uint64_t i
    cdef Chunk *chunk
    if pool.begun:
        return
    for i in range(pool.tables):
        for number in range(pool.table[i].pages):
            entry = pool.table[i].entry[number] & ~<uint64_t>CLAIMED
            if not is_possible(pool, entry):
                entry = LOST
            pool.table[i].entry[number] = entry
            pool.table[i].stored += form_of(entry) != UNWRITTEN
            if has_record(entry):
                chunk = chunk_at(pool, place_of(entry))
                chunk.live += record_length(entry)
                here = (place_of(entry) & (chunk_size(pool) - 1)) + record_length(entry)
                chunk.line[0] = max(chunk.line[0], here)
    # The one with most room behind its last record is filled up: by the cleaner when no other is free, for then the engine
    # before was just emptying one into it.
    for number in range(pool.count):
        chunk = &pool.chunk[number]
        if chunk.state == ABSENT:
            continue
        chunk.state = CLOSED if chunk.live else FREE
        if chunk.live and not chunk.bad and chunk_size(pool) - chunk.line[0] > most:
            most = chunk_size(pool) - chunk.line[0]
            best = number
    if most:
        pool.chunk[best].state = OPEN
        here = stretch((best << pool.shift) + chunk_size(pool) - most, most)
        if free_chunks(pool):
            pool.open = here
        else:
            pool.cleaned = here
    store_release(&pool.begun, 1)
    # It may have been woken before, and was not to look at what was not known yet.
    kick(pool)


cdef inline bint is_free(const Chunk *chunk) noexcept nogil:
    cdef uint64_t state = load_long(&chunk.state)
    if load_long(&chunk.bad):
        return False
    return state == FREE or (state == CLOSED and load_long(&chunk.live) == 0)


cdef uint64_t free_chunks(Pool *pool) noexcept nogil:
    cdef uint64_t number, found = 0
    for number in range(load_long(&pool.count)):
        found += is_free(&pool.chunk[number])
    return found


cdef void revoke(Pool *pool, uint64_t number) noexcept nogil:
    """No writer has room in a chunk any more."""
    cdef uint64_t rest
    cdef int i
    for i in range(MAX_WRITERS):
        rest = load_long(&pool.slab[i].rest)
        if length_of(rest) and place_in(rest) >> pool.shift == number:
            while rest and place_in(rest) >> pool.shift == number:
                if change_long(&pool.slab[i].rest, &rest, 0):
                    break


cdef bint is_unused(Pool *pool, uint64_t number) noexcept nogil:
    """Whether a chunk that is not open can be filled anew, or go, whoever comes meanwhile.

    Who takes room in it does that within `users`, and what is taken of a slab is live before. Who reads is among the
    users before an entry is looked at once more.
    """
    cdef Chunk *chunk = &pool.chunk[number]
    if load_long(&chunk.state) == FREE:
        return True
    if load_long(&chunk.live) or load_long(&chunk.users):
        return False
    revoke(pool, number)
    return load_long(&chunk.live) == 0 and load_long(&chunk.users) == 0


cdef uint64_t find_unused(Pool *pool) noexcept nogil:
    cdef uint64_t number, state
    for number in range(load_long(&pool.count)):
        state = load_long(&pool.chunk[number].state)
        if load_long(&pool.chunk[number].bad):
            continue
        if (state == FREE or state == CLOSED) and is_unused(pool, number):
            return number
    return NO_CHUNK


cdef void close_rest(Pool *pool, uint64_t rest) noexcept nogil:
    if rest:
        store_long(&pool.chunk[chunk_of_rest(pool, rest)].state, CLOSED)


cdef inline uint64_t kept(const Pool *pool) noexcept nogil:
    """Chunks that are not for writers."""
    return KEPT + load_long(&pool.reserved)


cdef int open_next(Pool *pool, uint64_t seen) noexcept nogil:
    """Have another chunk filled, if the one that was seen is full."""
    cdef uint64_t number, left
    cdef int found = TAKEN
    if swap_long(&pool.busy, 1):
        return NOT_NOW
    left = free_chunks(pool)
    if load_long(&pool.open) == seen:
        number = find_unused(pool) if left > kept(pool) else NO_CHUNK
        if number == NO_CHUNK:
            # What is free may be in somebody's hands for a moment.
            found = NOT_NOW if left > kept(pool) else NOTHING_LEFT
        else:
            close_rest(pool, seen)
            store_long(&pool.chunk[number].state, OPEN)
            store_long(&pool.open, stretch(number << pool.shift, chunk_size(pool)))
            left -= 1
    store_long(&pool.busy, 0)
    if found == TAKEN and left * 4 < load_long(&pool.present):
        kick(pool)
    return found


cdef int take_slab(Pool *pool, Slab *slab, uint64_t length) noexcept nogil:
    """Give a writer some more room, next to what it has if nobody came between."""
    cdef uint64_t rest = load_long(&pool.open), wanted, old
    cdef Chunk *chunk
    cdef int found
    while True:
        if usable(pool, rest) < length:
            found = open_next(pool, rest)
            if found != TAKEN:
                return found
            rest = load_long(&pool.open)
            continue
        wanted = min(length_of(rest), <uint64_t>SLAB)
        chunk = chunk_at(pool, place_in(rest))
        add_long(&chunk.users, 1)
        if change_long(&pool.open, &rest, after(rest, wanted)):
            old = load_long(&slab.rest)
            if not (
                length_of(old)
                and place_in(old) + length_of(old) == place_in(rest)
                and place_in(old) >> pool.shift == place_in(rest) >> pool.shift
                and change_long(&slab.rest, &old, stretch(place_in(old), length_of(old) + wanted))
            ):
                store_long(&slab.rest, stretch(place_in(rest), wanted))
            add_long(&chunk.users, <uint64_t>-1)
            return TAKEN
        add_long(&chunk.users, <uint64_t>-1)


cdef int take(Pool *pool, int writer, uint64_t length, uint64_t *place) noexcept nogil:
    cdef Slab *slab = &pool.slab[writer]
    cdef uint64_t rest = load_long(&slab.rest)
    cdef Chunk *chunk
    cdef int found
    while True:
        if usable(pool, rest) < length:
            found = take_slab(pool, slab, length)
            if found != TAKEN:
                return found
            rest = load_long(&slab.rest)
            continue
        chunk = chunk_at(pool, place_in(rest))
        add_long(&chunk.live, length)
        if change_long(&slab.rest, &rest, after(rest, length)):
            place[0] = place_in(rest)
            return TAKEN
        # Somebody wanted the chunk.
        add_long(&chunk.live, -length)


cdef inline uint64_t room_at_hand(Pool *pool, int writer) noexcept nogil:
    return usable(pool, load_long(&pool.slab[writer].rest)) + usable(pool, load_long(&pool.open))


cdef bint is_short_of(Pool *pool, int writer, uint64_t length) noexcept nogil:
    return load_long(&pool.short_of) != 0 and room_at_hand(pool, writer) < length + BETWEEN


cdef bint has_room_for(Pool *pool, int writer, uint64_t length) noexcept nogil:
    return length == 0 or room_at_hand(pool, writer) >= length + BETWEEN or free_chunks(pool) > kept(pool)


cdef bint is_hopeless(Pool *pool, int writer, uint64_t length) noexcept nogil:
    """Whether there is nothing to wait for. Anything that changes while it is looked at is something."""
    cdef uint64_t turn = load_long(&pool.turns)
    return (
        turn % 2 == 0
        and free_chunks(pool) <= KEPT
        and not can_hand_over(pool, length)
        and find_victim(pool, NEARLY_FULL, room_to_clean(pool), NO_EXTENT) == NO_CHUNK
        and not has_room_for(pool, writer, length)
        and load_long(&pool.turns) == turn
    )


cdef bint may_come(Pool *pool, int writer, uint64_t length) noexcept nogil:
    cdef uint64_t before = load_long(&pool.short_of)
    if is_hopeless(pool, writer, length):
        return False
    while before < length:
        if change_long(&pool.short_of, &before, length):
            kick(pool)
            break
    return True


cdef uint64_t find_victim(Pool *pool, uint64_t sixteenths, uint64_t room, uint64_t spared) noexcept nogil:
    """The chunk with the fewest live bytes, if no more than so many sixteenths are, nor more than there is room for; none
    of the extent that is spared."""
    cdef uint64_t number, live, found = NO_CHUNK
    cdef uint64_t most = min(chunk_size(pool) // 16 * sixteenths, room)
    for number in range(load_long(&pool.count)):
        live = load_long(&pool.chunk[number].live)
        if load_long(&pool.chunk[number].picked) or number // pool.each == spared:
            continue
        if load_long(&pool.chunk[number].state) == CLOSED and 0 < live <= most:
            most = live - 1
            found = number
    return found


cdef uint64_t room_to_clean(Pool *pool) noexcept nogil:
    return usable(pool, load_long(&pool.cleaned)) + (chunk_size(pool) if free_chunks(pool) else 0)


cdef uint64_t room_to_move(Pool *pool, uint64_t kept) noexcept nogil:
    cdef uint64_t free = free_chunks(pool), spare = free - kept if free > kept else 0
    cdef uint64_t room = usable(pool, load_long(&pool.cleaned)) + spare * chunk_size(pool)
    # Records do not go on from one chunk to the next.
    cdef uint64_t lost = (spare + 1) * LONGEST
    return room - lost if room > lost else 0


cdef bint can_hand_over(Pool *pool, uint64_t length) noexcept nogil:
    """Whether the cleaner's chunk has room for so much, and it can do without, because there is another one."""
    return usable(pool, load_long(&pool.cleaned)) >= length + BETWEEN and free_chunks(pool) >= KEPT


cdef void lock(Pool *pool) noexcept nogil:
    """For the cleaner alone, for whom nobody waits."""
    while swap_long(&pool.busy, 1):
        sched_yield()


cdef bint take_to_clean(Pool *pool, uint64_t length, uint64_t *place) noexcept nogil:
    """Room for what is moved, counted as live from then on."""
    cdef uint64_t rest = pool.cleaned, number
    if usable(pool, rest) < length:
        lock(pool)
        number = find_unused(pool)
        if number != NO_CHUNK:
            close_rest(pool, rest)
            store_long(&pool.chunk[number].state, OPEN)
            rest = stretch(number << pool.shift, chunk_size(pool))
        store_long(&pool.busy, 0)
        if number == NO_CHUNK:
            return False
    place[0] = place_in(rest)
    add_long(&chunk_at(pool, place[0]).live, length)
    store_long(&pool.cleaned, after(rest, length))
    return True


cdef void close_extent(Pool *pool, uint64_t number) noexcept nogil:
    cdef uint64_t first = number * pool.each, i, rest
    lock(pool)
    for i in range(first, first + pool.each):
        store_long(&pool.chunk[i].state, LEAVING)
    rest = load_long(&pool.open)
    # Whoever takes of it now fails, or has taken it already.
    while rest and chunk_of_rest(pool, rest) // pool.each == number:
        if change_long(&pool.open, &rest, 0):
            break
    if pool.cleaned and chunk_of_rest(pool, pool.cleaned) // pool.each == number:
        store_long(&pool.cleaned, 0)
    store_long(&pool.busy, 0)
    for i in range(first, first + pool.each):
        revoke(pool, i)


cdef uint64_t live_in(Pool *pool, uint64_t number) noexcept nogil:
    cdef uint64_t i, live = 0
    for i in range(number * pool.each, (number + 1) * pool.each):
        live += load_long(&pool.chunk[i].live)
    return live


cdef uint64_t free_outside(Pool *pool, uint64_t number) noexcept nogil:
    cdef uint64_t i, inside = 0, all_of_them = free_chunks(pool)
    for i in range(number * pool.each, (number + 1) * pool.each):
        inside += is_free(&pool.chunk[i])
    return all_of_them - inside if all_of_them > inside else 0


cdef void end_leaving(Pool *pool, uint64_t number, uint64_t outcome) noexcept nogil:
    cdef uint64_t first = number * pool.each, i, one = 1
    store_long(&pool.left, live_in(pool, number))
    for i in range(first, first + pool.each):
        # Of a chunk that stays nobody knows any more how far it was filled.
        store_long(&pool.chunk[i].state, ABSENT if outcome == LEFT else CLOSED)
        if outcome == LEFT:
            store_long(&pool.chunk[i].bad, 0)
    if outcome == LEFT:
        add_long(&pool.present, -pool.each)
    store_long(&pool.outcome, outcome)
    store_long(&pool.leaving, 0)
    write(pool.told, &one, sizeof(one))


cdef void hand_over(Pool *pool) noexcept nogil:
    """Let writers fill up the cleaner's chunk."""
    cdef uint64_t rest
    lock(pool)
    rest = swap_long(&pool.open, pool.cleaned)
    close_rest(pool, rest)
    store_long(&pool.cleaned, 0)
    store_long(&pool.busy, 0)
