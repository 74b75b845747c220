# SPDX-License-Identifier: MIT
# A worker: one thread with its ports, and the batches that it has under way.
from libc.stdint cimport uint64_t

from cuda.bindings cimport cydriver
from vramswap_gui.server.engine.copy_batch cimport Channel, CopyBatch
from vramswap_gui.server.engine.crew cimport Hand
from vramswap_gui.server.engine.request cimport LANES, Port

cdef enum:
    # Two batches take turns in each lane: while one is copied, the other is collected, or answered.
    BATCHES = 2
    # Ports of one worker, and those that have a share in one batch.
    MAX_PORTS = 1024
    MAX_SHARES = 256

cdef struct Share:
    # A port's requests in a batch: so many, next in its queue.
    Port *port
    unsigned int count

cdef struct Batch:
    CopyBatch copies
    int count
    Share share[MAX_SHARES]

cdef struct Lane:
    Batch batch[BATCHES]
    int oldest               # of those under way
    int under_way

cdef struct Worker:
    int epoll
    int wake                 # eventfd that sends the worker round its loop once, and to its end if that is asked
    int ending               # set by Python before it wakes the worker for the last time
    int died                 # eventfd that tells Python of a dead connection
    cydriver.CUcontext context
    uint64_t *tally          # the worker's row of counters
    uint64_t spin            # nanoseconds to look for more before sleeping, after traffic
    uint64_t spin_until
    Channel channel
    Hand *hand               # by which it packs what others have to write; or NULL
    Lane lane[LANES]
    int again_count
    Port *again[MAX_PORTS]
    Port *hot                # the only one of the last round, where the next request is most likely
    int looks
    # What keeps a worker from looking without a pause: all that it has to do waits for pages that others write. Since when
    # that is so, and whether some did in this round.
    uint64_t blocked_since
    bint blocked

cdef void work(Worker *w) noexcept nogil
cdef void watch(Worker *w, Port *port, int *error) noexcept nogil
