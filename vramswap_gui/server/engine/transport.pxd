# One NBD connection in its transmission phase.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.copy_batch cimport Copies

cdef enum:
    # Powers of two, so that a position modulo the size stays cheap. A larger transfer flows through in parts.
    RX_SIZE = 256 << 10
    TX_SIZE = 256 << 10
    # Parts smaller than this are only copied when nothing more is left of a transfer, or at a ring's end.
    PART = 64 << 10
    # Requests of one connection in one batch: two batches are under way at a time, and both should have some.
    MAX_REQUESTS = 64

    FREE = 0
    LIVE = 1
    DEAD = 2

cdef struct Connection:
    int state                # FREE → LIVE by Python, LIVE → DEAD by its worker, DEAD → FREE by Python
    int fd
    int segment
    int worker
    uint64_t base            # the segment's device address and size
    uint64_t size
    # Two rings in pinned memory. Positions count bytes since the connection began; modulo the ring's size they are places.
    unsigned char *rx
    uint64_t rx_received
    uint64_t rx_parsed
    uint64_t rx_freed        # everything before it has been copied
    unsigned char *tx
    uint64_t tx_reserved
    uint64_t tx_ready        # everything before it has been copied
    uint64_t tx_sent
    # Where rx_freed and tx_ready go when the batch 0 or 1 is done.
    uint64_t rx_mark[2]
    uint64_t tx_mark[2]
    bint in_batch[2]
    bint waits_for_out       # epoll watches for room to send rather than for requests
    bint again               # it has work that needs no event
    bint closing             # nothing more will be parsed: close when the replies are sent
    bint broken              # the peer is gone: close when no copy is under way
    bint in_write            # the payload of a write is being received
    uint64_t write_cookie
    int write_error
    uint64_t write_address
    uint64_t write_left
    uint64_t read_address    # the payload of a long read is being sent
    uint64_t read_left
    uint64_t zero_cookie
    uint64_t zero_address    # the stretch that a request asked to be zeroed
    uint64_t zero_left

cdef bint gather(Copies *copies, int batch, Connection *c) noexcept nogil
cdef void batch_done(int batch, Connection *c) noexcept nogil
cdef void send_replies(Connection *c) noexcept nogil
cdef bint has_work(const Connection *c) noexcept nogil
cdef bint is_over(const Connection *c) noexcept nogil
