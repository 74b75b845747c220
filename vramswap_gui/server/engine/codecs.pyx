# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""What makes pages smaller: liblz4 and libzstd of the system, where they are installed.

Both are called with working memory of ours. How much zstd needs to compress a page differs between its versions, and
depends on nothing but the level and the length: it is what a page could be compressed with once.
"""
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import ctypes

from vramswap_gui.errors import Problem, VramswapError

cdef enum:
    # Bytes of working memory for zstd, from which on they are tried.
    STEP = 32 << 10
    MOST = 8 << 20

# lz4.h, zstd.h
ctypedef int (*Lz4Size)() noexcept nogil
ctypedef int (*Lz4Compress)(void *, const char *, char *, int, int, int) noexcept nogil
ctypedef int (*Lz4Expand)(const char *, char *, int, int) noexcept nogil
ctypedef void *(*ZstdInit)(void *, size_t) noexcept nogil
ctypedef size_t (*ZstdSize)() noexcept nogil
ctypedef size_t (*ZstdCompress)(void *, void *, size_t, const void *, size_t, int) noexcept nogil
ctypedef size_t (*ZstdExpand)(void *, void *, size_t, const void *, size_t) noexcept nogil
ctypedef unsigned int (*ZstdIsError)(size_t) noexcept nogil

cdef Lz4Size lz4_size = NULL
cdef Lz4Compress lz4_compress = NULL
cdef Lz4Expand lz4_expand = NULL
cdef ZstdInit zstd_init_packing = NULL
cdef ZstdInit zstd_init_unpacking = NULL
cdef ZstdSize zstd_unpacking_size = NULL
cdef ZstdCompress zstd_compress = NULL
cdef ZstdExpand zstd_expand = NULL
cdef ZstdIsError zstd_is_error = NULL

cdef Codec table[CODECS]


cdef size_t compress_lz4(CodecState *state, const unsigned char *page, unsigned char *to, size_t room) noexcept nogil:
    cdef int length = lz4_compress(state.lz4, <const char *>page, <char *>to, PAGE, <int>room, 1)
    return length if length > 0 else 0


cdef bint expand_lz4(CodecState *state, const unsigned char *data, size_t length, unsigned char *page) noexcept nogil:
    return lz4_expand(<const char *>data, <char *>page, <int>length, PAGE) == PAGE


cdef size_t compress_zstd(CodecState *state, const unsigned char *page, unsigned char *to, size_t room) noexcept nogil:
    cdef size_t length = zstd_compress(state.packing, to, room, page, PAGE, state.level)
    return 0 if zstd_is_error(length) else length


cdef bint expand_zstd(CodecState *state, const unsigned char *data, size_t length, unsigned char *page) noexcept nogil:
    # An error is a number that is none of a length.
    return state.unpacking != NULL and zstd_expand(state.unpacking, page, PAGE, data, length) == PAGE


cdef const Codec *codec_at(int place) noexcept nogil:
    return &table[place]


cdef object loaded(str name):
    try:
        # It stays until the process ends: nobody closes it.
        return ctypes.CDLL(name)
    except OSError:
        raise VramswapError(Problem.CODEC_MISSING, library=name) from None


cdef void *symbol(object library, str called) except NULL:
    try:
        return <void *><uintptr_t>ctypes.cast(getattr(library, called), ctypes.c_void_p).value
    except AttributeError:
        raise VramswapError(Problem.CODEC_MISSING, library=library._name) from None


cdef int find(int place) except -1:
    if table[place].compress != NULL:
        return 0
    if place == LZ4:
        globals_of_lz4(loaded("liblz4.so.1"))
        table[LZ4].expand = expand_lz4
        table[LZ4].compress = compress_lz4
    else:
        globals_of_zstd(loaded("libzstd.so.1"))
        table[ZSTD].expand = expand_zstd
        table[ZSTD].compress = compress_zstd
    return 0


cdef int globals_of_lz4(object library) except -1:
    global lz4_size, lz4_compress, lz4_expand
    lz4_size = <Lz4Size>symbol(library, "LZ4_sizeofState")
    lz4_compress = <Lz4Compress>symbol(library, "LZ4_compress_fast_extState")
    lz4_expand = <Lz4Expand>symbol(library, "LZ4_decompress_safe")
    return 0


cdef int globals_of_zstd(object library) except -1:
    global zstd_init_packing, zstd_init_unpacking, zstd_unpacking_size, zstd_compress, zstd_expand, zstd_is_error
    zstd_init_packing = <ZstdInit>symbol(library, "ZSTD_initStaticCCtx")
    zstd_init_unpacking = <ZstdInit>symbol(library, "ZSTD_initStaticDCtx")
    zstd_unpacking_size = <ZstdSize>symbol(library, "ZSTD_estimateDCtxSize")
    zstd_compress = <ZstdCompress>symbol(library, "ZSTD_compressCCtx")
    zstd_expand = <ZstdExpand>symbol(library, "ZSTD_decompressDCtx")
    zstd_is_error = <ZstdIsError>symbol(library, "ZSTD_isError")
    return 0


cdef void *memory(size_t size) except NULL:
    """Written to, so that all of it is there."""
    cdef void *made = malloc(size)
    if made == NULL:
        raise MemoryError
    # Zeroes might be had for nothing until the first of them is looked at.
    memset(made, 1, size)
    return made


cdef int open_packing(CodecState *state) except -1:
    """Find how much memory zstd needs to compress a page."""
    cdef unsigned char page[PAGE]
    cdef unsigned char packed[2 * PAGE]
    cdef size_t size
    cdef unsigned int i, draw = 1
    for i in range(PAGE):
        # Literals, and what has come before.
        draw = draw * 1103515245 + 12345
        page[i] = page[i - 100] if i >= 100 and i % 128 > 50 else <unsigned char>(draw >> 24)
    for size in range(STEP, MOST, STEP):
        state.packing = memory(size)
        if zstd_init_packing(state.packing, size) != NULL and compress_zstd(state, page, packed, sizeof(packed)):
            return 0
        free(state.packing)
        state.packing = NULL
    raise MemoryError


cdef bint has(int place) noexcept:
    try:
        find(place)
    except VramswapError:
        return False
    return True


cdef int open_state(CodecState *state, int place, int level) except -1:
    state.lz4 = state.packing = state.unpacking = NULL
    state.level = level
    try:
        find(place)
        has(LZ4)
        if place == LZ4:
            state.lz4 = memory(lz4_size())
        else:
            open_packing(state)
        if has(ZSTD):
            state.unpacking = memory(zstd_unpacking_size())
            if zstd_init_unpacking(state.unpacking, zstd_unpacking_size()) == NULL:
                raise MemoryError
    except BaseException:
        close_state(state)
        raise
    return 0


cdef void close_state(CodecState *state) noexcept:
    free(state.lz4)
    free(state.packing)
    free(state.unpacking)
    state.lz4 = state.packing = state.unpacking = NULL
