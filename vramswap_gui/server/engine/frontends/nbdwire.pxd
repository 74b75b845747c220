# SPDX-License-Identifier: MIT
# The NBD transmission phase as it stands on the wire. Source: the NBD project's doc/proto.md.
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "<endian.h>" nogil:
    uint16_t be16toh(uint16_t)
    uint32_t be32toh(uint32_t)
    uint64_t be64toh(uint64_t)
    uint32_t htobe32(uint32_t)

cdef enum:
    REQUEST_SIZE = 28
    REPLY_SIZE = 16
    REQUEST_MAGIC = 0x25609513
    REPLY_MAGIC = 0x67446698

    CMD_READ = 0
    CMD_WRITE = 1
    CMD_DISC = 2
    CMD_FLUSH = 3
    CMD_TRIM = 4
    CMD_WRITE_ZEROES = 6

    FLAG_FUA = 1 << 0
    FLAG_NO_HOLE = 1 << 1

    # The protocol's own numbers, which happen to be Linux's.
    NBD_EIO = 5
    NBD_EINVAL = 22

    # What the handshake advertises; the limit of a request is also the protocol's default one.
    MIN_BLOCK = 512
    MAX_REQUEST = 32 << 20

cdef struct Request:
    uint16_t flags
    uint16_t command
    uint64_t cookie          # opaque to the server, sent back as it came: kept in wire order
    uint64_t offset
    uint32_t length


cdef inline bint parse_request(const unsigned char *wire, Request *request) noexcept nogil:
    """Fill `request` from 28 bytes; false when the magic is wrong."""
    cdef uint32_t magic, length
    cdef uint16_t flags, command
    cdef uint64_t offset
    memcpy(&magic, wire, 4)
    memcpy(&flags, wire + 4, 2)
    memcpy(&command, wire + 6, 2)
    memcpy(&request.cookie, wire + 8, 8)
    memcpy(&offset, wire + 16, 8)
    memcpy(&length, wire + 24, 4)
    request.flags = be16toh(flags)
    request.command = be16toh(command)
    request.offset = be64toh(offset)
    request.length = be32toh(length)
    return be32toh(magic) == <uint32_t>REQUEST_MAGIC


cdef inline int check_request(const Request *request, uint64_t size) noexcept nogil:
    """0 when an export of `size` bytes can do it, else the NBD error. Written so that nothing can overflow."""
    cdef uint16_t allowed = FLAG_FUA
    if request.command == CMD_FLUSH:
        return 0 if request.flags & ~allowed == 0 else NBD_EINVAL
    if request.command == CMD_WRITE_ZEROES:
        allowed |= FLAG_NO_HOLE
    elif request.command > CMD_TRIM or request.command == CMD_DISC:
        return NBD_EINVAL
    if request.flags & ~allowed:
        return NBD_EINVAL
    if request.offset % MIN_BLOCK or request.length % MIN_BLOCK:
        return NBD_EINVAL
    if request.command <= CMD_WRITE and request.length > <uint32_t>MAX_REQUEST:
        return NBD_EINVAL
    if request.offset > size or request.length > size - request.offset:
        return NBD_EINVAL
    return 0


cdef inline void put_reply(unsigned char *wire, uint64_t cookie, uint32_t error) noexcept nogil:
    """The 16 bytes of a simple reply."""
    cdef uint32_t magic = htobe32(<uint32_t>REPLY_MAGIC)
    error = htobe32(error)
    memcpy(wire, &magic, 4)
    memcpy(wire + 4, &error, 4)
    memcpy(wire + 8, &cookie, 8)
