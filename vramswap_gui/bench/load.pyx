# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""NBD load over connected sockets, a thread for each without the GIL, with every byte of every reply checked.

Each connection owns a range of blocks of its own. Block `b` in generation `g` holds a known pattern: a template whose
every sector begins with a stamp of block, generation and place. A write begins the next generation, and a read must find
the newest one whose write was answered. A block is never in two requests at a time.
"""
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memmove, memset

import threading

from vramswap_gui.bench.histogram cimport BUCKETS, bucket_start, note
from vramswap_gui.bench.pattern cimport SECTOR, matches, seed, stamp
from vramswap_gui.bench.results import LoadFailed, Measured

cdef extern from "<endian.h>" nogil:
    uint16_t htobe16(uint16_t)
    uint32_t htobe32(uint32_t)
    uint64_t htobe64(uint64_t)
    uint32_t be32toh(uint32_t)

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int, void *, size_t, int)
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t sendmsg(int, const msghdr *, int)
    enum: MSG_DONTWAIT, MSG_NOSIGNAL

cdef extern from "<poll.h>" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd *, unsigned long, int)
    enum: POLLIN, POLLOUT

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    cdef struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int, timespec *)
    enum: CLOCK_MONOTONIC

cdef enum:
    HEADER = 28
    REPLY = 16
    MAX_DEPTH = 256
    MAX_OUT = 64 << 20
    # Where the payload begins in a slot's buffer: the header before it leaves the payload aligned.
    LEAD = 64
    # Of blocks as large as this, replies are received one by one, so that no part of one has to be moved.
    LARGE = 32 << 10

    OK = 0
    DISCONNECTED = 1
    WRONG_REPLY = 2
    WRONG_DATA = 3
    ERROR_REPLY = 4

_FAILURES = {
    DISCONNECTED: "the server closed the connection",
    WRONG_REPLY: "the server sent a reply that answers nothing",
    WRONG_DATA: "the server returned wrong data",
    ERROR_REPLY: "the server answered with an error",
}

cdef struct Slot:
    bint busy
    bint is_write
    uint32_t block
    uint64_t sent_at

cdef struct Flow:
    int fd
    uint32_t block_size
    uint64_t first           # the range: blocks first … first + blocks - 1 of the export
    uint32_t blocks
    int depth
    int write_percent
    bint sequential
    bint verify
    uint64_t nanoseconds
    uint64_t stop_after      # requests; 0: by time alone
    uint64_t random
    uint32_t next
    uint32_t *generation     # 0: never written by us
    unsigned char *busy
    unsigned char *template
    unsigned char *out       # a buffer for each slot, its payload prepared but for the stamps
    size_t stride
    iovec iov[MAX_DEPTH]
    unsigned char *back
    size_t back_size
    Slot slot[MAX_DEPTH]
    # Results.
    int failure
    int error
    uint64_t requests
    uint64_t elapsed
    uint64_t histogram[BUCKETS]


cdef inline uint64_t now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * <uint64_t>1000000000 + <uint64_t>t.tv_nsec


cdef inline uint64_t draw(Flow *f) noexcept nogil:
    # xorshift64*, good enough to spread requests.
    f.random ^= f.random >> 12
    f.random ^= f.random << 25
    f.random ^= f.random >> 27
    return f.random * <uint64_t>0x2545F4914F6CDD1D


cdef void ask(Flow *f, int index, iovec *piece) noexcept nogil:
    """Make the next request of a slot; `piece` is what to send."""
    cdef unsigned char *out = f.out + index * f.stride + LEAD - HEADER
    cdef Slot *slot = &f.slot[index]
    cdef uint32_t block = f.next
    cdef uint32_t magic = htobe32(0x25609513), length = htobe32(f.block_size)
    cdef uint16_t flags = 0, command
    cdef uint64_t cookie = index, offset
    if f.sequential:
        while f.busy[block]:
            block = (block + 1) % f.blocks
        f.next = (block + 1) % f.blocks
    else:
        block = <uint32_t>((draw(f) >> 32) % f.blocks)
        while f.busy[block]:
            block = (block + 1) % f.blocks
    f.busy[block] = 1
    slot.busy = True
    slot.block = block
    slot.is_write = <int>((draw(f) >> 33) % 100) < f.write_percent
    command = htobe16(1 if slot.is_write else 0)
    offset = htobe64((f.first + block) * f.block_size)
    memcpy(out, &magic, 4)
    memcpy(out + 4, &flags, 2)
    memcpy(out + 6, &command, 2)
    memcpy(out + 8, &cookie, 8)
    memcpy(out + 16, &offset, 8)
    memcpy(out + 24, &length, 4)
    piece.iov_base = out
    piece.iov_len = HEADER
    if slot.is_write:
        piece.iov_len += f.block_size
        f.generation[block] += 1
        if f.verify:
            stamp(out + HEADER, f.block_size, seed(f.first + block, f.generation[block]))


cdef ssize_t send_pieces(Flow *f, int *first, int count) noexcept nogil:
    """Send once; moves `first` to the first piece that is not sent whole."""
    cdef msghdr message
    cdef ssize_t sent, left
    memset(&message, 0, sizeof(message))
    message.msg_iov = &f.iov[first[0]]
    message.msg_iovlen = count - first[0]
    sent = left = sendmsg(f.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
    while left > 0:
        if <size_t>left < f.iov[first[0]].iov_len:
            f.iov[first[0]].iov_base = <unsigned char *>f.iov[first[0]].iov_base + left
            f.iov[first[0]].iov_len -= left
            break
        left -= f.iov[first[0]].iov_len
        first[0] += 1
    return sent


cdef int take(Flow *f, const unsigned char *reply, size_t available, uint64_t at, size_t *taken, int *index) noexcept nogil:
    """Check one reply; `taken` is 0 when more of it must be received first."""
    cdef uint32_t magic, error
    cdef uint64_t cookie
    cdef Slot *slot
    taken[0] = 0
    if available < REPLY:
        return OK
    memcpy(&magic, reply, 4)
    memcpy(&error, reply + 4, 4)
    memcpy(&cookie, reply + 8, 8)
    if be32toh(magic) != 0x67446698 or cookie >= <uint64_t>f.depth or not f.slot[cookie].busy:
        return WRONG_REPLY
    slot = &f.slot[cookie]
    if error:
        f.error = be32toh(error)
        return ERROR_REPLY
    if not slot.is_write:
        if available < REPLY + f.block_size:
            return OK
        if f.verify and f.generation[slot.block] and not matches(
            reply + REPLY, f.block_size, seed(f.first + slot.block, f.generation[slot.block]), f.template
        ):
            return WRONG_DATA
    taken[0] = REPLY if slot.is_write else REPLY + f.block_size
    index[0] = <int>cookie
    note(f.histogram, at - slot.sent_at)
    slot.busy = False
    f.busy[slot.block] = 0
    f.requests += 1
    return OK


cdef inline int allowed(Flow *f, int wanted, int outstanding) noexcept nogil:
    """How many more requests may be asked, up to `wanted`."""
    cdef uint64_t sure = f.requests + <uint64_t>outstanding
    if f.stop_after == 0:
        return wanted
    return <int>min(<uint64_t>wanted, f.stop_after - min(sure, f.stop_after))


cdef int flow(Flow *f) noexcept nogil:
    cdef uint64_t begun = now(), at = begun
    cdef size_t held = 0, used, taken, room
    cdef ssize_t moved
    cdef pollfd socket
    cdef int i, index = 0, failure, outstanding = 0, pieces, sent
    cdef int asked[MAX_DEPTH]
    cdef int to_ask = allowed(f, f.depth, 0)
    for i in range(f.depth):
        asked[i] = i
    while True:
        pieces = to_ask
        for i in range(pieces):
            ask(f, asked[i], &f.iov[i])
        at = now()
        for i in range(to_ask):
            f.slot[asked[i]].sent_at = at
        outstanding += to_ask
        if outstanding == 0:
            f.elapsed = now() - begun
            return OK
        to_ask = 0
        sent = 0
        while to_ask == 0 or sent < pieces:
            # A server may wait for its replies to be taken before it takes more, so neither side is ever waited for alone.
            if sent < pieces:
                moved = send_pieces(f, &sent, pieces)
                if moved < 0 and errno != EAGAIN and errno != EINTR:
                    return DISCONNECTED
            room = f.back_size - held
            if f.block_size >= LARGE:
                room = REPLY + f.block_size - held
            moved = recv(f.fd, f.back + held, room, MSG_DONTWAIT if sent < pieces else 0)
            if moved < 0 and errno == EAGAIN:
                socket.fd = f.fd
                socket.events = POLLIN | POLLOUT
                poll(&socket, 1, -1)
                continue
            if moved < 0 and errno == EINTR:
                continue
            if moved <= 0:
                return DISCONNECTED
            held += moved
            at = now()
            used = 0
            while True:
                failure = take(f, f.back + used, held - used, at, &taken, &index)
                if failure != OK:
                    return failure
                if taken == 0:
                    break
                used += taken
                asked[to_ask] = index
                to_ask += 1
            held -= used
            if held:
                memmove(f.back, f.back + used, held)
        outstanding -= to_ask
        # What is still out when the time is up is waited for, and nothing new is asked.
        to_ask = 0 if at - begun >= f.nanoseconds else allowed(f, to_ask, outstanding)


cdef class Generator:
    """Load on some connections of one export of `size` bytes. The patterns it wrote are remembered from run to run.

    `data`: what blocks are full of, over and over, but for their stamps; without it, what no codec makes smaller.
    """

    cdef Flow *_flows
    cdef int _count
    cdef uint64_t _share

    def __cinit__(self):
        self._flows = NULL

    def __init__(self, fds, size, int block_size, bytes data=b""):
        cdef Flow *f
        cdef int i
        cdef size_t k
        cdef const unsigned char *given = data
        if block_size % SECTOR or not SECTOR <= block_size <= MAX_OUT // 2:
            raise ValueError("a block is a multiple of 512 bytes")
        self._count = len(fds)
        self._share = size // block_size // self._count
        if self._share == 0:
            raise ValueError("the export is too small for so many connections and so large blocks")
        self._flows = <Flow *>calloc(self._count, sizeof(Flow))
        if self._flows == NULL:
            raise MemoryError
        for i in range(self._count):
            f = &self._flows[i]
            f.fd = fds[i]
            f.block_size = block_size
            f.first = i * self._share
            f.blocks = self._share
            f.random = 88172645463325252 + 7919 * i
            f.back_size = max(1 << 20, block_size + REPLY)
            f.stride = (LEAD + block_size + 63) // 64 * 64
            f.generation = <uint32_t *>calloc(f.blocks, 4)
            f.busy = <unsigned char *>calloc(f.blocks, 1)
            f.back = <unsigned char *>malloc(f.back_size)
            f.template = <unsigned char *>malloc(block_size)
            f.out = <unsigned char *>malloc(min(MAX_DEPTH, MAX_OUT // f.stride) * f.stride)
            if f.generation == NULL or f.busy == NULL or f.back == NULL or f.template == NULL or f.out == NULL:
                raise MemoryError
            for k in range(block_size // 8):
                (<uint64_t *>f.template)[k] = (k + 1) * <uint64_t>0x9E3779B97F4A7C15
            if data:
                for k in range(block_size):
                    f.template[k] = given[k % <size_t>len(data)]
            for k in range(min(MAX_DEPTH, MAX_OUT // f.stride)):
                memcpy(f.out + k * f.stride + LEAD, f.template, block_size)

    def __dealloc__(self):
        cdef int i
        if self._flows == NULL:
            return
        for i in range(self._count):
            free(self._flows[i].generation)
            free(self._flows[i].busy)
            free(self._flows[i].back)
            free(self._flows[i].template)
            free(self._flows[i].out)
        free(self._flows)

    def run(self, load):
        """Do `load` on all connections at once. Raises LoadFailed, ValueError."""
        cdef Flow *f
        cdef int i
        if not 1 <= load.depth <= min(MAX_DEPTH, self._share, MAX_OUT // self._flows[0].stride):
            raise ValueError("the depth is out of range")
        for i in range(self._count):
            f = &self._flows[i]
            if f.block_size != load.block_size:
                raise ValueError("a generator has one block size")
            f.depth = load.depth
            f.write_percent = load.write_percent
            f.sequential = load.sequential
            f.verify = load.verify
            f.nanoseconds = <uint64_t>(load.seconds * 1e9)
            f.stop_after = load.requests
            f.requests = 0
            f.failure = OK
            memset(f.histogram, 0, sizeof(f.histogram))
        threads = [threading.Thread(target=self._flow, args=(i,), daemon=True) for i in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._measured()

    def _flow(self, int index):
        cdef Flow *f = &self._flows[index]
        with nogil:
            f.failure = flow(f)

    def _measured(self):
        cdef int i, b
        cdef uint64_t requests = 0, elapsed = 0, seen = 0
        for i in range(self._count):
            if self._flows[i].failure != OK:
                number = f" (error {self._flows[i].error})" if self._flows[i].failure == ERROR_REPLY else ""
                raise LoadFailed(_FAILURES[self._flows[i].failure] + number)
            requests += self._flows[i].requests
            elapsed = max(elapsed, self._flows[i].elapsed)
        shares = [0.5, 0.99, 0.999]
        found = []
        for b in range(BUCKETS):
            for i in range(self._count):
                seen += self._flows[i].histogram[b]
            while len(found) < len(shares) and seen >= shares[len(found)] * requests:
                found.append(bucket_start(b))
        return Measured(
            requests, requests * self._flows[0].block_size, max(elapsed, 1) / 1e9, found[0], found[1], found[2]
        )
