# SPDX-License-Identifier: MIT
# What makes pages smaller: the system's libraries, found when they are wanted, behind one table of functions.
#
# A worker has a state of its own for them, made before it begins: nothing is allocated afterwards.
from vramswap_gui.server.engine.page cimport PAGE

cdef enum:
    # Places in the table.
    LZ4 = 0
    ZSTD = 1
    CODECS = 2

cdef struct CodecState:
    # Working memory, NULL for what is not to be used; and the level, which zstd's was made for.
    void *lz4
    void *packing
    void *unpacking
    int level

cdef struct Codec:
    # Put a page into `room` bytes; how many it takes, or 0 if it does not fit.
    size_t (*compress)(CodecState *, const unsigned char *page, unsigned char *to, size_t room) noexcept nogil
    # Whether these bytes were a page, whatever they are. What is at `page` is of no use if not.
    bint (*expand)(CodecState *, const unsigned char *data, size_t length, unsigned char *page) noexcept nogil

# A row of the table; its functions are NULL until the library is found.
cdef const Codec *codec_at(int place) noexcept nogil

# Find a library. Raises VramswapError CODEC_MISSING.
cdef int find(int place) except -1
# Working memory to compress by one codec, and to expand by all that there are.
cdef int open_state(CodecState *state, int place, int level) except -1
cdef void close_state(CodecState *state) noexcept
