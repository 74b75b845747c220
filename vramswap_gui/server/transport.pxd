# One NBD connection in its transmission phase.
from libc.stdint cimport uint64_t

from vramswap_gui.server.copier cimport Copier

cdef enum:
    RX_SIZE = 256 << 10
    TX_SIZE = 256 << 10
    MAX_BATCH = 512

    FREE = 0
    LIVE = 1
    DEAD = 2

    STEP_MORE = 0
    STEP_WAIT = 1
    STEP_CLOSE = 2

cdef struct Reply:
    uint64_t cookie
    int error

cdef struct Batch:
    # One worker's copies, and the replies that stand in the connection's tx for them, in order.
    Copier copier
    int replies
    Reply reply[MAX_BATCH]

cdef struct Connection:
    int state                # FREE → LIVE by Python, LIVE → DEAD by its worker, DEAD → FREE by Python
    int fd
    int segment
    int worker
    uint64_t base            # the segment's device address and size
    uint64_t size
    unsigned char *rx        # received and not yet parsed: rx[rx_start:rx_end]
    size_t rx_start
    size_t rx_end
    unsigned char *tx        # replies not yet sent: tx[tx_start:tx_end]
    size_t tx_start
    size_t tx_end
    bint waits_for_out       # epoll watches for room to send rather than for requests
    bint closing             # the client said goodbye: close when the replies are sent
    bint in_write            # the payload of a write is being received
    Reply write_reply
    uint64_t write_address
    size_t write_left
    bint in_read             # the payload of a read larger than tx is being sent
    uint64_t read_address
    size_t read_left

cdef int step(Batch *batch, Connection *c) noexcept nogil
