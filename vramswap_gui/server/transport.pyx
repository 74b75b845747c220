# cython: boundscheck=False, wraparound=False, cdivision=True
"""What moves requests: NBD over a socket, many requests and replies to a system call, all without the GIL."""
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint64_t
from libc.string cimport memmove

from vramswap_gui.server cimport copier, nbdwire
from vramswap_gui.server.nbdwire cimport Request

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int, void *, size_t, int)
    ssize_t send(int, const void *, size_t, int)
    enum: MSG_DONTWAIT, MSG_NOSIGNAL


cdef inline void reply(Batch *batch, Connection *c, uint64_t cookie, int error) noexcept nogil:
    nbdwire.put_reply(c.tx + c.tx_end, cookie, error)
    c.tx_end += nbdwire.REPLY_SIZE
    batch.reply[batch.replies].cookie = cookie
    batch.reply[batch.replies].error = error
    batch.replies += 1


cdef bint parse_one(Batch *batch, Connection *c) noexcept nogil:
    """Take the next step in rx; false when it cannot be taken before more is received or sent."""
    cdef Request request
    cdef size_t available = c.rx_end - c.rx_start
    cdef size_t room = TX_SIZE - c.tx_end
    cdef size_t part
    cdef int error
    if batch.replies == MAX_BATCH or room < nbdwire.REPLY_SIZE or c.in_read or c.closing:
        return False
    if c.in_write:
        part = min(available, c.write_left)
        if part == 0 and c.write_left:
            return False
        if part and c.write_reply.error == 0:
            copier.copy_in(&batch.copier, c.write_address, c.rx + c.rx_start, part)
        c.rx_start += part
        c.write_address += part
        c.write_left -= part
        if c.write_left == 0:
            c.in_write = False
            reply(batch, c, c.write_reply.cookie, c.write_reply.error)
        return True
    if available < nbdwire.REQUEST_SIZE:
        return False
    if not nbdwire.parse_request(c.rx + c.rx_start, &request):
        # Nothing after a wrong magic can be trusted; what was asked before is still answered.
        c.closing = True
        return False
    error = nbdwire.check_request(&request, c.size)
    if request.command == nbdwire.CMD_READ and error == 0:
        if request.length > room - nbdwire.REPLY_SIZE and c.tx_end > 0:
            return False
        c.rx_start += nbdwire.REQUEST_SIZE
        part = min(request.length, room - nbdwire.REPLY_SIZE)
        reply(batch, c, request.cookie, 0)
        if part:
            copier.copy_out(&batch.copier, c.tx + c.tx_end, c.base + request.offset, part)
            c.tx_end += part
        c.read_left = request.length - part
        c.read_address = c.base + request.offset + part
        c.in_read = c.read_left > 0
        return True
    c.rx_start += nbdwire.REQUEST_SIZE
    if request.command == nbdwire.CMD_DISC:
        c.closing = True
    elif request.command == nbdwire.CMD_WRITE:
        c.in_write = True
        c.write_reply.cookie = request.cookie
        c.write_reply.error = error
        c.write_address = c.base + request.offset
        c.write_left = request.length
    else:
        if request.command == nbdwire.CMD_WRITE_ZEROES and error == 0 and request.length:
            copier.zero(&batch.copier, c.base + request.offset, request.length)
        # Flush and FUA need nothing more: a reply is only sent once its copies are in VRAM. Trim is free to keep the data.
        reply(batch, c, request.cookie, error)
    return True


cdef bint settle(Batch *batch, Connection *c) noexcept nogil:
    """Wait for the copies of this step; false when the connection can only be closed.

    When a copy failed, every request of the step is answered with EIO.
    """
    cdef int i
    if copier.finish(&batch.copier):
        return True
    if c.in_write:
        c.write_reply.error = nbdwire.NBD_EIO
    if batch.replies == 0 and c.tx_end:
        # The rest of a long read, whose reply has gone out as a success already.
        return False
    c.tx_end = 0
    c.in_read = False
    for i in range(batch.replies):
        nbdwire.put_reply(c.tx + c.tx_end, batch.reply[i].cookie, batch.reply[i].error or nbdwire.NBD_EIO)
        c.tx_end += nbdwire.REPLY_SIZE
    return True


cdef int flush(Connection *c) noexcept nogil:
    cdef ssize_t sent
    while c.tx_start < c.tx_end:
        sent = send(c.fd, c.tx + c.tx_start, c.tx_end - c.tx_start, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            if errno == EINTR:
                continue
            return STEP_WAIT if errno == EAGAIN else STEP_CLOSE
        c.tx_start += sent
    c.tx_start = 0
    c.tx_end = 0
    return STEP_MORE


cdef int step(Batch *batch, Connection *c) noexcept nogil:
    """Send what waits, parse what is there, else receive."""
    cdef ssize_t received
    cdef size_t part
    cdef int result = flush(c)
    cdef bint parsed = False
    if result != STEP_MORE:
        return result
    batch.replies = 0
    if c.in_read:
        part = min(c.read_left, <size_t>TX_SIZE)
        copier.copy_out(&batch.copier, c.tx, c.read_address, part)
        c.tx_end = part
        c.read_address += part
        c.read_left -= part
        if not settle(batch, c):
            return STEP_CLOSE
        c.in_read = c.read_left > 0
        return flush(c)
    while parse_one(batch, c):
        parsed = True
    if parsed:
        if not settle(batch, c):
            return STEP_CLOSE
    if c.rx_start:
        if c.rx_end > c.rx_start:
            memmove(c.rx, c.rx + c.rx_start, c.rx_end - c.rx_start)
        c.rx_end -= c.rx_start
        c.rx_start = 0
    if parsed or c.tx_end:
        return flush(c)
    if c.closing:
        return STEP_CLOSE
    received = recv(c.fd, c.rx + c.rx_end, RX_SIZE - c.rx_end, MSG_DONTWAIT)
    if received > 0:
        c.rx_end += received
        return STEP_MORE
    if received < 0 and errno == EINTR:
        return STEP_MORE
    return STEP_WAIT if received < 0 and errno == EAGAIN else STEP_CLOSE
