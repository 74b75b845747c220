# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""Pages as the compressed store keeps them, for the store and for whoever wants to know what it would make of some."""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from vramswap_gui.server.engine.clock cimport now
from vramswap_gui.server.engine.codecs cimport CODECS, LZ4, PAGE, ZSTD, codec_at, close_state, find, open_state
from vramswap_gui.server.engine.crc32c cimport CRC_BY_FOLDING, crc_of_page, crc_prepare

from vramswap_gui.errors import VramswapError

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* Whether a page is one word all over, which most pages are not from the first words on. */
    static int is_one_word(const unsigned char *page, uint64_t *word) {
        uint64_t first, other, differ = 0;
        memcpy(&first, page, 8);
        for (int i = 8; i < 64; i += 8) {
            memcpy(&other, page + i, 8);
            differ |= other ^ first;
        }
        if (differ)
            return 0;
        *word = first;
        return memcmp(page, page + 64, 4096 - 64) == 0;
    }

    static void fill_with(unsigned char *page, uint64_t word) {
        for (int i = 0; i < 4096; i += 8)
            memcpy(page + i, &word, 8);
    }
    """
    bint is_one_word(const unsigned char *page, uint64_t *word) nogil
    void fill_with(unsigned char *page, uint64_t word) nogil

#: What pages can be packed by, as `Packer` is told, and the codec and its level that this means.
METHODS = {"lz4": (LZ4, 0), "zstd": (ZSTD, 1), "zstd-2": (ZSTD, 2), "zstd-3": (ZSTD, 3)}


cdef inline uint64_t filled(uint64_t word) noexcept nogil:
    """The entry of a page full of a word, or UNWRITTEN if it does not say which."""
    if <uint64_t>(<int64_t>(word << WORD_SHIFT) >> WORD_SHIFT) == word:
        return word << WORD_SHIFT | FILLED
    if word >> 32 == <uint32_t>word:
        return <uint64_t>(<uint32_t>word) << WORD_SHIFT | FILLED_TWICE
    return UNWRITTEN


cdef inline uint64_t word_of(uint64_t entry) noexcept nogil:
    cdef uint64_t half
    if form_of(entry) == FILLED:
        return <uint64_t>(<int64_t>entry >> WORD_SHIFT)
    half = entry >> WORD_SHIFT
    return half << 32 | half


cdef void prepare_records() noexcept nogil:
    crc_prepare(CRC_BY_FOLDING)


cdef uint64_t pack(
    CodecState *state, int codec, uint64_t number, const unsigned char *page, unsigned char *record
) noexcept nogil:
    cdef uint64_t word = 0, entry = UNWRITTEN
    cdef size_t length
    cdef uint32_t total
    if is_one_word(page, &word):
        entry = filled(word)
        if entry != UNWRITTEN:
            return entry
    length = codec_at(codec).compress(state, page, record + SUM, WORTH)
    if length:
        entry = <uint64_t>length << LENGTH_SHIFT | <uint64_t>(PACKED + codec)
    else:
        memcpy(record + SUM, page, PAGE)
        entry = RAW
    total = crc_of_page(<uint32_t>number, page)
    memcpy(record, &total, SUM)
    return entry


cdef bint unpack(
    CodecState *state, uint64_t entry, uint64_t number, const unsigned char *record, unsigned char *page
) noexcept nogil:
    cdef int form = form_of(entry)
    cdef uint32_t wanted
    cdef uint64_t length = data_length(entry)
    if form == UNWRITTEN:
        memset(page, 0, PAGE)
        return True
    if form < RAW:
        fill_with(page, word_of(entry))
        return True
    if form == RAW:
        memcpy(page, record + SUM, PAGE)
    elif not can_unpack(entry) or not codec_at(form - PACKED).expand(state, record + SUM, length, page):
        return False
    memcpy(&wanted, record, SUM)
    return crc_of_page(<uint32_t>number, page) == wanted


cdef bint can_unpack(uint64_t entry) noexcept nogil:
    cdef int form = form_of(entry)
    return form < PACKED or (form - PACKED < CODECS and codec_at(form - PACKED).expand != NULL)


def missing(str method) -> VramswapError | None:
    """Why pages cannot be packed by this method here; None if they can."""
    try:
        find(METHODS[method][0])
    except VramswapError as error:
        return error
    return None


cdef class Packer:
    """Packs pages by one of METHODS. Raises VramswapError CODEC_MISSING. For one thread at a time."""

    cdef CodecState _state
    cdef int _codec

    def __init__(self, str method):
        cdef int level
        self._codec, level = METHODS[method]
        prepare_records()
        open_state(&self._state, self._codec, level)

    def __dealloc__(self):
        close_state(&self._state)

    def pack(self, unsigned long long number, bytes page) -> tuple:
        """A page's entry and its record, which is empty for a page that needs none."""
        cdef unsigned char record[LONGEST]
        cdef uint64_t entry
        if len(page) != PAGE:
            raise ValueError("a page has 4096 bytes")
        memset(record, 0, LONGEST)
        entry = pack(&self._state, self._codec, number, page, record)
        return entry, record[: record_length(entry)]

    def unpack(self, unsigned long long entry, unsigned long long number, bytes record) -> bytes | None:
        """The page again, or None if it is not as it was."""
        cdef unsigned char page[PAGE]
        if len(record) < record_length(entry):
            raise ValueError("a record is as long as its entry says")
        return page[:PAGE] if unpack(&self._state, entry, number, record, page) else None

    def measure(self, pages) -> tuple:
        """What pages, one behind the other in a buffer, take in the log.

        How many are full of one word, how many are kept as they are, the bytes of all records, and nanoseconds to pack
        and to unpack all pages but those that are full of one word.
        """
        cdef const unsigned char[::1] view = pages
        cdef unsigned char record[LONGEST]
        cdef unsigned char page[PAGE]
        cdef uint64_t entry, begun, packed, number, total = 0, packing = 0, unpacking = 0
        cdef unsigned int same = 0, raw = 0
        with nogil:
            for number in range(<uint64_t>view.shape[0] // PAGE):
                begun = now()
                entry = pack(&self._state, self._codec, number, &view[number * PAGE], record)
                packed = now()
                if not has_record(entry):
                    same += 1
                    continue
                unpack(&self._state, entry, number, record, page)
                unpacking += now() - packed
                packing += packed - begun
                raw += form_of(entry) == RAW
                total += record_length(entry)
        return same, raw, total, packing, unpacking
