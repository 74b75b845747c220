# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""A queue of the kernel's ublk driver: requests come and go by io_uring, their data by pread(2) and pwrite(2), all
without the GIL.

The driver has each request done by the thread that fetched it, so a queue belongs to one worker, who also enables its
ring. Source: the kernel's Documentation/block/ublk.rst and drivers/block/ublk_drv.c.
"""
from libc.errno cimport EINTR, EINVAL, ENODEV, EOPNOTSUPP, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset
from posix.unistd cimport _exit, close, write

from vramswap_gui.server.engine cimport tally
from vramswap_gui.server.engine.atomic cimport load_acquire, store_release
from vramswap_gui.server.engine.frontends.uring cimport (
    uring_close,
    uring_enable,
    uring_enter,
    uring_has_work,
    uring_is_done,
    uring_push,
    uring_take,
)
from vramswap_gui.server.engine.request cimport (
    DEPTH,
    INTO,
    LANES,
    OUT,
    READ,
    WRITE,
    ZERO,
    Frontend,
    IoRequest,
    Port,
    Queue,
    at,
    has_slot,
    in_flight,
)

cdef extern from "<sys/mman.h>" nogil:
    int munmap(void *, size_t)

cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int, void *, size_t, int64_t)
    ssize_t pwrite(int, const void *, size_t, int64_t)

cdef enum:
    SECTOR_SHIFT = 9
    OP_MASK = 0xFF
    OP_READ = 0
    OP_WRITE = 1
    OP_FLUSH = 2
    OP_DISCARD = 3
    OP_WRITE_ZEROES = 5

cdef extern from *:
    """
    /* UBLK_U_IO_FETCH_REQ and UBLK_U_IO_COMMIT_AND_FETCH_REQ: _IOWR('u', …, struct ublksrv_io_cmd). */
    #define VS_FETCH 0xC0107520u
    #define VS_COMMIT_AND_FETCH 0xC0107521u
    /* Where in /dev/ublkcN a request's data is: UBLKSRV_IO_BUF_OFFSET, and UBLK_TAG_OFF bits for each tag's. */
    #define VS_DATA_OF(tag) (0x80000000ll + ((int64_t)(tag) << 25))
    """
    uint32_t VS_FETCH
    uint32_t VS_COMMIT_AND_FETCH
    int64_t VS_DATA_OF(uint64_t) nogil


cdef void lost() noexcept nogil:
    """Data that cannot be moved is no error to tell: a fresh engine gets the same request, and can."""
    _exit(EXIT_WAY_LOST)


cdef inline void commit(UblkQueue *q, unsigned int tag, int result) noexcept nogil:
    """Answer a request, and ask for the next one with its tag; both go out with the next send()."""
    uring_push(&q.uring, q.device, VS_COMMIT_AND_FETCH, tag, result)


cdef inline uint64_t gap(const UblkQueue *q, int lane, uint64_t length) noexcept nogil:
    """Bytes to leave out at the ring's end so that a request's data lies in one piece."""
    cdef uint64_t left = RING_SIZE - q.made[lane] % RING_SIZE
    return left if left < length else 0


cdef inline bint has_room(const UblkQueue *q, int lane, uint64_t length) noexcept nogil:
    cdef const Queue *queue = &q.port.queue[lane]
    cdef uint64_t held = 0
    if queue.freed != queue.made:
        held = q.made[lane] - queue.request[queue.freed % DEPTH].position
    return RING_SIZE - held >= gap(q, lane, length) + length


cdef inline const vs_io_desc *next_of(const UblkQueue *q, int lane) noexcept nogil:
    return &q.descriptors[q.waiting[lane][q.taken[lane] % TAGS]]


cdef inline uint64_t length_of(const vs_io_desc *what) noexcept nogil:
    return <uint64_t>what.nr_sectors << SECTOR_SHIFT


cdef inline int op_of(const vs_io_desc *what) noexcept nogil:
    return what.op_flags & OP_MASK


cdef inline bint has_data(const vs_io_desc *what) noexcept nogil:
    return op_of(what) == OP_READ or op_of(what) == OP_WRITE


cdef inline bint is_closing(const UblkQueue *q) noexcept nogil:
    return load_acquire(<int *>&q.closing) != 0


cdef inline bint can_make(const UblkQueue *q, int lane) noexcept nogil:
    cdef const vs_io_desc *what
    if q.taken[lane] == q.came[lane] or is_closing(q) or not has_slot(&q.port.queue[lane]):
        return False
    what = next_of(q, lane)
    return not has_data(what) or has_room(q, lane, length_of(what))


cdef void move_data(UblkQueue *q, const IoRequest *request) noexcept nogil:
    """Put what was read where it is wanted, or bring what is to be written into pinned memory."""
    cdef uint64_t done = 0
    cdef ssize_t part
    while done < request.length:
        if request.op == READ:
            part = pwrite(q.device, request.buffer + done, request.length - done, VS_DATA_OF(request.tag) + done)
        else:
            part = pread(q.device, request.buffer + done, request.length - done, VS_DATA_OF(request.tag) + done)
        if part > 0:
            done += part
        elif part == 0 or errno != EINTR:
            lost()


cdef void make_move(UblkQueue *q, int lane, IoRequest *request, const vs_io_desc *what) noexcept nogil:
    """A read or a write, all of it."""
    cdef uint64_t length = length_of(what)
    q.made[lane] += gap(q, lane, length)
    request.op = READ if lane == OUT else WRITE
    request.offset = what.start_sector << SECTOR_SHIFT
    request.length = length
    request.position = q.made[lane]
    request.buffer = q.memory[lane] + q.made[lane] % RING_SIZE
    request.first = request.last = True
    q.made[lane] += length


cdef void make_zeroes(UblkQueue *q, IoRequest *request, const vs_io_desc *what) noexcept nogil:
    """The next part of what is to be forgotten: somebody's memory was in it."""
    cdef uint64_t left = length_of(what) - q.zeroed
    request.op = ZERO
    request.offset = (what.start_sector << SECTOR_SHIFT) + q.zeroed
    request.length = min(left, <uint64_t>ZERO_PART)
    request.position = q.made[INTO]
    request.first = q.zeroed == 0
    request.last = request.length == left
    q.zeroed = 0 if request.last else q.zeroed + request.length


cdef void make(UblkQueue *q, int lane) noexcept nogil:
    """Make a request of the next tag of a lane, or of a part of it."""
    cdef Queue *queue = &q.port.queue[lane]
    cdef IoRequest *request = at(queue, queue.made)
    cdef const vs_io_desc *what = next_of(q, lane)
    request.status = 0
    request.claimed = False
    request.tag = q.waiting[lane][q.taken[lane] % TAGS]
    if has_data(what):
        make_move(q, lane, request, what)
    else:
        make_zeroes(q, request, what)
    queue.made += 1
    if request.last:
        q.taken[lane] += 1
    if request.op == WRITE:
        move_data(q, request)


cdef void sort(UblkQueue *q, unsigned int tag) noexcept nogil:
    """A request came: put it where it waits for its turn, or answer it at once."""
    cdef const vs_io_desc *what = &q.descriptors[tag]
    cdef uint64_t *tallied = q.port.tally
    cdef uint64_t offset = what.start_sector << SECTOR_SHIFT, length = length_of(what)
    cdef int op = op_of(what)
    cdef int lane = OUT if op == OP_READ else INTO
    cdef bint zeroes = op == OP_DISCARD or op == OP_WRITE_ZEROES
    if op == OP_READ:
        tallied[tally.READS] += 1
        tallied[tally.BYTES_READ] += length
    elif op == OP_WRITE:
        tallied[tally.WRITES] += 1
        tallied[tally.BYTES_WRITTEN] += length
    else:
        tallied[tally.OTHERS] += 1
    if not zeroes and not has_data(what):
        if op != OP_FLUSH:
            tallied[tally.ERRORS] += 1
        # A write is only answered once its copies are done, so there is nothing to flush.
        commit(q, tag, 0 if op == OP_FLUSH else -EOPNOTSUPP)
        return
    if length == 0 or (length > MAX_IO and not zeroes) or offset > q.size or length > q.size - offset:
        tallied[tally.ERRORS] += 1
        commit(q, tag, -EINVAL)
        return
    if op == OP_DISCARD:
        tallied[tally.BYTES_DISCARDED] += length
    q.waiting[lane][q.came[lane] % TAGS] = tag
    q.came[lane] += 1


cdef void take(UblkQueue *q) noexcept nogil:
    """Take what the kernel has for us."""
    cdef unsigned int tag
    cdef int result = 0
    if uring_has_work(&q.uring) or q.uring.queued:
        uring_enter(&q.uring)
    while uring_is_done(&q.uring):
        tag = uring_take(&q.uring, &result)
        if result == 0:
            sort(q, tag)
        else:
            # The device goes, or the worker's process does.
            q.gone += 1


cdef void begin(UblkQueue *q) noexcept nogil:
    """Become the one who serves: enable the ring, and fetch with all tags at once."""
    cdef unsigned int tag
    cdef uint64_t one = 1
    cdef int error = uring_enable(&q.uring)
    if error == 0:
        for tag in range(TAGS):
            uring_push(&q.uring, q.device, VS_FETCH, tag, 0)
        uring_enter(&q.uring)
        if q.uring.queued or uring_is_done(&q.uring):
            # A fetch ends at once only when it is refused.
            error = ENODEV
    store_release(&q.started, -error if error else 1)
    write(q.began, &one, sizeof(one))


cdef void collect(Port *port) noexcept nogil:
    cdef UblkQueue *q = <UblkQueue *>port
    cdef int lane
    if q.started == 0:
        begin(q)
    if q.started < 0:
        return
    for lane in range(LANES):
        # Nothing is under way: start over at the front, where the caches are warm.
        if port.queue[lane].freed == port.queue[lane].made:
            q.made[lane] = 0
    take(q)
    for lane in range(LANES):
        while can_make(q, lane):
            make(q, lane)


cdef void answer(Port *port, IoRequest *request) noexcept nogil:
    cdef UblkQueue *q = <UblkQueue *>port
    cdef int lane = OUT if request.op == READ else INTO
    cdef int result = 0 if request.op == ZERO else <int>request.length
    if request.status:
        port.tally[tally.ERRORS] += 1
        result = -request.status
    elif request.op == READ:
        move_data(q, request)
    port.queue[lane].freed += 1
    # The parts of a request are done in order, and nothing of its lane in between.
    if q.failed[lane] == 0 and result < 0:
        q.failed[lane] = result
    if request.last:
        commit(q, <unsigned int>request.tag, q.failed[lane] if q.failed[lane] else result)
        q.failed[lane] = 0


cdef void send(Port *port) noexcept nogil:
    cdef UblkQueue *q = <UblkQueue *>port
    if q.uring.queued:
        uring_enter(&q.uring)


cdef bint is_given_up(Port *port) noexcept nogil:
    """The kernel gives a request to one process, and waits for its end before another gets it; in it one worker has them."""
    return False


cdef bint waits_for_out(const Port *port) noexcept nogil:
    return False


cdef bint has_work(const Port *port) noexcept nogil:
    cdef const UblkQueue *q = <const UblkQueue *>port
    cdef bint some = uring_has_work(&q.uring) or uring_is_done(&q.uring) or q.uring.queued > 0
    return q.started > 0 and (some or can_make(q, OUT) or can_make(q, INTO))


cdef bint is_over(const Port *port) noexcept nogil:
    cdef const UblkQueue *q = <const UblkQueue *>port
    if q.started < 0:
        return True
    if in_flight(&port.queue[OUT]) or in_flight(&port.queue[INTO]):
        return False
    return q.gone == TAGS or is_closing(q)


cdef void hang_up(Port *port) noexcept nogil:
    cdef UblkQueue *q = <UblkQueue *>port
    cdef uint64_t one = 1
    store_release(&q.closing, 1)
    write(port.fd, &one, sizeof(one))


cdef void close_port(Port *port) noexcept nogil:
    """The driver takes back what was fetched, and lets another process serve."""
    cdef UblkQueue *q = <UblkQueue *>port
    uring_close(&q.uring)
    munmap(<void *>q.descriptors, DESCRIPTORS_SIZE)
    close(q.device)
    close(q.began)
    close(port.fd)


cdef Frontend UBLK
UBLK.collect = collect
UBLK.answer = answer
UBLK.send = send
UBLK.is_given_up = is_given_up
UBLK.waits_for_out = waits_for_out
UBLK.has_work = has_work
UBLK.is_over = is_over
UBLK.hang_up = hang_up
UBLK.close = close_port


cdef void open_queue(UblkQueue *q, uint64_t size) noexcept nogil:
    """Begin anew, keeping the rings' memory."""
    cdef unsigned char *out = q.memory[OUT]
    cdef unsigned char *into = q.memory[INTO]
    memset(q, 0, sizeof(UblkQueue))
    q.memory[OUT] = out
    q.memory[INTO] = into
    q.size = size
    q.port.frontend = &UBLK
    q.port.edge = True
