# SPDX-License-Identifier: MIT
# A log in VRAM: chunks of equal size, in which records lie one behind the other, and the tables of pages that speak of
# them. Places count bytes through all chunks, those among them that are not there.
#
# The VRAM comes and goes in extents of equal size, which are a number of chunks each; tables come and go with segments.
# That is done by one thread, Python's, beside the workers and the cleaner: what is added is complete before they see it,
# and what goes is waited for.
#
# Nothing here waits for anybody. A chunk is used anew when no entry speaks of it, none is about to, and nobody copies from
# it; whoever is about to do one of these says so first and looks at the chunk or the entry again afterwards.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.atomic cimport add_long, change_long, load_long, store_long
from vramswap_gui.server.engine.records cimport CLAIMED, LOST, can_unpack, has_record, place_of, record_length

cdef enum:
    MAX_TABLES = 16
    MAX_WRITERS = 64
    # Taken by a writer at once, so that what it writes next lies behind what it wrote last.
    SLAB = 256 << 10
    # Chunks that writers leave for the one who cleans.
    KEPT = 1

    # States of a chunk. Only who has `busy` changes them.
    FREE = 0
    OPEN = 1                 # it is being filled, by writers or by the cleaner
    CLOSED = 2
    ABSENT = 3
    LEAVING = 4              # nothing is written to it any more, and the cleaner empties it

    # What came of an extent that is to leave: it did, it is to be asked again, or it cannot.
    PENDING = 0
    LEFT = 1
    LATER = 2
    STAYED = 3

    # What came of asking for room.
    TAKEN = 0
    NOT_NOW = 1
    NOTHING_LEFT = 2

    # A stretch of the log as one word: where, and how long, in units.
    STRETCH_SHIFT = 26

    # How many sixteenths of a chunk may be live when room is short, and when there is time.
    NEARLY_FULL = 15
    HALF_FULL = 8

cdef extern from *:
    """
    #define NO_CHUNK UINT64_MAX
    #define NO_EXTENT UINT64_MAX
    """
    const uint64_t NO_CHUNK
    const uint64_t NO_EXTENT

cdef struct Chunk:
    uint64_t device          # its address
    uint64_t live            # bytes of the records that entries speak of or soon will
    uint64_t users           # who copies from it, or takes room in it, now
    uint64_t state
    uint64_t picked          # the cleaner's: what lies in it is to be moved
    uint64_t bad             # something that lay in it was hurt there: it is filled no more
    uint64_t *known          # that, where the next engine finds it; or NULL
    uint64_t line[1]         # of the processor's cache

cdef struct Table:
    # The entries of a segment's pages; none while nobody has it.
    uint64_t *entry
    uint64_t pages
    uint64_t stored          # of these, those that are not as they were in the beginning

cdef struct Slab:
    # What a writer has taken and not used yet: its own, unless the chunk is wanted.
    uint64_t rest
    uint64_t line[7]

cdef struct Pool:
    Chunk *chunk
    uint64_t count           # of chunks up to the last one that is there
    uint64_t present         # of those that are
    uint64_t each            # chunks of an extent
    uint64_t most            # extents
    int shift                # a chunk has 2 ** shift bytes
    uint64_t open            # what is left of the chunk that is being filled
    uint64_t busy            # somebody opens or closes a chunk
    uint64_t reserved        # chunks that the cleaner reckons with, besides KEPT
    uint64_t short_of        # bytes for which a writer found no room; 0 again when the cleaner has done what it can
    uint64_t turns           # the cleaner's: odd while it moves something, and what is free is about to change
    int wake                 # eventfd of the cleaner
    uint64_t moved           # bytes, by the cleaner
    uint64_t compacted       # somebody has time: until no more bytes are holes, counted from one
    uint64_t idle            # what was open then: whoever writes ends it
    uint64_t leaving         # the extent that is to leave, counted from one
    uint64_t outcome
    uint64_t left            # bytes that lay in it then
    int told                 # eventfd of whoever waits for that
    Table table[MAX_TABLES]
    uint64_t tables          # up to the last one that anybody has
    int begun                # what is in the chunks is known; the cleaner touches nothing before
    Slab slab[MAX_WRITERS]
    # The cleaner's own chunk.
    uint64_t cleaned


cdef inline uint64_t chunk_size(const Pool *pool) noexcept nogil:
    return <uint64_t>1 << pool.shift


cdef inline Chunk *chunk_at(Pool *pool, uint64_t place) noexcept nogil:
    return &pool.chunk[place >> pool.shift]


cdef inline uint64_t device_at(Pool *pool, uint64_t place) noexcept nogil:
    return chunk_at(pool, place).device + (place & (chunk_size(pool) - 1))


cdef inline void forget(Pool *pool, uint64_t entry) noexcept nogil:
    """No entry speaks of this one's record any more."""
    if has_record(entry):
        add_long(&chunk_at(pool, place_of(entry)).live, -record_length(entry))


cdef inline bint exchange(Pool *pool, uint64_t *slot, uint64_t before, uint64_t after) noexcept nogil:
    """Have one entry stand where another one does, the record of which is nobody's then; false if somebody wrote the page
    meanwhile, or forgot it. Who has claimed it goes on having it."""
    cdef uint64_t found = load_long(slot)
    while found & ~<uint64_t>CLAIMED == before:
        if change_long(slot, &found, after | (found & CLAIMED)):
            forget(pool, before)
            return True
    return False


cdef inline void retire(Pool *pool, uint64_t *slot, uint64_t entry) noexcept nogil:
    """The record, which is pinned, was not as it had been written, twice: its chunk is not to be trusted with another. Its
    page is lost from now on, or whoever meets the record next would condemn the chunk that it is in by then."""
    cdef Chunk *chunk
    if not has_record(entry) or not can_unpack(entry):
        # Where it cannot be unpacked nobody knows whether it is as it was.
        return
    chunk = chunk_at(pool, place_of(entry))
    store_long(&chunk.bad, 1)
    if chunk.known != NULL:
        store_long(chunk.known, 1)
    exchange(pool, slot, entry, LOST)


cdef inline uint64_t seen_at(const uint64_t *entry) noexcept nogil:
    """An entry as it is now, whoever claims it."""
    return load_long(entry) & ~<uint64_t>CLAIMED


cdef inline uint64_t pin(Pool *pool, uint64_t *entry) noexcept nogil:
    """An entry as it is now, the record of which stays where it is until unpin()."""
    cdef uint64_t seen = seen_at(entry), again
    while has_record(seen):
        add_long(&chunk_at(pool, place_of(seen)).users, 1)
        again = seen_at(entry)
        if again == seen:
            break
        add_long(&chunk_at(pool, place_of(seen)).users, <uint64_t>-1)
        seen = again
    return seen


cdef inline void unpin(Pool *pool, uint64_t entry) noexcept nogil:
    if has_record(entry):
        add_long(&chunk_at(pool, place_of(entry)).users, <uint64_t>-1)


# By Python. There are never more than so many extents.
cdef int open_pool(Pool *pool, uint64_t extents, int wake, int told) except -1
cdef void close_pool(Pool *pool) noexcept
# Raises ValueError when extents were of another size, and some are there. `bad`: a word for each chunk, shared with the
# engines before and after; or NULL.
cdef int add_extent(
    Pool *pool, uint64_t number, uint64_t device, uint64_t size, int shift, uint64_t *bad
) except -1
# Have the cleaner empty it; `told` is readable when it has, or cannot, which `outcome` says. Then it is no part any more.
cdef void dismiss_extent(Pool *pool, uint64_t number) noexcept
# A table's number. Its segment has no request under way when it is removed.
cdef int add_table(Pool *pool, uint64_t *entry, uint64_t pages) noexcept
cdef void remove_table(Pool *pool, int number, bint for_good) noexcept
# Bytes that records take of it; and whole chunks that are bad.
cdef uint64_t live_bytes(Pool *pool) noexcept nogil
# Pages that are not as they were in the beginning; and bytes that chunks have room for, but not before they were cleaned.
cdef uint64_t stored_pages(const Pool *pool) noexcept nogil
cdef uint64_t holes(Pool *pool) noexcept nogil
# Have the cleaner empty chunks until so many bytes are holes, as long as nobody writes.
cdef void compact_to(Pool *pool, uint64_t least) noexcept nogil
cdef bint is_compacted(Pool *pool) noexcept nogil
# Find out what is where; once, when no engine before writes any more.
cdef void begin_pool(Pool *pool) noexcept nogil
# Room for a record, counted as live from then on.
cdef int take(Pool *pool, int writer, uint64_t length, uint64_t *place) noexcept nogil
# Whether there is no use in looking for so many bytes of room before the cleaner had its turn.
cdef bint is_short_of(Pool *pool, int writer, uint64_t length) noexcept nogil
# Whether so many bytes of records find room now, if nobody else comes.
cdef bint has_room_for(Pool *pool, int writer, uint64_t length) noexcept nogil
# Whether room for them may come without anything being forgotten; if so somebody sees to it.
cdef bint may_come(Pool *pool, int writer, uint64_t length) noexcept nogil

# For the cleaner.
cdef uint64_t free_chunks(Pool *pool) noexcept nogil
cdef uint64_t find_victim(Pool *pool, uint64_t sixteenths, uint64_t room, uint64_t spared) noexcept nogil
cdef uint64_t room_to_clean(Pool *pool) noexcept nogil
# How much can be moved at once so that so many chunks are still free afterwards.
cdef uint64_t room_to_move(Pool *pool, uint64_t kept) noexcept nogil
cdef bint take_to_clean(Pool *pool, uint64_t length, uint64_t *place) noexcept nogil
cdef void revoke(Pool *pool, uint64_t number) noexcept nogil
cdef bint can_hand_over(Pool *pool, uint64_t length) noexcept nogil
cdef void hand_over(Pool *pool) noexcept nogil
# The extent that is to leave: nothing is written to it from then on, then perhaps it is there no more, or it stays.
cdef void close_extent(Pool *pool, uint64_t number) noexcept nogil
cdef bint is_unused(Pool *pool, uint64_t number) noexcept nogil
cdef void end_leaving(Pool *pool, uint64_t number, uint64_t outcome) noexcept nogil
# What lies in an extent, and how many chunks are free elsewhere.
cdef uint64_t live_in(Pool *pool, uint64_t number) noexcept nogil
cdef uint64_t free_outside(Pool *pool, uint64_t number) noexcept nogil
