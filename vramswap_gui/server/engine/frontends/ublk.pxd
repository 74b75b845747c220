# SPDX-License-Identifier: MIT
# One ublk device's queue.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from vramswap_gui.server.engine.frontends.uring cimport Uring
from vramswap_gui.server.engine.request cimport LANES, Port

cdef extern from *:
    """
    #include <stdint.h>
    /* struct ublksrv_io_desc */
    struct vs_io_desc { uint32_t op_flags, nr_sectors; uint64_t start_sector, addr; };
    """
    cdef struct vs_io_desc:
        uint32_t op_flags
        uint32_t nr_sectors
        uint64_t start_sector

cdef enum:
    # As system/ublk.py has them.
    TAGS = 32
    MAX_IO = 256 << 10
    # Pinned memory for each lane: two of the largest requests, so that one is copied while the other comes or goes.
    RING_SIZE = 2 * MAX_IO
    # Bytes of one request for zeroes, at most, so that what else came has its turn in between.
    ZERO_PART = 256 << 10
    # The driver gives whole pages.
    DESCRIPTORS_SIZE = 4096

    # The exit status of an engine that lost its way to the kernel.
    EXIT_WAY_LOST = 71

cdef struct UblkQueue:
    Port port                # its descriptor is an eventfd, at which the ring shows that it has something
    uint64_t size            # of the segment
    int device               # /dev/ublkcN
    int began                # eventfd that tells Python of `started`
    int started              # 0, then 1 or the negative errno that was in the way; written once, by the worker
    int closing              # set by Python: take nothing more
    Uring uring
    const vs_io_desc *descriptors
    # Two rings in pinned memory. Positions count bytes since the ring was last found empty.
    unsigned char *memory[LANES]
    uint64_t made[LANES]
    # Tags that came and are no request yet, in the order in which they came.
    unsigned char waiting[LANES][TAGS]
    unsigned int came[LANES]
    unsigned int taken[LANES]
    uint64_t zeroed          # bytes of the first that waits to be written which are requests already: it is for zeroes
    int failed[LANES]        # what a request whose parts are being answered ends with: 0, or a negative errno
    int gone                 # tags that will not come again

cdef void open_queue(UblkQueue *q, uint64_t size) noexcept nogil
