# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""NBD over a socket: many requests and replies to a system call, all without the GIL.

Reads and writes are answered in whatever order they are done, each kind among itself in the order in which it came.
"""
from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset
from posix.unistd cimport close

from vramswap_gui.server.engine cimport tally
from vramswap_gui.server.engine.frontends cimport nbdwire
from vramswap_gui.server.engine.frontends.nbdwire cimport REPLY_SIZE, REQUEST_SIZE, Request
from vramswap_gui.server.engine.request cimport (
    DEPTH,
    INTO,
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

cdef extern from "<sys/socket.h>" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t recv(int, void *, size_t, int)
    ssize_t send_bytes "send"(int, const void *, size_t, int)
    ssize_t sendmsg(int, const msghdr *, int)
    int shutdown(int, int)
    enum: MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_RDWR

cdef extern from "<poll.h>" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd *, unsigned long, int)
    enum: POLLHUP

cdef enum:
    # Pieces of memory sent by one call; what is ready is in one or two nearly always.
    PIECES = 16


cdef inline uint64_t rx_here(const NbdConnection *c) noexcept nogil:
    """Bytes that have come and are not parsed."""
    return c.rx_received - c.rx_parsed


cdef inline uint64_t rx_room(NbdConnection *c) noexcept nogil:
    """Payload stays where it is until it is copied."""
    cdef Queue *queue = &c.port.queue[INTO]
    cdef uint64_t freed = c.rx_parsed if queue.done == queue.made else at(queue, queue.done).position
    return RX_SIZE - (c.rx_received - freed)


cdef inline uint64_t tx_room(const NbdConnection *c) noexcept nogil:
    cdef const Queue *queue = &c.port.queue[OUT]
    if queue.freed == queue.made:
        return TX_SIZE
    return TX_SIZE - (c.tx_made - queue.request[queue.freed % DEPTH].position)


cdef inline bint acks_room(const NbdConnection *c) noexcept nogil:
    """Whether one more request can be answered without data, besides those that will be."""
    cdef const Queue *queue = &c.port.queue[INTO]
    return (c.acks_made - c.acks_sent) // REPLY_SIZE + (queue.made - queue.done) + 2 <= ACKS


cdef inline void acknowledge(NbdConnection *c, uint64_t tag, int error) noexcept nogil:
    """Make a reply without data."""
    nbdwire.put_reply(c.acks + c.acks_made % ACKS_SIZE, tag, error)
    c.acks_made += REPLY_SIZE


cdef inline IoRequest *make(NbdConnection *c, int lane) noexcept nogil:
    cdef Queue *queue = &c.port.queue[lane]
    cdef IoRequest *request = at(queue, queue.made)
    queue.made += 1
    request.status = 0
    request.claimed = False
    return request


cdef inline bint write_ready(const NbdConnection *c) noexcept nogil:
    """Whether enough of the write's payload has come: all of it, or as much as is worth a copy."""
    return rx_here(c) >= min(c.write_left, <uint64_t>WRITE_PART)


cdef inline uint64_t read_gap(const NbdConnection *c) noexcept nogil:
    """Bytes to leave out at the ring's end so that a reply lies in one piece."""
    cdef uint64_t left = TX_SIZE - c.tx_made % TX_SIZE, length = c.read_left + REPLY_SIZE
    return left if not c.read_begun and left < length <= WHOLE else 0


cdef inline bint read_ready(const NbdConnection *c) noexcept nogil:
    """Whether there is room for all of a reply that is to lie in one piece, or for enough of a larger one."""
    cdef uint64_t length = c.read_left + REPLY_SIZE
    return tx_room(c) >= read_gap(c) + (length if length <= WHOLE else <uint64_t>READ_PART)


cdef inline bint can_step(const NbdConnection *c) noexcept nogil:
    if c.closing:
        return False
    if c.read_left:
        return has_slot(&c.port.queue[OUT]) and read_ready(c)
    if c.zero_left:
        return has_slot(&c.port.queue[INTO])
    if c.in_write:
        return has_slot(&c.port.queue[INTO]) and write_ready(c)
    return rx_here(c) >= REQUEST_SIZE and acks_room(c)


cdef void read_part(NbdConnection *c) noexcept nogil:
    """Make a request of as much of the read as there is room for, to where the ring ends."""
    cdef uint64_t gap = read_gap(c), room = tx_room(c) - gap
    cdef IoRequest *request = make(c, OUT)
    cdef size_t place
    c.tx_made += gap
    request.op = READ
    request.tag = c.read_tag
    request.position = c.tx_made
    request.first = not c.read_begun
    request.length = min(c.read_left, room - (REPLY_SIZE if request.first else 0))
    if request.first:
        # All lengths are multiples of a reply's size, so it never lies across the ring's end.
        c.tx_made += REPLY_SIZE
    place = c.tx_made % TX_SIZE
    request.length = min(request.length, <uint64_t>(TX_SIZE - place))
    if PAGE < request.length < c.read_left:
        # Pages that are whole can be verified.
        request.length -= (c.read_offset + request.length) % PAGE
    request.offset = c.read_offset
    request.buffer = c.tx + place
    c.tx_made += request.length
    c.read_offset += request.length
    c.read_left -= request.length
    c.read_begun = c.read_left > 0
    request.last = not c.read_begun


cdef void write_part(NbdConnection *c) noexcept nogil:
    """Make a request of what has come of the write's payload: whole pages, if the write is of whole pages."""
    cdef size_t place = c.rx_parsed % RX_SIZE, room = RX_SIZE - place
    cdef uint64_t part = min(rx_here(c), c.write_left)
    cdef unsigned char *data = c.rx + place
    cdef IoRequest *request
    if part < c.write_left:
        part -= (c.write_offset + part) % PAGE
    if part > room:
        part = room - (c.write_offset + room) % PAGE if room > (c.write_offset + room) % PAGE else 0
    if part == 0:
        # It lies across the ring's end, and is put together: a page in two requests could not be verified.
        part = min(PAGE - c.write_offset % PAGE, c.write_left)
        data = c.across
        if c.write_error == 0:
            memcpy(data, c.rx + place, room)
            memcpy(data + room, c.rx, part - room)
    if c.write_error == 0:
        request = make(c, INTO)
        request.op = WRITE
        request.tag = c.write_tag
        request.position = c.rx_parsed
        request.offset = c.write_offset
        request.length = part
        request.buffer = data
        request.last = part == c.write_left
    c.rx_parsed += part
    c.write_offset += part
    c.write_left -= part
    if c.write_left == 0:
        c.in_write = False
        if c.write_error:
            acknowledge(c, c.write_tag, c.write_error)


cdef void zero_part(NbdConnection *c) noexcept nogil:
    cdef IoRequest *request = make(c, INTO)
    request.op = ZERO
    request.tag = c.zero_tag
    request.position = c.rx_parsed
    request.offset = c.zero_offset
    request.length = min(c.zero_left, <uint64_t>ZERO_PART)
    c.zero_offset += request.length
    c.zero_left -= request.length
    request.last = c.zero_left == 0


cdef inline bint is_to_be_refused(NbdConnection *c, const Request *request) noexcept nogil:
    """Whether a read goes out in parts, the first as a success, and one of the others cannot. Of a page of which that is
    only found out then, the connection ends; and when the kernel asks for it over another one, it is known."""
    return (
        request.command == nbdwire.CMD_READ
        and request.length + REPLY_SIZE > WHOLE
        and c.port.store.is_lost(c.port.store, request.offset, request.length)
    )


cdef void parse(NbdConnection *c) noexcept nogil:
    """Take the next request's header."""
    cdef unsigned char wire[REQUEST_SIZE]
    cdef Request request
    cdef uint64_t *tallied = c.port.tally
    cdef size_t place = c.rx_parsed % RX_SIZE, first = min(<size_t>REQUEST_SIZE, RX_SIZE - place)
    cdef int error
    memcpy(wire, c.rx + place, first)
    memcpy(wire + first, c.rx, REQUEST_SIZE - first)
    if not nbdwire.parse_request(wire, &request):
        # Nothing after a wrong magic can be trusted; what was asked before is still answered.
        c.closing = True
        return
    c.rx_parsed += REQUEST_SIZE
    if request.command == nbdwire.CMD_DISC:
        c.closing = c.said_goodbye = True
        return
    error = nbdwire.check_request(&request, c.size)
    if error == 0 and is_to_be_refused(c, &request):
        tallied[tally.DAMAGED] += 1
        error = EIO
    if error:
        tallied[tally.ERRORS] += 1
    c.was_large = request.command == nbdwire.CMD_WRITE and request.length >= LARGE
    if request.command == nbdwire.CMD_WRITE:
        tallied[tally.WRITES] += 1
        tallied[tally.BYTES_WRITTEN] += request.length
    elif request.command == nbdwire.CMD_READ and error == 0:
        tallied[tally.READS] += 1
        tallied[tally.BYTES_READ] += request.length
    else:
        tallied[tally.OTHERS] += 1
    if request.command == nbdwire.CMD_WRITE and request.length:
        # Its payload comes even if the request is refused.
        c.in_write = True
        c.write_tag = request.cookie
        c.write_error = error
        c.write_offset = request.offset
        c.write_left = request.length
    elif request.command == nbdwire.CMD_READ and request.length and error == 0:
        c.read_tag = request.cookie
        c.read_offset = request.offset
        c.read_left = request.length
    elif request.command in (nbdwire.CMD_WRITE_ZEROES, nbdwire.CMD_TRIM) and request.length and error == 0:
        # What nobody wants any more is forgotten: somebody's memory was in it.
        if request.command == nbdwire.CMD_TRIM:
            tallied[tally.BYTES_DISCARDED] += request.length
        c.zero_tag = request.cookie
        c.zero_offset = request.offset
        c.zero_left = request.length
    else:
        # Flush and FUA need nothing more: a write is only answered once its copies are done.
        acknowledge(c, request.cookie, error)


cdef void step(NbdConnection *c) noexcept nogil:
    if c.read_left:
        read_part(c)
    elif c.zero_left:
        zero_part(c)
    elif c.in_write:
        write_part(c)
    else:
        parse(c)


cdef inline bint is_large(const NbdConnection *c) noexcept nogil:
    """Whether a write is under way that is worth a copy of its own, and a system call."""
    return c.in_write and c.write_left >= LARGE


cdef inline bint lie_in_one_piece(NbdConnection *c) noexcept nogil:
    """Nothing of a large write's next part has come: let it begin where a page does, and all that is left not meet the
    ring's end, or the part, if that is too much; false while what is being copied is in the way."""
    cdef size_t place = c.rx_received % RX_SIZE
    cdef size_t gap = (PAGE - place % PAGE) % PAGE
    if place + gap + (c.write_left if c.write_left <= RX_SIZE else <uint64_t>WRITE_PART) > RX_SIZE:
        gap = RX_SIZE - place
    if gap > rx_room(c):
        return False
    c.rx_received += gap
    c.rx_parsed += gap
    return True


cdef inline size_t still_wanted(const NbdConnection *c) noexcept nogil:
    """How much to receive: of a large write a part, or its end with the next header, and no more, so that the next one's
    payload can be put where it is best."""
    cdef uint64_t here = rx_here(c)
    if not c.in_write and c.was_large:
        return REQUEST_SIZE - here
    if not is_large(c):
        return CHUNK
    if c.write_left > WRITE_PART:
        return WRITE_PART - here
    return c.write_left - here + REQUEST_SIZE


cdef bint receive(NbdConnection *c) noexcept nogil:
    """Receive once, if more is needed; false when there is no more to receive now, or no room."""
    cdef size_t place, room, wanted
    cdef ssize_t received
    if c.closing or c.read_left or c.zero_left:
        return False
    if rx_here(c) >= (min(c.write_left, <uint64_t>WRITE_PART) if c.in_write else REQUEST_SIZE):
        return False
    if is_large(c) and rx_here(c) == 0 and not lie_in_one_piece(c):
        return False
    place = c.rx_received % RX_SIZE
    wanted = still_wanted(c)
    room = min(<size_t>rx_room(c), wanted)
    if room == 0 or (is_large(c) and room < min(wanted, <size_t>LARGE)):
        return False
    room = min(room, RX_SIZE - place)
    received = recv(c.port.fd, c.rx + place, room, MSG_DONTWAIT)
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


cdef void collect(Port *port) noexcept nogil:
    cdef NbdConnection *c = <NbdConnection *>port
    cdef Queue *out = &port.queue[OUT]
    cdef Queue *into = &port.queue[INTO]
    cdef unsigned int before
    cdef int tries
    # Nothing is under way: start over at the front, where the caches are warm.
    if c.rx_parsed == c.rx_received and into.done == into.made:
        c.rx_received = c.rx_parsed = 0
    if out.freed == out.made:
        c.tx_made = 0
    before = into.made
    for tries in range(2):
        while can_step(c):
            step(c)
        # A large transfer is copied while the rest of it is received.
        if (c.in_write and into.made != before) or not receive(c):
            break
    while can_step(c):
        step(c)


cdef void answer(Port *port, IoRequest *request) noexcept nogil:
    cdef NbdConnection *c = <NbdConnection *>port
    if request.status:
        port.tally[tally.ERRORS] += 1
    if request.op == READ:
        if request.first:
            nbdwire.put_reply(c.tx + request.position % TX_SIZE, request.tag, request.status)
            c.refused = request.status != 0
        elif c.refused:
            # The error has gone out, and nothing follows it.
            request.length = 0
        elif request.status:
            # The reply has gone out as that of a success: all that is left is to end without it.
            c.broken = c.closing = True
        return
    if c.answered == 0:
        c.answered = request.status
    # The parts of a request are done in order, and nothing in between.
    port.queue[INTO].freed += 1
    if request.last:
        acknowledge(c, request.tag, c.answered)
        c.answered = 0


cdef inline int list_piece(iovec *piece, int count, unsigned char *start, size_t length) noexcept nogil:
    """Add a stretch of memory to what is to be sent, which may go on where the last one ended."""
    if count and <unsigned char *>piece[count - 1].iov_base + piece[count - 1].iov_len == start:
        piece[count - 1].iov_len += length
        return count
    piece[count].iov_base = start
    piece[count].iov_len = length
    return count + 1


cdef int list_acks(NbdConnection *c, iovec *piece, int count) noexcept nogil:
    cdef size_t place = c.acks_sent % ACKS_SIZE, length = c.acks_made - c.acks_sent
    cdef size_t first = min(length, ACKS_SIZE - place)
    if length:
        count = list_piece(piece, count, c.acks + place, first)
    if length > first:
        count = list_piece(piece, count, c.acks, length - first)
    return count


cdef inline uint64_t reply_length(const IoRequest *request) noexcept nogil:
    """Bytes of a read's part: an error comes without data."""
    return (REPLY_SIZE if request.first else 0) + (0 if request.status else request.length)


cdef int list_reads(NbdConnection *c, iovec *piece, int count, uint64_t *listed, bint *whole) noexcept nogil:
    """Add the reads that are done; `whole` when nothing of a reply is missing after them."""
    cdef Queue *queue = &c.port.queue[OUT]
    cdef unsigned int number = queue.freed
    cdef uint64_t skip = c.sent, header
    cdef IoRequest *request
    # One may need two pieces.
    while number != queue.done and count < PIECES - 3:
        request = at(queue, number)
        header = REPLY_SIZE if request.first else 0
        if skip < header:
            count = list_piece(piece, count, c.tx + request.position % TX_SIZE + skip, header - skip)
            skip = header
        if request.status == 0:
            count = list_piece(piece, count, request.buffer + (skip - header), request.length - (skip - header))
        listed[0] += reply_length(request)
        whole[0] = request.last
        skip = 0
        number += 1
    listed[0] -= c.sent if listed[0] else 0
    return count


cdef void reads_sent(NbdConnection *c, uint64_t count) noexcept nogil:
    cdef Queue *queue = &c.port.queue[OUT]
    cdef IoRequest *request
    c.sent += count
    while queue.freed != queue.done:
        request = at(queue, queue.freed)
        if c.sent < reply_length(request):
            c.mid_reply = c.sent > 0 or not request.first
            return
        c.sent -= reply_length(request)
        c.mid_reply = not request.last
        queue.freed += 1


cdef void send(Port *port) noexcept nogil:
    """Send what is ready, as far as the socket takes it: replies without data where no other one is in the middle."""
    cdef NbdConnection *c = <NbdConnection *>port
    cdef iovec piece[PIECES]
    cdef msghdr message
    cdef uint64_t reads, acks, total
    cdef bint acks_first, whole
    cdef ssize_t sent
    cdef int count
    while not c.broken:
        # What is left of a read that was refused has nothing to send.
        reads_sent(c, 0)
        count = 0
        reads = 0
        acks = 0
        whole = False
        acks_first = not c.mid_reply
        if acks_first:
            acks = c.acks_made - c.acks_sent
            count = list_acks(c, piece, count)
        count = list_reads(c, piece, count, &reads, &whole)
        if not acks_first and whole:
            acks = c.acks_made - c.acks_sent
            count = list_acks(c, piece, count)
        total = reads + acks
        if total == 0 or c.broken:
            return
        if count == 1:
            sent = send_bytes(port.fd, piece[0].iov_base, piece[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL)
        else:
            memset(&message, 0, sizeof(message))
            message.msg_iov = piece
            message.msg_iovlen = count
            sent = sendmsg(port.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            if errno == EINTR:
                continue
            if errno != EAGAIN:
                c.broken = c.closing = True
            return
        if acks_first:
            acks = min(acks, <uint64_t>sent)
            c.acks_sent += acks
            reads_sent(c, sent - acks)
        else:
            reads = min(reads, <uint64_t>sent)
            reads_sent(c, reads)
            c.acks_sent += sent - reads
        if <uint64_t>sent < total:
            return


cdef bint is_given_up(Port *port) noexcept nogil:
    """The kernel shuts a connection down before it sends its requests over another one (nbd_xmit_timeout()).

    Who said that nothing more comes may have hung up, and everything before is done all the same.
    """
    cdef NbdConnection *c = <NbdConnection *>port
    cdef pollfd asked
    asked.fd = port.fd
    asked.events = 0
    if not c.said_goodbye and poll(&asked, 1, 0) > 0 and asked.revents & POLLHUP:
        c.broken = c.closing = True
    return c.broken


cdef bint waits_for_out(const Port *port) noexcept nogil:
    cdef const NbdConnection *c = <const NbdConnection *>port
    return not c.broken and (c.acks_sent != c.acks_made or port.queue[OUT].freed != port.queue[OUT].done)


cdef bint has_work(const Port *port) noexcept nogil:
    return can_step(<const NbdConnection *>port)


cdef bint is_over(const Port *port) noexcept nogil:
    cdef const NbdConnection *c = <const NbdConnection *>port
    cdef const Queue *out = &port.queue[OUT]
    cdef const Queue *into = &port.queue[INTO]
    if not c.closing or in_flight(out) or in_flight(into):
        return False
    return c.broken or (out.freed == out.made and into.done == into.made and c.acks_sent == c.acks_made)


cdef void hang_up(Port *port) noexcept nogil:
    shutdown(port.fd, SHUT_RDWR)


cdef void close_port(Port *port) noexcept nogil:
    close(port.fd)


cdef Frontend NBD
NBD.collect = collect
NBD.answer = answer
NBD.send = send
NBD.is_given_up = is_given_up
NBD.waits_for_out = waits_for_out
NBD.has_work = has_work
NBD.is_over = is_over
NBD.hang_up = hang_up
NBD.close = close_port


cdef void open_connection(NbdConnection *c, uint64_t size) noexcept nogil:
    """Begin anew, keeping the rings' memory."""
    cdef unsigned char *rx = c.rx
    cdef unsigned char *tx = c.tx
    cdef unsigned char *across = c.across
    memset(c, 0, sizeof(NbdConnection))
    c.rx = rx
    c.across = across
    c.tx = tx
    c.size = size
    c.port.frontend = &NBD
