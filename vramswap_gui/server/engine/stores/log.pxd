# SPDX-License-Identifier: MIT
# A segment whose pages lie packed in a pool's log.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.request cimport Store
from vramswap_gui.server.engine.stores.pool cimport Pool

cdef struct LogStore:
    Store store
    Pool *pool
    # Of its pages: shared with the engines before and after, and with the keeper.
    uint64_t *entry
    int codec
    int table                # the pool's number of them

# The segment's table is one of the pool's until it is removed. All batches of its ports have a desk.
cdef void open_log(LogStore *self, Pool *pool, uint64_t *entry, uint64_t pages, int codec) noexcept
