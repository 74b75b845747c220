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
    MOVED = 4096
    AT_LEISURE = 256
    # Pinned memory for those that are carried through it.
    CARRIED = 512 << 10

cdef struct Found:
    uint64_t *slot           # the entry, where it is
    uint64_t entry           # as it was seen
    uint64_t number          # of the page

cdef struct Cleaner:
    Pool *pool
    int ending               # set by Python before it wakes the cleaner for the last time
    uint64_t *beat           # how often it went on, with work or because it was poked
    bint hurry               # somebody waits
    bint inside              # records are moved by the kernel
    uint64_t kept            # chunks that are to stay free then
    uint64_t until           # and when it has to end
    CodecState codecs
    Channel channel
    CopyBatch out
    CopyBatch into           # its list is for MOVED
    unsigned char *memory    # pinned: CARRIED bytes
    unsigned char page[PAGE]
    # Where the look at the tables is.
    uint64_t table
    uint64_t number
    unsigned int count
    Found found[FOUND]
    # Where those go that are being moved.
    uint64_t place[MOVED]

cdef void clean(Cleaner *self) noexcept nogil
