# SPDX-License-Identifier: MIT
# Pages as the compressed store keeps them: each is an entry of 64 bits, and most have a record in VRAM beside.
#
# A record is the page's sum and its data, in whole units. An entry's lowest bits say the form, the rest what is needed to
# have the page back: where the record is and how long its data; or the one word that the page is full of, when 60 bits
# say it, and then there is no record. The sum lies with the data, so that one entry, published at once, speaks of both.
from libc.stdint cimport uint32_t, uint64_t

from vramswap_gui.server.engine.codecs cimport CodecState
from vramswap_gui.server.engine.page cimport PAGE

cdef enum:
    UNIT = 16
    SUM = 4
    # The longest record, and the data that is worth being packed: a page that would save less is kept as it is, and is
    # back the sooner.
    LONGEST = PAGE + UNIT
    WORTH = PAGE - PAGE // 8 - SUM

    # Forms.
    UNWRITTEN = 0            # never, or forgotten since: zeroes
    FILLED = 1               # a word whose uppermost bits are all the same
    FILLED_TWICE = 2         # half a word, twice
    RAW = 3
    PACKED = 4               # and the codec's place in its table (codecs.pxd)
    LOST = 7                 # nobody knows where it is

    FORM = 7
    # Somebody is about to write the page. The entry is true until that is done.
    CLAIMED = 8
    LENGTH_SHIFT = 4
    LENGTH_BITS = 12
    PLACE_SHIFT = 16
    WORD_SHIFT = 4


cdef inline int form_of(uint64_t entry) noexcept nogil:
    return <int>(entry & FORM)


cdef inline bint has_record(uint64_t entry) noexcept nogil:
    return RAW <= form_of(entry) < LOST


cdef inline uint64_t place_of(uint64_t entry) noexcept nogil:
    """Where the record is in the log, in bytes."""
    return (entry >> PLACE_SHIFT) * UNIT


cdef inline uint64_t at_place(uint64_t entry, uint64_t place) noexcept nogil:
    """The entry with its record somewhere else."""
    return (entry & ((<uint64_t>1 << PLACE_SHIFT) - 1)) | (place // UNIT << PLACE_SHIFT)


cdef inline uint64_t data_length(uint64_t entry) noexcept nogil:
    return PAGE if form_of(entry) == RAW else (entry >> LENGTH_SHIFT) & ((1 << LENGTH_BITS) - 1)


cdef inline uint64_t record_length(uint64_t entry) noexcept nogil:
    """Bytes of the record, 0 if there is none."""
    return (SUM + data_length(entry) + UNIT - 1) // UNIT * UNIT if has_record(entry) else 0


# Once, before all else.
cdef void prepare_records() noexcept nogil
# The entry for page `number`, with no place yet, and its record where there is room for the longest.
cdef uint64_t pack(
    CodecState *state, int codec, uint64_t number, const unsigned char *page, unsigned char *record
) noexcept nogil
# The page that an entry speaks of, from its record; false if it is not as it was.
cdef bint unpack(
    CodecState *state, uint64_t entry, uint64_t number, const unsigned char *record, unsigned char *page
) noexcept nogil
# Whether the codec that packed it is there.
cdef bint can_unpack(uint64_t entry) noexcept nogil
