# SPDX-License-Identifier: MIT
"""dbus-next, and around it what it does not do: to survive whatever a bus delivers.

dbus-next 0.2.3 reads a message as a whole and in one go, and what it cannot read ends the connection: a header field
that is not in the specification's table (dbus-broker passes those on, and the specification has them ignored), a body
that its signature does not describe, a type nested too deep. A body of 30 MiB, which everybody may send, keeps the
process busy for half a minute. Every signature that was ever seen stays in memory. A bus that closes the connection
while it is being greeted is read from without end. And one that does not read as fast as is written, as when many ask
at once, is taken for one that is gone. So here messages are cut out of the stream by their lengths alone, a body that
is too long is passed over as it comes, headers are read without a judgement on what is not known, a body is read only
when somebody wants it, and what the bus does not take yet waits.

Message format: https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dbus_next._private.unmarshaller import Unmarshaller
from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import SignatureTree, Variant

#: Bytes of a body, and of the header's fields. Nothing that vramswap asks or is asked comes near either.
MAX_BODY: Final = 64 << 10
MAX_FIELDS: Final = 64 << 10
#: The specification's limits on a message.
_MAX_MESSAGE: Final = 128 << 20
_MAX_DEPTH: Final = 64
#: Read at a time; what is passed over never needs more memory.
_CHUNK: Final = 64 << 10
#: Signatures that the library may remember. Ours are fewer; those of others may be any.
_MAX_SIGNATURES: Final = 256
#: Byte order, type, flags, version, length of the body, serial, length of the fields.
_FIXED: Final = 16
#: Code of a header field → its name here, and its type.
_FIELDS: Final[Mapping[int, tuple[str, str]]] = {
    1: ("path", "o"),
    2: ("interface", "s"),
    3: ("member", "s"),
    4: ("error_name", "s"),
    5: ("reply_serial", "u"),
    6: ("destination", "s"),
    7: ("sender", "s"),
    8: ("signature", "g"),
}


class StreamBrokenError(Exception):
    """What came is no D-Bus message, so nobody can tell where the next one begins."""


class MalformedError(Exception):
    """A body is not what its signature says."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that came, its body not read yet."""

    kind: MessageType
    flags: int
    serial: int
    order: str
    #: None: it was too long, and was passed over.
    body: bytes | None
    path: str = ""
    interface: str = ""
    member: str = ""
    error_name: str = ""
    reply_serial: int = 0
    destination: str = ""
    sender: str = ""
    signature: str = ""

    def values(self) -> list[Any]:
        """The body. Raises MalformedError."""
        if self.body is None:
            raise MalformedError(f"it is longer than {MAX_BODY} bytes")
        return unmarshal(self.signature, self.body, self.order)


class _Reader(Unmarshaller):
    """The library's own, on bytes that are all there."""

    def __init__(self, data: bytes, order: str, begin: int) -> None:
        super().__init__(io.BytesIO())  # type: ignore[no-untyped-call]
        self.buf = bytearray(data)
        self.offset = begin
        self.endian = ord(order)
        self._depth = 0

    def read_argument(self, type_: Any) -> Any:
        """A value of any type, unless it lies too deep."""
        if self._depth > _MAX_DEPTH:
            raise MalformedError("it is nested too deep")
        self._depth += 1
        try:
            return super().read_argument(type_)  # type: ignore[no-untyped-call]
        finally:
            self._depth -= 1


def unmarshal(signature: str, data: bytes, order: str, begin: int = 0) -> list[Any]:
    """The values from byte ``begin`` of ``data`` on, all of which they have to fill. Raises MalformedError.

    Values are aligned as seen from the first byte. ``order``: ``l`` or ``B``, as in a message.
    """
    try:
        reader = _Reader(data, order, begin)
        values = [reader.read_argument(kind) for kind in SignatureTree._get(signature).types]
    except MalformedError:
        raise
    # The library raises what its parts raise: EOFError, IndexError, UnicodeDecodeError, RecursionError, its own, …
    except Exception as error:
        raise MalformedError(f"it is not of the type “{signature[:255]}” ({type(error).__name__})") from None
    finally:
        if len(SignatureTree._cache) > _MAX_SIGNATURES:
            SignatureTree._cache.clear()
    if reader.offset != len(data):
        raise MalformedError(f"it is longer than its type “{signature}”")
    return values


def read_header(data: bytes, body: bytes | None) -> Incoming | None:
    """The message with these bytes before its body; None if it is to be ignored, being of an unknown type or wrong."""
    order = chr(data[0])
    try:
        kind = MessageType(data[1])
        (fields,) = unmarshal("a(yv)", data, order, _FIXED - 4)
    except (ValueError, MalformedError):
        return None
    known: dict[str, Any] = {}
    for code, variant in fields:
        if code in _FIELDS:
            name, signature = _FIELDS[code]
            if variant.signature != signature:
                return None
            known[name] = variant.value
    (serial,) = struct.unpack_from("<I" if order == "l" else ">I", data, 8)
    return Incoming(kind, data[2], serial, order, body, **known)


@dataclass(slots=True)
class Frames:
    """Cuts messages out of a stream of bytes."""

    _buffer: bytearray = field(default_factory=bytearray)
    #: Bytes still to come that nobody will look at.
    _skip: int = 0

    def feed(self, data: bytes) -> Iterator[Incoming]:
        """The messages that are complete with ``data``, but for those to be ignored. Raises StreamBrokenError."""
        passed = min(self._skip, len(data))
        self._skip -= passed
        self._buffer += memoryview(data)[passed:]
        while len(self._buffer) >= _FIXED:
            fields, body = self._lengths()
            header = _FIXED + fields + -fields % 8
            wanted = body
            if fields > MAX_FIELDS:
                # Nobody can tell whose it is.
                self._drop(header + body)
                continue
            if body > MAX_BODY:
                wanted = 0
            if len(self._buffer) < header + wanted:
                return
            head = bytes(self._buffer[: _FIXED + fields])
            rest = bytes(self._buffer[header : header + body]) if wanted == body else None
            self._drop(header + body)
            message = read_header(head, rest)
            if message is not None:
                yield message

    def _lengths(self) -> tuple[int, int]:
        """Of the fields, without what fills them up to eight bytes, and of the body."""
        order, _, _, version = self._buffer[:4]
        if order not in b"lB" or version != 1:
            raise StreamBrokenError(f"no D-Bus message begins with {bytes(self._buffer[:4]).hex()}")
        body, _, fields = struct.unpack_from("<III" if order == ord("l") else ">III", self._buffer, 4)
        if _FIXED + fields + body > _MAX_MESSAGE:
            raise StreamBrokenError(f"a message of {_FIXED + fields + body} bytes")
        return fields, body

    def _drop(self, count: int) -> None:
        here = min(count, len(self._buffer))
        del self._buffer[:here]
        self._skip += count - here


def printable(value: Any) -> Any:
    """``value`` with every text in it such that a bus takes it; one that is not ends the connection.

    A text of D-Bus is UTF-8 without NUL. One from the kernel may have been any bytes (see os.fsdecode).
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    if isinstance(value, Variant):
        # What a variant holds was checked against its type, which a text does not change.
        return Variant(value.signature, printable(value.value))
    if isinstance(value, dict):
        return {printable(key): printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable(inner) for inner in value]
    return value


class _Patient:
    """A socket to write to that takes nothing, instead of failing, while it is full."""

    def __init__(self, full: socket.socket) -> None:
        self._socket = full

    def send(self, data: memoryview) -> int:
        """How many bytes of ``data`` it took. Raises OSError."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0


class Connection(MessageBus):
    """The library's connection, on a socket that reached the bus. Whatever comes goes to ``received``, and the end to
    ``ended``; nothing is answered by itself.
    """

    def __init__(self, reached: socket.socket) -> None:
        self._reached = reached
        self._frames = Frames()
        self._over = False
        self.received: Callable[[Incoming], None] = lambda message: None
        self.ended: Callable[[], None] = lambda: None
        # It wants an address, and would block until somebody at it accepts.
        super().__init__("unix:path=/")
        # What it could not write it keeps, and goes on as soon as the socket can be written to.
        self._writer.sock = _Patient(self._sock)
        # Whose end this is, is known by then.
        self._disconnect_future.add_done_callback(lambda future: future.exception())

    def _setup_socket(self) -> None:
        self._sock = self._reached
        self._stream = self._sock.makefile("rwb")
        self._fd = self._sock.fileno()

    async def _auth_readline(self) -> str:
        """A line of the bus while the two get to know each other. Raises EOFError at the end of the connection."""
        line = b""
        while not line.endswith(b"\r\n"):
            # One byte at a time: what follows the last line is no line.
            byte = await self._loop.sock_recv(self._sock, 1)
            if not byte or len(line) > 1024:
                raise EOFError("the bus ended the connection")
            line += byte
        return line[:-2].decode("ascii", "replace")

    def _message_reader(self) -> None:
        try:
            data = self._sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._finalize(error)
            return
        if not data:
            self._finalize(EOFError("the bus ended the connection"))
            return
        try:
            for message in self._frames.feed(data):
                self._receive(message)
        except StreamBrokenError as error:
            self._finalize(error)

    def _receive(self, message: Incoming) -> None:
        if self.unique_name is not None:
            self.received(message)
        elif message.kind is not MessageType.SIGNAL:
            # The answer to Hello, which the library waits for.
            handler = self._method_return_handlers.pop(message.reply_serial, None)
            if handler is not None:
                self._greeted(handler, message)

    def _greeted(self, handler: Callable[[Message | None, Exception | None], None], message: Incoming) -> None:
        try:
            body = message.values()
        except MalformedError as error:
            handler(None, EOFError(f"Hello was answered, but {error}"))
            return
        if message.kind is not MessageType.METHOD_RETURN or message.signature != "s":
            handler(None, ConnectionRefusedError(f"Hello was refused: {message.error_name}"))
            return
        handler(Message(message_type=message.kind, reply_serial=message.reply_serial, signature="s", body=body), None)

    def _finalize(self, err: Exception | None = None) -> None:
        if self._over:
            return
        self._over = True
        super()._finalize(err)  # type: ignore[no-untyped-call]
        # The library leaves these to the garbage collector.
        with contextlib.suppress(OSError):
            self._stream.close()
        self._sock.close()
        self.ended()

    def close(self) -> None:
        """Leave the bus, now."""
        self._user_disconnect = True
        self._finalize()
