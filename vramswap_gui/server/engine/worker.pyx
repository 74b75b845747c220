# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""What workers do, from the first request to the last: collect, copy, answer.

They run without the GIL, and on this path nothing is allocated, locked, logged or run in Python. They know a frontend
and a store by its table of functions alone (request.pxd).
"""
from libc.errno cimport errno
from libc.stdint cimport uint64_t
from posix.unistd cimport _exit, read, write

from cuda.bindings cimport cydriver
from vramswap_gui.server.engine.atomic cimport load_acquire, store_release
from vramswap_gui.server.engine.clock cimport now
from vramswap_gui.server.engine.copy_batch cimport EXIT_CONTEXT_LOST, poll, submit
from vramswap_gui.server.engine.crew cimport get_up, help_others, lie_down
from vramswap_gui.server.engine.request cimport DEAD, INTO, LANES, IoRequest, Port, Queue, at, in_flight
from vramswap_gui.server.engine.tally cimport COPIES, HEARTBEAT, count_batch

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        void *ptr
    cdef struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_ctl(int, int, int, epoll_event *)
    int epoll_wait(int, epoll_event *, int, int)
    enum: EPOLLIN, EPOLLOUT, EPOLLET, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD

cdef enum:
    MAX_EVENTS = 64
    # Requests and bytes of one port in one batch: two batches are under way at a time, and both should have some, so
    # that one is copied while the other is sent or received.
    MAX_SHARE = 64
    MAX_SHARE_BYTES = 128 << 10
    # A batch with so few copies and bytes is waited for at once: what else may have come is not worth another look first.
    SMALL = 2
    SMALL_BYTES = 16 << 10
    # While spinning, all ports are looked at every so many looks at the last one.
    SPIN_ALL = 8
    # Nanoseconds that a worker with nothing to do waits for copies before it looks for requests again.
    PATIENCE = 50000
    # With a batch under way for so many nanoseconds a worker shows no heartbeat, nor with nothing but requests for so long
    # that wait for another worker's batch.
    OVERDUE = 1000000000
    # How long a worker that only waits for another one's batch sleeps between looks, unless something comes.
    BLOCKED_MS = 1


cdef void watch(Worker *w, Port *port, int *error) noexcept nogil:
    """Begin to serve a port, or say by errno what is in the way."""
    cdef epoll_event event
    event.events = EPOLLIN | (EPOLLET if port.edge else 0)
    event.data.ptr = port
    error[0] = errno if epoll_ctl(w.epoll, EPOLL_CTL_ADD, port.fd, &event) else 0


cdef void drop(Port *port, int number) noexcept nogil:
    """Forget a lane's requests that are not in a batch."""
    cdef Queue *queue = &port.queue[number]
    cdef IoRequest *request
    while queue.made != queue.planned:
        queue.made -= 1
        request = at(queue, queue.made)
        if request.claimed:
            port.store.release(port.store, request)


cdef void retire(Worker *w, Port *port) noexcept nogil:
    """Python closes the descriptor, so that no other thread can meet its number again."""
    cdef uint64_t one = 1
    cdef epoll_event unused
    cdef int i
    w.hot = NULL
    for i in range(w.again_count):
        if w.again[i] == port:
            w.again_count -= 1
            w.again[i] = w.again[w.again_count]
            break
    epoll_ctl(w.epoll, EPOLL_CTL_DEL, port.fd, &unused)
    for i in range(LANES):
        drop(port, i)
    port.frontend.hang_up(port)
    store_release(&port.state, DEAD)
    write(w.died, &one, sizeof(one))


cdef void rearm(Worker *w, Port *port) noexcept nogil:
    """After a port's turn: retire it, or see that the right thing wakes it."""
    cdef epoll_event event
    cdef bint out, pending = False
    cdef int i
    if port.frontend.is_over(port):
        retire(w, port)
        return
    out = port.frontend.waits_for_out(port)
    if out != port.watched_for_out:
        event.events = EPOLLOUT if out else EPOLLIN
        event.data.ptr = port
        epoll_ctl(w.epoll, EPOLL_CTL_MOD, port.fd, &event)
        port.watched_for_out = out
    for i in range(LANES):
        pending = pending or port.queue[i].planned != port.queue[i].made
    if (pending or (not out and port.frontend.has_work(port))) and not port.again:
        port.again = True
        w.again[w.again_count] = port
        w.again_count += 1


cdef unsigned int claim(Worker *w, Port *port, int number) noexcept nogil:
    """How many of a port's next requests may be copied.

    Those of a connection that was given up may not: they were sent again elsewhere, and newer ones since. It is asked
    after the claim, so that whoever gets them elsewhere later than the answer finds them claimed.
    """
    cdef Queue *queue = &port.queue[number]
    cdef IoRequest *request
    cdef unsigned int count = 0
    cdef uint64_t size = 0
    while queue.planned + count != queue.made and count < MAX_SHARE and size < MAX_SHARE_BYTES:
        request = at(queue, queue.planned + count)
        if not request.claimed:
            if not port.store.claim(port.store, request):
                w.blocked = True
                break
            request.claimed = True
        size += request.length
        count += 1
    if count and number == INTO and port.frontend.is_given_up(port):
        drop(port, number)
        return 0
    return count


cdef bint plan(Worker *w, int number, Port *port) noexcept nogil:
    """Put a port's requests into the batch that is being made; true if there were any."""
    cdef Lane *lane = &w.lane[number]
    cdef Batch *batch = &lane.batch[(lane.oldest + lane.under_way) % BATCHES]
    cdef Queue *queue = &port.queue[number]
    cdef unsigned int claimed, count = 0
    if queue.planned == queue.made or lane.under_way == BATCHES or batch.count == MAX_SHARES:
        return False
    claimed = claim(w, port, number)
    while count < claimed and port.store.plan(port.store, at(queue, queue.planned), &batch.copies):
        queue.planned += 1
        count += 1
    if count == 0:
        return False
    batch.share[batch.count].port = port
    batch.share[batch.count].count = count
    batch.count += 1
    return True


cdef bint serve(Worker *w, Port *port) noexcept nogil:
    """A port's turn; true if it gave something to copy."""
    cdef bint planned = False
    cdef int i
    if port.watched_for_out:
        port.frontend.send(port)
    port.frontend.collect(port)
    for i in range(LANES):
        planned = plan(w, i, port) or planned
    port.frontend.send(port)
    rearm(w, port)
    return planned


cdef void complete(Worker *w, int number) noexcept nogil:
    """The oldest batch of a lane is done: answer its requests."""
    cdef Lane *lane = &w.lane[number]
    cdef Batch *batch = &lane.batch[lane.oldest]
    cdef Port *port
    cdef Queue *queue
    cdef IoRequest *request
    cdef unsigned int k
    cdef int i
    count_batch(w.tally, now() - batch.copies.began)
    lane.oldest = (lane.oldest + 1) % BATCHES
    lane.under_way -= 1
    for i in range(batch.count):
        port = batch.share[i].port
        queue = &port.queue[number]
        for k in range(batch.share[i].count):
            request = at(queue, queue.done)
            port.store.complete(port, request, &batch.copies)
            port.frontend.answer(port, request)
            queue.done += 1
    for i in range(batch.count):
        port = batch.share[i].port
        port.frontend.send(port)
        rearm(w, port)
    batch.count = 0


cdef bint completed(Worker *w) noexcept nogil:
    """Answer what has been copied; true if anything was."""
    cdef bint some = False
    cdef Lane *lane
    cdef int i
    for i in range(LANES):
        lane = &w.lane[i]
        if lane.under_way and poll(&lane.batch[lane.oldest].copies):
            complete(w, i)
            some = True
    return some


cdef bint start(Worker *w) noexcept nogil:
    """Start the batches that were made; true if they are small."""
    cdef Lane *lane
    cdef Batch *batch
    cdef int i, copies = 0
    cdef size_t size = 0
    for i in range(LANES):
        lane = &w.lane[i]
        if lane.under_way == BATCHES:
            continue
        batch = &lane.batch[(lane.oldest + lane.under_way) % BATCHES]
        if batch.count == 0:
            continue
        copies += batch.copies.copies
        size += batch.copies.bytes
        w.tally[COPIES] += batch.copies.copies
        submit(&batch.copies)
        lane.under_way += 1
    if copies and w.spin:
        w.spin_until = now() + w.spin
    return copies <= SMALL and size <= SMALL_BYTES


cdef inline int under_way(const Worker *w) noexcept nogil:
    return w.lane[0].under_way + w.lane[1].under_way


cdef inline bint overdue(const Worker *w, uint64_t at) noexcept nogil:
    cdef int i
    if w.blocked_since and at - w.blocked_since > OVERDUE:
        return True
    for i in range(LANES):
        if w.lane[i].under_way and at - w.lane[i].batch[w.lane[i].oldest].copies.began > OVERDUE:
            return True
    return False


cdef bint woken(Worker *w) noexcept nogil:
    """Take what was written to the eventfd; true when the worker is to end."""
    cdef uint64_t count
    read(w.wake, &count, sizeof(count))
    return load_acquire(&w.ending)


cdef int await_events(Worker *w, epoll_event *events, int timeout) noexcept nogil:
    cdef int count
    if timeout >= 0 or w.hand == NULL:
        return epoll_wait(w.epoll, events, MAX_EVENTS, timeout)
    if lie_down(w.hand):
        timeout = 0
    count = epoll_wait(w.epoll, events, MAX_EVENTS, timeout)
    get_up(w.hand)
    return count


cdef int look(Worker *w, int timeout) noexcept nogil:
    """Give a turn to all ports that have something; how many had something to copy, or -1 when the worker is to end."""
    cdef epoll_event events[MAX_EVENTS]
    cdef Port *listed[MAX_PORTS]
    cdef Port *last = NULL
    cdef int count, i, listed_count, served = 0
    w.looks += 1
    if timeout == 0 and w.hot != NULL and w.again_count == 0 and w.looks % SPIN_ALL:
        # Asking one socket is cheaper than asking for all, and after a lone request the next one is a lone one too.
        return serve(w, w.hot)
    count = await_events(w, events, timeout)
    # No port has two turns: the first may retire it, and Python may then use it anew at any moment.
    for i in range(count):
        if events[i].data.ptr == NULL:
            if woken(w):
                return -1
        elif (<Port *>events[i].data.ptr).again:
            events[i].data.ptr = NULL
    # Taken off the list first, for a turn may put a port on it again.
    listed_count = w.again_count
    for i in range(listed_count):
        listed[i] = w.again[i]
        listed[i].again = False
    w.again_count = 0
    for i in range(listed_count):
        if serve(w, listed[i]):
            last = listed[i]
            served += 1
    for i in range(count):
        if events[i].data.ptr != NULL and serve(w, <Port *>events[i].data.ptr):
            last = <Port *>events[i].data.ptr
            served += 1
    if served:
        w.hot = last if served == 1 else NULL
    return served


cdef void wait(Worker *w) noexcept nogil:
    """Wait until some batch is done, but not for ever: requests of the other lane may come meanwhile."""
    cdef uint64_t until = now() + PATIENCE
    while under_way(w) and not completed(w) and now() < until:
        pass


cdef void help(Worker *w) noexcept nogil:
    """Having nothing to do, pack a part of what another worker has to write, and look for more afterwards."""
    if help_others(w.hand) and w.spin:
        w.spin_until = now() + w.spin


cdef void work(Worker *w) noexcept nogil:
    cdef int timeout, served
    cdef uint64_t at
    if cydriver.cuCtxSetCurrent(w.context) != cydriver.CUresult.CUDA_SUCCESS:
        _exit(EXIT_CONTEXT_LOST)
    while True:
        at = now()
        if not overdue(w, at):
            w.tally[HEARTBEAT] += 1
        timeout = 0
        if under_way(w) == 0 and w.again_count == 0 and (w.spin == 0 or at >= w.spin_until):
            timeout = -1
        elif under_way(w) == 0 and w.blocked:
            timeout = BLOCKED_MS
        w.blocked = False
        served = look(w, timeout)
        if served < 0:
            return
        w.blocked = w.blocked and served == 0
        if not w.blocked:
            w.blocked_since = 0
        elif w.blocked_since == 0:
            w.blocked_since = at
        if w.hand != NULL and served == 0 and under_way(w) == 0:
            help(w)
        if start(w) or served == 0:
            wait(w)
        else:
            completed(w)
