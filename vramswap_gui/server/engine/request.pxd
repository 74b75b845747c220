# SPDX-License-Identifier: MIT
# One request as everybody on the data path sees it, and the two tables by which the worker knows who brought it and who
# holds its data.
from libc.stdint cimport uint64_t

from vramswap_gui.server.engine.copy_batch cimport CopyBatch
from vramswap_gui.server.engine.page cimport PAGE

cdef enum:
    # Which way data goes; each way has queues, batches and streams of its own, so that neither waits for the other.
    OUT = 0                  # from VRAM: reads
    INTO = 1                 # into VRAM: writes, zeroes
    LANES = 2

    READ = 0
    WRITE = 1
    ZERO = 2

    # Requests of a port that are under way in one lane. A power of two.
    DEPTH = 128

    FREE = 0
    LIVE = 1
    DEAD = 2

cdef struct IoRequest:
    int op
    int status               # 0, or the errno with which it ends
    uint64_t offset          # in the segment
    uint64_t length
    unsigned char *buffer    # pinned memory that holds the data or takes it
    # The frontend's own: whose request this is or is a part of, and where its bytes are in a stream.
    uint64_t tag
    uint64_t position
    bint first
    bint last
    unsigned int note        # the store's own
    bint claimed             # the worker's own: the store's pages are this request's until it is complete

cdef struct Queue:
    # A lane's requests in order. The numbers count since the port began; modulo DEPTH they are places.
    IoRequest request[DEPTH]
    unsigned int freed       # by the frontend: everything before it may be used anew
    unsigned int done        # everything before it is copied, and the frontend knows its status
    unsigned int planned     # everything before it is in a batch, or was
    unsigned int made

cdef struct Port
cdef struct Store

cdef struct Frontend:
    # Take in what has come, and put it into the queues.
    void (*collect)(Port *) noexcept nogil
    # One request has its status; replies go out with the next send().
    void (*answer)(Port *, IoRequest *) noexcept nogil
    void (*send)(Port *) noexcept nogil
    # Whether the other side sends elsewhere what is not answered here; if so the port is over soon. What was claimed before
    # it was asked cannot have been served elsewhere before the claim.
    bint (*is_given_up)(Port *) noexcept nogil
    # Whether replies are left that the other side does not take now.
    bint (*waits_for_out)(const Port *) noexcept nogil
    # Whether collect() would find something to do though nothing more came.
    bint (*has_work)(const Port *) noexcept nogil
    # Whether nothing is left to do for ever.
    bint (*is_over)(const Port *) noexcept nogil
    # Have it be over soon, whoever asks for it.
    void (*hang_up)(Port *) noexcept nogil
    # By Python, once it is over: let go of its descriptors.
    void (*close)(Port *) noexcept nogil

cdef struct Port:
    # What requests come through: a socket, say. It begins the frontend's own struct.
    const Frontend *frontend
    Store *store
    uint64_t *tally          # of the worker (tally.pxd)
    int state                # FREE → LIVE by Python, LIVE → DEAD by its worker, DEAD → FREE by Python
    int fd
    bint edge                # epoll tells of each new request once
    int segment
    bint watched_for_out     # epoll watches for room to send rather than for requests
    bint again               # it has work that needs no event
    Queue queue[LANES]

cdef struct Store:
    # What holds a segment's data. It begins the store's own struct.
    # Before each port's first request, when no engine before writes any more.
    void (*begin)(Store *) noexcept nogil
    # Make a request's pages its own; false, and nothing claimed, while another request writes one of them. Reads claim
    # nothing.
    bint (*claim)(Store *, IoRequest *) noexcept nogil
    # Let go of what was claimed, and never planned.
    void (*release)(Store *, IoRequest *) noexcept nogil
    # Add a request's copies to a batch; false, and nothing added, when the batch has no room for them.
    bint (*plan)(Store *, IoRequest *, CopyBatch *) noexcept nogil
    # The copies of a port's request are done: its status is final after it, and its pages are nobody's. What has to be
    # copied once more goes by the batch, which is idle.
    void (*complete)(Port *, IoRequest *, CopyBatch *) noexcept nogil
    # Whether a page that lies in so many bytes from there on is known to be lost.
    bint (*is_lost)(Store *, uint64_t offset, uint64_t length) noexcept nogil


cdef inline bint has_slot(const Queue *queue) noexcept nogil:
    return queue.made - queue.freed < DEPTH


cdef inline IoRequest *at(Queue *queue, unsigned int number) noexcept nogil:
    return &queue.request[number % DEPTH]


cdef inline uint64_t first_page(const IoRequest *request) noexcept nogil:
    return request.offset // PAGE


cdef inline uint64_t after_pages(const IoRequest *request) noexcept nogil:
    return (request.offset + request.length + PAGE - 1) // PAGE


cdef inline uint64_t first_byte(const IoRequest *request, uint64_t number) noexcept nogil:
    """Where in a page a request begins."""
    return request.offset - number * PAGE if request.offset > number * PAGE else 0


cdef inline uint64_t after_bytes(const IoRequest *request, uint64_t number) noexcept nogil:
    """And where it ends."""
    return min(request.offset + request.length - number * PAGE, <uint64_t>PAGE)


cdef inline unsigned char *data_of(IoRequest *request, uint64_t number) noexcept nogil:
    """The request's first byte of a page."""
    return request.buffer + (number * PAGE + first_byte(request, number) - request.offset)


cdef inline bint is_whole(const IoRequest *request, uint64_t number) noexcept nogil:
    """Whether a request is of all of a page."""
    return number * PAGE >= request.offset and (number + 1) * PAGE <= request.offset + request.length


cdef inline bint in_flight(const Queue *queue) noexcept nogil:
    return queue.planned != queue.done
