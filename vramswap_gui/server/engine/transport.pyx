# cython: boundscheck=False, wraparound=False, cdivision=True
"""What moves requests: NBD over a socket, many requests and replies to a system call, all without the GIL."""
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from vramswap_gui.server.engine cimport copy_batch, nbdwire, tally
from vramswap_gui.server.engine.nbdwire cimport Request

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int, void *, size_t, int)
    ssize_t send(int, const void *, size_t, int)
    enum: MSG_DONTWAIT, MSG_NOSIGNAL


cdef inline uint64_t tx_room(const Connection *c) noexcept nogil:
    return TX_SIZE - (c.tx_reserved - c.tx_sent)


cdef inline void reply(Connection *c, uint64_t cookie, int error) noexcept nogil:
    """Put a reply's 16 bytes into tx, which has the room."""
    cdef unsigned char wire[nbdwire.REPLY_SIZE]
    cdef size_t place = c.tx_reserved % TX_SIZE
    cdef size_t first = min(<size_t>nbdwire.REPLY_SIZE, TX_SIZE - place)
    nbdwire.put_reply(wire, cookie, error)
    memcpy(c.tx + place, wire, first)
    memcpy(c.tx, wire + first, nbdwire.REPLY_SIZE - first)
    c.tx_reserved += nbdwire.REPLY_SIZE


cdef bint read_part(Copies *copies, Connection *c) noexcept nogil:
    """Reserve and copy as much of the long read as there is room for."""
    cdef uint64_t part = min(c.read_left, tx_room(c))
    cdef size_t place
    if part < min(c.read_left, <uint64_t>PART):
        return False
    place = c.tx_reserved % TX_SIZE
    part = min(part, <uint64_t>(TX_SIZE - place))
    copy_batch.add(&copies.out, c.read_address, c.tx + place, part)
    c.tx_reserved += part
    c.read_address += part
    c.read_left -= part
    return True


cdef inline bint write_ready(const Connection *c) noexcept nogil:
    """Whether enough of the write's payload has come: all of it, or a part that the copy engine takes as it is."""
    return c.rx_received - c.rx_parsed >= min(c.write_left, <uint64_t>PART)


cdef bint zero_part(Copies *copies, Connection *c) noexcept nogil:
    """Zero the next stretch."""
    cdef uint64_t part = min(c.zero_left, <uint64_t>copy_batch.ZEROES)
    copy_batch.add(&copies.into, c.zero_address, copies.zeroes, part)
    c.zero_address += part
    c.zero_left -= part
    if c.zero_left == 0:
        reply(c, c.zero_cookie, 0)
    return True


cdef bint write_part(Copies *copies, Connection *c) noexcept nogil:
    """Copy what has come of the write's payload."""
    cdef size_t place = c.rx_parsed % RX_SIZE
    cdef uint64_t part = min(c.rx_received - c.rx_parsed, c.write_left)
    part = min(part, <uint64_t>(RX_SIZE - place))
    if not write_ready(c):
        return False
    if part and c.write_error == 0:
        copy_batch.add(&copies.into, c.write_address, c.rx + place, part)
    c.rx_parsed += part
    c.write_address += part
    c.write_left -= part
    if c.write_left == 0:
        c.in_write = False
        reply(c, c.write_cookie, c.write_error)
    return True


cdef bint next_step(Copies *copies, Connection *c) noexcept nogil:
    """Take the next step; false when it cannot be taken before more is received, copied or sent."""
    cdef unsigned char wire[nbdwire.REQUEST_SIZE]
    cdef Request request
    cdef size_t place, first
    cdef int error
    if c.closing or tx_room(c) < nbdwire.REPLY_SIZE:
        return False
    if max(copies.out.count, copies.into.count) == copy_batch.MAX_RUNS:
        return False
    if c.read_left:
        return read_part(copies, c)
    if c.zero_left:
        return zero_part(copies, c)
    if c.in_write:
        return write_part(copies, c)
    if c.rx_received - c.rx_parsed < nbdwire.REQUEST_SIZE:
        return False
    place = c.rx_parsed % RX_SIZE
    first = min(<size_t>nbdwire.REQUEST_SIZE, RX_SIZE - place)
    memcpy(wire, c.rx + place, first)
    memcpy(wire + first, c.rx, nbdwire.REQUEST_SIZE - first)
    if not nbdwire.parse_request(wire, &request):
        # Nothing after a wrong magic can be trusted; what was asked before is still answered.
        c.closing = True
        return False
    error = nbdwire.check_request(&request, c.size)
    c.rx_parsed += nbdwire.REQUEST_SIZE
    if error:
        copies.tally[tally.ERRORS] += 1
    if request.command == nbdwire.CMD_DISC:
        c.closing = True
    elif request.command == nbdwire.CMD_WRITE:
        copies.tally[tally.WRITES] += 1
        copies.tally[tally.BYTES_WRITTEN] += request.length
        c.in_write = True
        c.write_cookie = request.cookie
        c.write_error = error
        c.write_address = c.base + request.offset
        c.write_left = request.length
    elif request.command == nbdwire.CMD_WRITE_ZEROES and error == 0 and request.length:
        copies.tally[tally.OTHERS] += 1
        c.zero_cookie = request.cookie
        c.zero_address = c.base + request.offset
        c.zero_left = request.length
    else:
        # Flush and FUA need nothing more: a reply is only sent once its copies are done. Trim may keep the data.
        reply(c, request.cookie, error)
        if error == 0 and request.command == nbdwire.CMD_READ:
            copies.tally[tally.READS] += 1
            copies.tally[tally.BYTES_READ] += request.length
            c.read_address = c.base + request.offset
            c.read_left = request.length
            return True
        copies.tally[tally.OTHERS] += 1
    return True


cdef bint receive(Connection *c) noexcept nogil:
    """Receive once, as much as fits before the ring's end; false when there is no more to receive now, or no room."""
    cdef size_t place = c.rx_received % RX_SIZE
    cdef size_t room = min(<size_t>(RX_SIZE - (c.rx_received - c.rx_freed)), RX_SIZE - place)
    cdef ssize_t received
    if room == 0 or c.closing:
        return False
    received = recv(c.fd, c.rx + place, room, MSG_DONTWAIT)
    if received > 0:
        c.rx_received += received
        # Less than was asked for is all there was, but for the ring's end.
        return <size_t>received == room
    if received == 0:
        c.closing = True
    elif errno != EAGAIN and errno != EINTR:
        c.closing = True
        c.broken = True
    return False


cdef bint gather(Copies *copies, int batch, Connection *c) noexcept nogil:
    """Receive, parse and add the copies to a batch; true when the connection is now part of the batch."""
    cdef int steps = 0, tries
    if c.rx_freed == c.rx_received and c.tx_sent == c.tx_reserved and not c.in_batch[0] and not c.in_batch[1]:
        # Nothing is under way: start over at the front, where the caches are warm.
        c.rx_received = c.rx_parsed = c.rx_freed = 0
        c.tx_reserved = c.tx_ready = c.tx_sent = 0
    for tries in range(2):
        while steps < MAX_REQUESTS and next_step(copies, c):
            steps += 1
        if steps >= MAX_REQUESTS or not receive(c):
            break
    while steps < MAX_REQUESTS and next_step(copies, c):
        steps += 1
    if steps == 0:
        return False
    c.rx_mark[batch] = c.rx_parsed
    c.tx_mark[batch] = c.tx_reserved
    c.in_batch[batch] = True
    return True


cdef void batch_done(int batch, Connection *c) noexcept nogil:
    """The copies of a batch are done: its part of rx is free and its replies may go."""
    c.rx_freed = c.rx_mark[batch]
    c.tx_ready = c.tx_mark[batch]
    c.in_batch[batch] = False


cdef void send_replies(Connection *c) noexcept nogil:
    """Send what is ready, as far as the socket takes it."""
    cdef size_t place
    cdef ssize_t sent
    while c.tx_sent < c.tx_ready and not c.broken:
        place = c.tx_sent % TX_SIZE
        sent = send(
            c.fd, c.tx + place, min(<size_t>(c.tx_ready - c.tx_sent), TX_SIZE - place), MSG_DONTWAIT | MSG_NOSIGNAL
        )
        if sent >= 0:
            c.tx_sent += sent
        elif errno == EAGAIN:
            return
        elif errno != EINTR:
            c.broken = True
            c.closing = True


cdef bint has_work(const Connection *c) noexcept nogil:
    """Whether gather() may find something to do without receiving anything."""
    if c.closing:
        return False
    if c.in_write:
        return write_ready(c)
    return c.read_left > 0 or c.zero_left > 0 or c.rx_received - c.rx_parsed >= nbdwire.REQUEST_SIZE


cdef bint is_over(const Connection *c) noexcept nogil:
    """Whether the connection can be buried."""
    return c.closing and not c.in_batch[0] and not c.in_batch[1] and (c.broken or c.tx_sent == c.tx_reserved)
