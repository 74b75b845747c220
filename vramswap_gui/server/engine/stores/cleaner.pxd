# SPDX-License-Identifier: MIT
# Who empties chunks in the background, so that writers find room.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.codecs cimport CodecState
from vramswap_gui.server.engine.copy_batch cimport Channel, CopyBatch
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.records cimport LONGEST
from vramswap_gui.server.engine.stores.pool cimport Pool

cdef enum:
    # Records that are found in one look at the tables, and those that are moved at once.
    FOUND = 16384
    MOVED = 256
    # Pinned memory for these.
    CARRIED = 256 << 10

cdef struct Found:
    uint64_t *slot           # the entry, where it is
    uint64_t entry           # as it was seen
    uint64_t number          # of the page

cdef struct Cleaner:
    Pool *pool
    int ending               # set by Python before it wakes the cleaner for the last time
    CodecState codecs
    Channel channel
    CopyBatch out
    CopyBatch into
    unsigned char *memory    # pinned: CARRIED bytes
    unsigned char page[PAGE]
    unsigned int count
    Found found[FOUND]
    # Those that are being moved: where they are in memory, and where they go.
    uint64_t place[MOVED]
    unsigned char *record[MOVED]

cdef void clean(Cleaner *self) noexcept nogil
