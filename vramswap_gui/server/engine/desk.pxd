# SPDX-License-Identifier: MIT
# Where a batch's pages are packed, or wait to be unpacked: each batch has one, where any are packed.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.crew cimport Hand, Note
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.records cimport LONGEST

cdef enum:
    # Pages of one batch.
    NOTES = 1024
    # Pinned memory for the records of one batch: those of the largest request find room in it, which has as many pages as
    # a connection's ring, and may begin and end within one.
    PAGES_INTO = 130
    PAGES_OUT = 68

cdef struct Desk:
    Hand *hand               # whose it is
    unsigned char *memory    # pinned
    size_t size
    size_t used
    # Notes are made in the order in which requests come and done with in the same.
    unsigned int noted
    unsigned int settled
    Note note[NOTES]
    # For a record that is read alone, in pinned memory, and for a page of which a part is wanted.
    unsigned char *record
    unsigned char page[PAGE]


cdef inline void settle(Desk *desk, unsigned int count) noexcept nogil:
    """So many notes are done with; with the last of them all room is there again."""
    desk.settled += count
    if desk.settled == desk.noted:
        desk.noted = desk.settled = 0
        desk.used = 0
