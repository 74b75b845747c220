# SPDX-License-Identifier: MIT
# Workers that pack together: who has a large write offers it in parts, and those that have nothing to do take some.
#
# Nobody waits for one that hangs. Who takes another one's part copies its pages to memory of its own, packs them there, and
# copies the records to where they are wanted. While it packs, which is what takes long, the part can be taken back: then
# whoever offered it packs it after all, and what the other one makes of it is nobody's. Only while a part is copied it
# cannot; a worker that is stopped just then has the one who offered it stop as well, and no heartbeat is shown by either.
#
# Whoever offers something takes parts from the front and the others take them from the back. All of it is over when the
# write is packed, before room is taken for it; of claims, places and entries nobody here knows anything.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.codecs cimport CodecState
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.records cimport LONGEST

cdef enum:
    # Pages of a part, and parts of the largest write.
    PART = 4
    PARTS = 33
    # From how many pages on a write is offered: it has to take longer than to wake somebody.
    SHARED_FROM = 16

    # States of a part, the lowest bits of its word; the others count the writes that were offered, so that who finds a part
    # as it was seen finds it in the same write.
    KEPT = 0                 # by whoever offered it
    OFFERED = 1
    FETCHED = 2              # its pages are being copied
    PACKING = 3
    BROUGHT = 4              # its records are being copied
    DONE = 5
    STATE_BITS = 3

cdef struct Note:
    # What is to become of a page, or what is read of it.
    uint64_t number
    uint64_t entry
    unsigned char *record

cdef struct Offer:
    # A large write. Only `part` is looked at by others before they have taken one.
    uint64_t turn
    uint64_t part[PARTS]
    int codec
    uint64_t number          # of its first page
    unsigned int pages
    const unsigned char *data
    Note *note               # of its first page
    unsigned char *memory    # with room for the longest record for each page

cdef struct Crew

cdef struct Hand:
    # A worker, as those see it that pack.
    Crew *crew
    int worker
    int wake                 # eventfd that sends it round its loop
    uint64_t *tally          # the worker's row of counters
    CodecState *codecs
    Offer offer
    # A part of somebody else's.
    Note note[PART]
    unsigned char data[PART * PAGE]
    unsigned char record[PART * LONGEST]

cdef struct Crew:
    Hand *hand
    int count                # at most as many as a word has bits
    int helpers              # so many are woken for a write
    # A bit for each worker that has something to be packed, and for each that sleeps and may be woken for it.
    uint64_t offering
    uint64_t asleep


cdef inline uint64_t bit_of(const Hand *self) noexcept nogil:
    return <uint64_t>1 << self.worker

# Pack a large write's pages one behind the other, with whoever has nothing to do: the same as pack() of each of them, with
# room for the longest record for each. Their notes then say what became of them.
cdef void pack_together(
    Hand *self, int codec, uint64_t number, unsigned int pages, const unsigned char *data, Note *note,
    unsigned char *memory
) noexcept nogil
# Pack a part of somebody's write; false if nobody offers any.
cdef bint help_others(Hand *self) noexcept nogil
# Before a worker sleeps, whether it is to look for parts instead; and after it did, or did not.
cdef bint lie_down(Hand *self) noexcept nogil
cdef void get_up(Hand *self) noexcept nogil
