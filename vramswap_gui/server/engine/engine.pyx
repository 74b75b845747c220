# cython: boundscheck=False, wraparound=False, cdivision=True
"""The data path's frame: workers that run without the GIL, and the segments and connections they serve.

Workers run :func:`work` from the first request to the last; on that path nothing is allocated, locked, logged or run
in Python. Python (the thread that made the :class:`Engine`) adds and removes segments and connections, and every
buffer is allocated and touched there.
"""
from libc.errno cimport errno
from libc.stdint cimport uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from posix.unistd cimport _exit, close, read, write

from cuda.bindings cimport cydriver
from vramswap_gui.server.engine.copy_batch cimport EXIT_CONTEXT_LOST, ZEROES, Channel, Copies, CopyBatch, finish, launch, now, ok
from vramswap_gui.server.engine.tally cimport COPIES, HEARTBEAT, ROW, count_batch
from vramswap_gui.server.engine.transport cimport (
    DEAD,
    FREE,
    LIVE,
    RX_SIZE,
    TX_SIZE,
    Connection,
    batch_done,
    gather,
    has_work,
    is_over,
    send_replies,
)

import os
import select
import threading

from vramswap_gui.errors import ErrorCode, VramswapError

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        void *ptr
    cdef struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_create1(int)
    int epoll_ctl(int, int, int, epoll_event *)
    int epoll_wait(int, epoll_event *, int, int)
    enum: EPOLLIN, EPOLLOUT, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLL_CLOEXEC

cdef extern from "<sys/socket.h>" nogil:
    int shutdown(int, int)
    enum: SHUT_RDWR

cdef extern from *:
    """
    #define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    """
    int load_acquire(int *) nogil
    void store_release(int *, int) nogil

cdef enum:
    MAX_CONNECTIONS = 1024
    MAX_EVENTS = 64
    MAX_LISTED = 256
    # A batch with so few copies is waited for at once: what else may have come is not worth another look first.
    SMALL = 2
    # While spinning, all connections are looked at every so many looks at the last one.
    SPIN_ALL = 8

#: See copy_batch.pxd.
CONTEXT_LOST = EXIT_CONTEXT_LOST

cdef struct Batch:
    Copies copies
    int count                # 0: not under way
    uint64_t began
    Connection *connections[MAX_LISTED]

cdef struct Worker:
    int epoll
    int wake                 # eventfd that sends the worker round its loop once, and to its end if that is asked
    int ending               # set by Python before it wakes the worker for the last time
    uint64_t *tally          # the worker's row of counters
    int died                 # eventfd that tells Python of a dead connection
    cydriver.CUcontext context
    uint64_t spin            # nanoseconds to look for more before sleeping, after traffic
    # Two batches take turns: while one is copied, the other is received and parsed, or its replies are sent.
    Batch batch[2]
    Channel channel
    int again_count
    Connection *again[MAX_LISTED]
    Connection *hot          # the only one of the last batch, where the next request is most likely


cdef void bury(Worker *w, Connection *c) noexcept nogil:
    """Python closes the descriptor, so that no other thread can meet its number again."""
    cdef uint64_t one = 1
    cdef epoll_event unused
    cdef int i
    w.hot = NULL
    for i in range(w.again_count):
        if w.again[i] == c:
            w.again_count -= 1
            w.again[i] = w.again[w.again_count]
            break
    epoll_ctl(w.epoll, EPOLL_CTL_DEL, c.fd, &unused)
    shutdown(c.fd, SHUT_RDWR)
    store_release(&c.state, DEAD)
    write(w.died, &one, sizeof(one))


cdef void settle(Worker *w, Connection *c) noexcept nogil:
    """After a connection's turn: bury it, or see that the right thing wakes it."""
    cdef epoll_event event
    cdef bint out
    if is_over(c):
        bury(w, c)
        return
    out = c.tx_sent < c.tx_ready
    if out != c.waits_for_out:
        event.events = EPOLLOUT if out else EPOLLIN
        event.data.ptr = c
        epoll_ctl(w.epoll, EPOLL_CTL_MOD, c.fd, &event)
        c.waits_for_out = out
    if not out and has_work(c) and not c.again and w.again_count < MAX_LISTED:
        c.again = True
        w.again[w.again_count] = c
        w.again_count += 1


cdef void complete(Worker *w, int which) noexcept nogil:
    """Wait for a batch and answer its requests."""
    cdef Batch *batch = &w.batch[which]
    cdef int i
    finish(&batch.copies.out)
    finish(&batch.copies.into)
    count_batch(batch.copies.tally, now() - batch.began)
    for i in range(batch.count):
        batch_done(which, batch.connections[i])
        send_replies(batch.connections[i])
        settle(w, batch.connections[i])
    batch.count = 0


cdef inline void take(Worker *w, int which, Connection *c) noexcept nogil:
    """Give a connection its turn in the batch that is being made."""
    cdef Batch *batch = &w.batch[which]
    if c.in_batch[which] or batch.count == MAX_LISTED:
        return
    if c.tx_sent < c.tx_ready:
        send_replies(c)
    if gather(&batch.copies, which, c):
        batch.connections[batch.count] = c
        batch.count += 1
    elif not c.in_batch[which ^ 1]:
        settle(w, c)


cdef bint woken(Worker *w) noexcept nogil:
    """Take what was written to the eventfd; true when the worker is to end."""
    cdef uint64_t count
    read(w.wake, &count, sizeof(count))
    return load_acquire(&w.ending)


cdef void work(Worker *w) noexcept nogil:
    cdef epoll_event events[MAX_EVENTS]
    cdef Connection *listed[MAX_LISTED]
    cdef int count, i, listed_count, which = 0, timeout, looks = 0
    cdef uint64_t spin_until = 0
    if not ok(cydriver.cuCtxSetCurrent(w.context)):
        _exit(EXIT_CONTEXT_LOST)
    while True:
        w.tally[HEARTBEAT] += 1
        timeout = 0
        if w.batch[which ^ 1].count == 0 and w.again_count == 0 and (w.spin == 0 or now() >= spin_until):
            timeout = -1
        looks += 1
        if timeout == 0 and w.hot != NULL and w.again_count == 0 and looks % SPIN_ALL:
            # Asking one socket is cheaper than asking for all, and after a lone request the next one is a lone one too.
            count = 0
            take(w, which, w.hot)
        else:
            count = epoll_wait(w.epoll, events, MAX_EVENTS, timeout)
        # No connection has two turns: the first may bury it, and Python may then use it anew at any moment.
        for i in range(count):
            if events[i].data.ptr == NULL:
                if woken(w):
                    return
            elif (<Connection *>events[i].data.ptr).again:
                events[i].data.ptr = NULL
        # Taken off the list first, for a turn may put a connection on it again.
        listed_count = w.again_count
        for i in range(listed_count):
            listed[i] = w.again[i]
            listed[i].again = False
        w.again_count = 0
        for i in range(listed_count):
            take(w, which, listed[i])
        for i in range(count):
            if events[i].data.ptr != NULL:
                take(w, which, <Connection *>events[i].data.ptr)
        if w.batch[which].count:
            w.tally[COPIES] += w.batch[which].copies.out.copies + w.batch[which].copies.into.copies
            w.batch[which].began = now()
            launch(&w.batch[which].copies.out)
            launch(&w.batch[which].copies.into)
            w.hot = w.batch[which].connections[0] if w.batch[which].count == 1 else NULL
            if w.spin:
                spin_until = w.batch[which].began + w.spin
        if w.batch[which ^ 1].count:
            complete(w, which ^ 1)
        if w.batch[which].count:
            if w.batch[which].copies.out.count + w.batch[which].copies.into.count <= SMALL:
                complete(w, which)
            else:
                which ^= 1


cdef void check(cydriver.CUresult result, str doing) except *:
    if not ok(result):
        raise VramswapError(ErrorCode.SERVER_FAILED, f"CUDA error {<int>result} while {doing}.", "See the driver's messages in `dmesg`.")


cdef cydriver.CUstream new_stream() except *:
    cdef cydriver.CUstream stream = NULL
    check(cydriver.cuStreamCreate(&stream, cydriver.CUstream_flags_enum.CU_STREAM_NON_BLOCKING), "creating a stream")
    return stream


cdef int prepare(CopyBatch *batch, Channel *channel, bint inward, bint can_batch) except -1:
    batch.inward = inward
    batch.can_batch = can_batch
    batch.channel = channel
    batch.stream = new_stream()
    return 0


cdef void *pinned(size_t size) except NULL:
    """So many bytes of locked memory for copies, zeroed and touched."""
    cdef void *memory = NULL
    check(cydriver.cuMemHostAlloc(&memory, size, cydriver.CU_MEMHOSTALLOC_PORTABLE), "pinning memory")
    memset(memory, 0, size)
    return memory


cdef class Engine:
    """Workers, segments and connections. All methods are for one thread, with the CUDA context current on it."""

    cdef Worker *_workers
    cdef unsigned char *_zeroes
    cdef cydriver.CUdeviceptr _words
    cdef int _count
    cdef int _next
    cdef Connection *_connections[MAX_CONNECTIONS]
    cdef dict _segments
    cdef list _threads
    cdef readonly int died

    def __cinit__(self):
        self._workers = NULL
        self._segments = {}
        self._threads = []

    def __init__(self, unsigned long long context, int workers, bint can_batch, unsigned long long tallies,
                 unsigned int spin=20000):
        cdef int i, b
        cdef epoll_event event
        self.died = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._count = workers
        self._workers = <Worker *>calloc(workers, sizeof(Worker))
        if self._workers == NULL:
            raise MemoryError
        self._zeroes = <unsigned char *>pinned(ZEROES)
        # What the workers set through the compute channel, to see whether it is free.
        check(cydriver.cuMemAlloc(&self._words, workers * sizeof(uint64_t)), "allocating a word for each worker")
        # Each locked byte of stack is locked memory, and the path above needs little.
        threading.stack_size(256 << 10)
        for i in range(workers):
            w = &self._workers[i]
            w.context = <cydriver.CUcontext><uintptr_t>context
            w.died = self.died
            w.epoll = epoll_create1(EPOLL_CLOEXEC)
            w.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            w.tally = <uint64_t *><uintptr_t>tallies + i * ROW
            if w.epoll < 0:
                raise OSError(errno, "epoll_create1")
            event.events = EPOLLIN
            event.data.ptr = NULL
            if epoll_ctl(w.epoll, EPOLL_CTL_ADD, w.wake, &event):
                raise OSError(errno, "epoll_ctl")
            w.spin = spin
            w.channel.stream = new_stream()
            w.channel.word = self._words + i * sizeof(uint64_t)
            for b in range(2):
                copies = &w.batch[b].copies
                copies.tally = w.tally
                copies.zeroes = self._zeroes
                prepare(&copies.out, &w.channel, False, can_batch)
                prepare(&copies.into, &w.channel, True, can_batch)
            thread = threading.Thread(target=self._run, args=(i,), name=f"worker-{i}", daemon=True)
            thread.start()
            self._threads.append(thread)
        threading.stack_size(0)

    def _run(self, int index):
        with nogil:
            work(&self._workers[index])

    def add_segment(self, int index, unsigned long long base, unsigned long long size):
        """Serve `size` bytes of VRAM at device address `base` as segment `index`."""
        self._segments[index] = (base, size)

    def add_connection(self, int index, int fd):
        """Serve segment `index` on the connected stream socket `fd`, which the engine owns from now on."""
        cdef Connection *c
        cdef epoll_event event
        try:
            c = self._vacant()
        except BaseException:
            os.close(fd)
            raise
        rx, tx = c.rx, c.tx
        memset(c, 0, sizeof(Connection))
        c.rx, c.tx = rx, tx
        c.base, c.size = self._segments[index]
        c.segment = index
        c.fd = fd
        c.worker = self._next
        self._next = (self._next + 1) % self._count
        event.events = EPOLLIN
        event.data.ptr = c
        store_release(&c.state, LIVE)
        if epoll_ctl(self._workers[c.worker].epoll, EPOLL_CTL_ADD, fd, &event):
            error = errno
            os.close(fd)
            store_release(&c.state, FREE)
            raise OSError(error, "epoll_ctl")

    cdef Connection *_vacant(self) except NULL:
        cdef Connection *c
        cdef int i
        for i in range(MAX_CONNECTIONS):
            c = self._connections[i]
            if c == NULL:
                break
            if load_acquire(&c.state) == FREE:
                return c
        else:
            raise VramswapError(ErrorCode.BUSY, "Too many NBD connections.", f"The limit is {MAX_CONNECTIONS}.")
        c = <Connection *>calloc(1, sizeof(Connection))
        if c == NULL:
            raise MemoryError
        try:
            c.rx = <unsigned char *>pinned(RX_SIZE + TX_SIZE)
        except BaseException:
            free(c)
            raise
        c.tx = c.rx + RX_SIZE
        self._connections[i] = c
        return c

    def reap(self):
        """Close the descriptors of connections that ended; to be called when `died` is readable."""
        cdef Connection *c
        cdef int i
        try:
            os.eventfd_read(self.died)
        except BlockingIOError:
            pass
        for i in range(MAX_CONNECTIONS):
            c = self._connections[i]
            if c == NULL:
                break
            if load_acquire(&c.state) == DEAD:
                close(c.fd)
                store_release(&c.state, FREE)

    def connections(self, int index) -> int:
        """How many connections of segment `index` (-1: of all segments) are alive."""
        cdef Connection *c
        cdef int i, alive = 0
        for i in range(MAX_CONNECTIONS):
            c = self._connections[i]
            if c == NULL:
                break
            alive += load_acquire(&c.state) == LIVE and (index < 0 or c.segment == index)
        return alive

    def fence(self, int index) -> None:
        """End every connection of segment `index`; when it returns, no copy of theirs is under way or can come."""
        cdef Connection *c
        cdef int i
        self.reap()
        for i in range(MAX_CONNECTIONS):
            c = self._connections[i]
            if c == NULL:
                break
            # Only this thread closes descriptors, so the number still means this connection.
            if load_acquire(&c.state) == LIVE and c.segment == index:
                shutdown(c.fd, SHUT_RDWR)
        while self.connections(index):
            select.select([self.died], [], [])
            self.reap()
        self.reap()

    def drop_segment(self, int index) -> None:
        """Forget segment `index` after fencing it; its VRAM may then be unmapped."""
        self.fence(index)
        del self._segments[index]

    def poke(self) -> None:
        """Send every worker round its loop once, so that an idle one shows a heartbeat and a hung one does not."""
        cdef int i
        for i in range(self._count):
            os.eventfd_write(self._workers[i].wake, 1)

    def close(self) -> None:
        """End all connections and workers, and give back their memory."""
        cdef int i, b
        for index in list(self._segments):
            self.drop_segment(index)
        for i in range(self._count):
            store_release(&self._workers[i].ending, 1)
        self.poke()
        for thread in self._threads:
            thread.join()
        for i in range(self._count):
            for b in range(2):
                cydriver.cuStreamDestroy(self._workers[i].batch[b].copies.out.stream)
                cydriver.cuStreamDestroy(self._workers[i].batch[b].copies.into.stream)
            cydriver.cuStreamDestroy(self._workers[i].channel.stream)
            os.close(self._workers[i].wake)
            os.close(self._workers[i].epoll)
        for i in range(MAX_CONNECTIONS):
            if self._connections[i] == NULL:
                break
            cydriver.cuMemFreeHost(self._connections[i].rx)
            free(self._connections[i])
            self._connections[i] = NULL
        cydriver.cuMemFreeHost(self._zeroes)
        cydriver.cuMemFree(self._words)
        free(self._workers)
        self._workers = NULL
        self._count = 0
        os.close(self.died)
