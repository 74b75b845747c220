# SPDX-License-Identifier: MIT
# One NBD connection in its transmission phase.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.frontends cimport nbdwire
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.request cimport Port

cdef enum:
    # The kernel sends up to half a MiB at once, which may begin where a page does, and asks for up to 128 KiB: two such
    # replies fit, so that one is copied while the other is sent. A larger transfer flows through in parts.
    RX_SIZE = 516 << 10
    TX_SIZE = 260 << 10
    ACROSS = PAGE
    # A reply up to this size lies in one piece.
    WHOLE = TX_SIZE // 2
    # Parts smaller than this are only copied when nothing more is left of a transfer, or at a ring's end. What was just
    # received is copied in large parts: the card reads it from the processor's caches, where each part costs.
    WRITE_PART = 256 << 10
    READ_PART = 64 << 10
    # Writes from here on are received by themselves, for a part to be a whole one.
    LARGE = 64 << 10
    # Else received at once: what has come is copied while more is received.
    CHUNK = WRITE_PART + nbdwire.REQUEST_SIZE
    # Replies that have no data, made or still to be made.
    ACKS = 512
    ACKS_SIZE = ACKS * nbdwire.REPLY_SIZE
    # The part of a stretch to be zeroed that is one request: a copy, beside which others find room in a batch.
    ZERO_PART = 256 << 10

cdef struct NbdConnection:
    Port port
    uint64_t size            # of the segment
    # Three rings, the first two in pinned memory. Positions count bytes since the ring was last found empty; modulo the
    # ring's size they are places. A request's position is where its payload begins (rx) or its reply (tx).
    unsigned char *rx
    # In pinned memory too, for the page of a write that lies across the end of rx: there is one at a time.
    unsigned char *across
    uint64_t rx_received
    uint64_t rx_parsed
    unsigned char *tx
    uint64_t tx_made
    unsigned char acks[ACKS_SIZE]
    uint64_t acks_made
    uint64_t acks_sent
    uint64_t sent            # bytes of the first reply in tx that is not sent whole
    bint mid_reply           # the next byte to be sent belongs to a reply in tx that was begun
    bint closing             # nothing more will be parsed: close when the replies are sent
    bint said_goodbye        # by a request, which is the last one
    bint broken              # the peer is gone: close when no copy is under way
    bint was_large           # the last request was a large write: the next one is probably such a one too
    # The write whose payload is being received.
    bint in_write
    int write_error
    uint64_t write_tag
    uint64_t write_offset
    uint64_t write_left
    # The read, and the zeroing, of which parts are still to be made into requests.
    bint read_begun
    uint64_t read_tag
    uint64_t read_offset
    uint64_t read_left
    uint64_t zero_tag
    uint64_t zero_offset
    uint64_t zero_left
    bint refused             # the read that is being answered ended with an error
    int answered             # the status of the parts so far of the write that is being answered

cdef void open_connection(NbdConnection *c, uint64_t size) noexcept nogil
