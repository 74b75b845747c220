# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""Large writes are packed by all workers that have nothing else to do (crew.pxd says how)."""
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memmove
from posix.unistd cimport write

from vramswap_gui.server.engine.atomic cimport change_long, clear_bits, load_long, set_bits, store_long
from vramswap_gui.server.engine.clock cimport now
from vramswap_gui.server.engine.records cimport pack, record_length
from vramswap_gui.server.engine.tally cimport HELPED

cdef extern from *:
    """
    #define lowest_bit(n) __builtin_ctzll(n)
    """
    int lowest_bit(uint64_t) noexcept nogil

cdef extern from "<sched.h>" nogil:
    int sched_yield()

cdef enum:
    STATES = (1 << STATE_BITS) - 1


cdef inline uint64_t said(uint64_t turn, int state) noexcept nogil:
    return turn << STATE_BITS | <uint64_t>state


cdef inline unsigned int pages_of(const Offer *offer, unsigned int part) noexcept nogil:
    return min(offer.pages - part * PART, <unsigned int>PART)


cdef uint64_t pack_some(
    CodecState *codecs, int codec, uint64_t number, unsigned int pages, const unsigned char *data, Note *note,
    unsigned char *record
) noexcept nogil:
    """Pack pages one behind the other; how many bytes their records are."""
    cdef unsigned int i
    cdef uint64_t used = 0
    for i in range(pages):
        note[i].entry = pack(codecs, codec, number + i, data + i * <uint64_t>PAGE, record + used)
        used += record_length(note[i].entry)
    return used


cdef inline unsigned char *place_of_part(const Offer *offer, unsigned int part) noexcept nogil:
    return offer.memory + part * <uint64_t>PART * LONGEST


cdef uint64_t pack_part(Hand *self, unsigned int part, unsigned char *record) noexcept nogil:
    """Of one's own write; how many bytes its records are."""
    cdef Offer *offer = &self.offer
    cdef uint64_t first = part * PART
    return pack_some(
        self.codecs, offer.codec, offer.number + first, pages_of(offer, part), offer.data + first * PAGE,
        offer.note + first, record,
    )


cdef void wake(Crew *crew, int most) noexcept nogil:
    cdef uint64_t asleep = load_long(&crew.asleep), bit, one = 1
    while asleep and most > 0:
        bit = asleep & -asleep
        asleep &= ~bit
        # Nobody is woken twice.
        if clear_bits(&crew.asleep, bit) & bit:
            write(crew.hand[lowest_bit(bit)].wake, &one, sizeof(one))
            most -= 1


cdef void await_part(Hand *self, unsigned int part, uint64_t patience) noexcept nogil:
    """Have a part that somebody took, or pack it after all if that takes longer than it would have taken here."""
    cdef Offer *offer = &self.offer
    cdef uint64_t seen, until = now() + patience
    cdef int state
    while True:
        seen = load_long(&offer.part[part])
        state = <int>(seen & STATES)
        if state == DONE or state == KEPT:
            return
        if now() < until:
            continue
        if state != PACKING:
            sched_yield()
        elif change_long(&offer.part[part], &seen, said(offer.turn, KEPT)):
            pack_part(self, part, place_of_part(offer, part))
            return


cdef void close_up(Offer *offer, unsigned int parts, unsigned int together) noexcept nogil:
    """Have all records lie one behind the other, as those of the first parts do already, and in the notes where they are."""
    cdef unsigned char *record = offer.memory
    cdef unsigned char *begins
    cdef Note *note
    cdef unsigned int part, i
    for part in range(parts):
        begins = record
        note = offer.note + part * PART
        for i in range(pages_of(offer, part)):
            note[i].number = offer.number + part * PART + i
            note[i].record = record
            record += record_length(note[i].entry)
        if part >= together:
            memmove(begins, place_of_part(offer, part), record - begins)


cdef void pack_together(
    Hand *self, int codec, uint64_t number, unsigned int pages, const unsigned char *data, Note *note,
    unsigned char *memory
) noexcept nogil:
    cdef Offer *offer = &self.offer
    cdef unsigned int i, together = 0, parts = (pages + PART - 1) // PART
    cdef uint64_t seen, began, used, took = 0
    cdef unsigned char *record = memory
    offer.turn += 1
    offer.codec = codec
    offer.number = number
    offer.pages = pages
    offer.data = data
    offer.note = note
    offer.memory = memory
    for i in range(parts):
        store_long(&offer.part[i], said(offer.turn, OFFERED))
    set_bits(&self.crew.offering, bit_of(self))
    wake(self.crew, min(self.crew.helpers, <int>parts - 1))
    for i in range(parts):
        seen = said(offer.turn, OFFERED)
        if change_long(&offer.part[i], &seen, said(offer.turn, KEPT)):
            began = now()
            # What lies where it is to be need not be moved: all of it, when nobody helps.
            used = pack_part(self, i, record if together == i else place_of_part(offer, i))
            took = now() - began
            if together == i:
                together += 1
                record += used
    clear_bits(&self.crew.offering, bit_of(self))
    for i in range(parts):
        await_part(self, i, took)
    close_up(offer, parts, together)


cdef void bring(Hand *self, Offer *offer, unsigned int part, uint64_t used) noexcept nogil:
    cdef uint64_t first = part * PART
    cdef unsigned int i
    memcpy(place_of_part(offer, part), self.record, used)
    for i in range(pages_of(offer, part)):
        offer.note[first + i].entry = self.note[i].entry


cdef bint take_part(Hand *self, Offer *offer, unsigned int part) noexcept nogil:
    """Pack a part of somebody else's write, unless it is taken."""
    cdef uint64_t seen = load_long(&offer.part[part]), turn = seen >> STATE_BITS, number, used
    cdef unsigned int pages
    cdef int codec
    if <int>(seen & STATES) != OFFERED or not change_long(&offer.part[part], &seen, said(turn, FETCHED)):
        return False
    pages = pages_of(offer, part)
    number = offer.number + part * PART
    codec = offer.codec
    memcpy(self.data, offer.data + part * <uint64_t>PART * PAGE, pages * <uint64_t>PAGE)
    store_long(&offer.part[part], said(turn, PACKING))
    used = pack_some(self.codecs, codec, number, pages, self.data, self.note, self.record)
    seen = said(turn, PACKING)
    if change_long(&offer.part[part], &seen, said(turn, BROUGHT)):
        bring(self, offer, part, used)
        self.tally[HELPED] += pages
        store_long(&offer.part[part], said(turn, DONE))
    return True


cdef bint help_one(Hand *self, Offer *offer) noexcept nogil:
    cdef int part
    for part in range(PARTS - 1, -1, -1):
        if take_part(self, offer, <unsigned int>part):
            return True
    return False


cdef bint help_others(Hand *self) noexcept nogil:
    cdef uint64_t offering = load_long(&self.crew.offering)
    cdef int k, other
    if offering == 0:
        return False
    for k in range(1, self.crew.count):
        other = (self.worker + k) % self.crew.count
        if offering >> other & 1 and help_one(self, &self.crew.hand[other].offer):
            return True
    return False


cdef bint lie_down(Hand *self) noexcept nogil:
    # In this order, and the other way round where something is offered: one of both sees the other.
    set_bits(&self.crew.asleep, bit_of(self))
    return load_long(&self.crew.offering) != 0


cdef void get_up(Hand *self) noexcept nogil:
    clear_bits(&self.crew.asleep, bit_of(self))
