# SPDX-License-Identifier: MIT
"""A connection to a bus: calls with a deadline, names and who owns them, signals of those owners alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from dbus_next._private.address import parse_address
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.errors import AuthError, DBusError
from dbus_next.message import Message
from dbus_next.signature import Variant as Variant

from vramswap_gui.bus.library import Connection, Incoming, MalformedError, StreamBrokenError, printable
from vramswap_gui.forms import Typed

BUS: Final = "org.freedesktop.DBus"
BUS_PATH: Final = "/org/freedesktop/DBus"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
PEER: Final = "org.freedesktop.DBus.Peer"

_ERROR: Final = "org.freedesktop.DBus.Error."
DISCONNECTED: Final = _ERROR + "Disconnected"
#: Whoever was asked is gone.
NO_REPLY: Final = _ERROR + "NoReply"
#: Whoever was asked is there, and takes too long.
TIMED_OUT: Final = _ERROR + "Timeout"
LIMITS_EXCEEDED: Final = _ERROR + "LimitsExceeded"
INCONSISTENT: Final = _ERROR + "InconsistentMessage"
INVALID_ARGS: Final = _ERROR + "InvalidArgs"
UNKNOWN_METHOD: Final = _ERROR + "UnknownMethod"
UNKNOWN_OBJECT: Final = _ERROR + "UnknownObject"
FAILED: Final = _ERROR + "Failed"
NAME_HAS_NO_OWNER: Final = _ERROR + "NameHasNoOwner"
SERVICE_UNKNOWN: Final = _ERROR + "ServiceUnknown"

#: Seconds. As long as libdbus gives an answer, and long enough for a service to be started.
ANSWER_DEADLINE: Final = 25.0
#: For the bus to greet.
_GREETING_DEADLINE: Final = 10.0

#: What introspection data begins with.
DOCTYPE: Final = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)

Changed = Callable[[str], None]
Heard = Callable[[list[Any]], None]


class BusError(Exception):
    """A call failed, or the bus cannot be reached: D-Bus's ``name`` for it, and a ``text`` that a person may read."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text or name)
        self.name = name
        self.text = text


def plain(value: Any) -> Any:
    """What came, such as an ``a{sv}``, without the types that are in it."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def sealed(value: Any) -> Any:
    """What is to go out, with each :class:`~vramswap_gui.forms.Typed` in it as D-Bus has it."""
    if isinstance(value, Typed):
        return Variant(value.signature, sealed(value.value))
    if isinstance(value, Mapping):
        return {name: sealed(inner) for name, inner in value.items()}
    return [sealed(inner) for inner in value] if isinstance(value, (list, tuple)) else value


class Bus:
    """A connection. Made with :meth:`connect`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[int, tuple[str, asyncio.Future[Incoming]]] = {}
        #: Name → those who want to know its owner.
        self._peers: dict[str, list[Peer]] = {}
        #: Match rule → how many want it.
        self._rules: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = asyncio.get_running_loop().create_future()
        #: Path of an object → whoever answers method calls to it.
        self._objects: dict[str, Callable[[Incoming], None]] = {}
        connection.received = self._receive
        connection.ended = self._end

    @classmethod
    async def connect(cls, where: str) -> Bus:
        """Reach the ``system`` or ``session`` bus, or the one at an address. Raises BusError DISCONNECTED."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(_GREETING_DEADLINE):
                connection = Connection(await _reach(_address(where)))
                await connection.connect()
        except BaseException as error:
            if connection is not None:
                connection.close()
            # The library raises all of these; a TimeoutError is an OSError.
            if not isinstance(error, (OSError, DBusError, AuthError, EOFError, ValueError, StreamBrokenError)):
                raise
            why = getattr(error, "strerror", None) or str(error) or "it does not answer"
            raise BusError(DISCONNECTED, why) from None
        return cls(connection)

    @property
    def name(self) -> str:
        """Our own unique name."""
        return str(self._connection.unique_name)

    @property
    def connected(self) -> bool:
        """Whether the bus is there."""
        return not self._closed.done()

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when the bus is gone, or was left."""
        self._closed.add_done_callback(lambda _: callback())

    async def closed(self) -> None:
        """Return when the bus is gone, or was left."""
        await asyncio.shield(self._closed)

    def close(self) -> None:
        """Leave the bus. Calls under way fail with DISCONNECTED."""
        self._connection.close()

    # Asking

    async def call(  # noqa: PLR0913 - a D-Bus call has so many parts, and all are named
        self,
        to: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *arguments: Any,
        reply: str = "",
        deadline: float | None = ANSWER_DEADLINE,
        start: bool = True,
        interactive: bool = False,
    ) -> list[Any]:
        """The answer, which has the signature ``reply``. Raises BusError: whatever went wrong.

        Without a ``deadline`` in seconds it ends with the bus, or with whom it was sent to. ``start``: have the bus
        start who owns the name. ``interactive``: a person may be asked for a password.
        """
        flags = MessageFlag.NONE if start else MessageFlag.NO_AUTOSTART
        if interactive:
            flags |= MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION
        serial = self._connection.next_serial()
        future: asyncio.Future[Incoming] = asyncio.get_running_loop().create_future()
        self._waiting[serial] = (to, future)
        try:
            self._send(
                Message(
                    destination=to, path=path, interface=interface, member=member, flags=flags, serial=serial,
                    signature=signature, body=printable(list(arguments)),
                )
            )  # fmt: skip
            async with asyncio.timeout(deadline):
                answer = await future
        except TimeoutError:
            raise BusError(TIMED_OUT, f"{to} did not answer within {deadline:g} s") from None
        finally:
            del self._waiting[serial]
        return _body(answer, reply)

    async def ask_bus(self, member: str, signature: str = "", *arguments: Any, reply: str = "") -> list[Any]:
        """A call to the bus itself. Raises BusError."""
        return await self.call(BUS, BUS_PATH, BUS, member, signature, *arguments, reply=reply)

    async def request_name(self, name: str) -> bool:
        """Own ``name`` from now on; whether that is so, or somebody else does. Raises BusError."""
        # 4: do not wait in the queue. 1: the owner now, 4: since long.
        (answer,) = await self.ask_bus("RequestName", "su", name, 4, reply="u")
        return answer in (1, 4)

    async def release_name(self, name: str) -> None:
        """The reverse of :meth:`request_name`. Raises BusError."""
        await self.ask_bus("ReleaseName", "s", name, reply="u")

    async def uid(self, name: str) -> int | None:
        """The user of a connection; None when it is gone."""
        try:
            (uid,) = await self.ask_bus("GetConnectionUnixUser", "s", name, reply="u")
        except BusError:
            return None
        return int(uid)

    # Following

    def peer(self, name: str, changed: Changed = lambda owner: None) -> Peer:
        """Whoever owns ``name``, to be followed; ``changed`` is called with each new owner, empty for none.

        A connection owns its unique name until it ends.
        """
        peer = Peer(self, name, changed)
        self._peers.setdefault(name, []).append(peer)
        return peer

    def forget(self, peer: Peer) -> None:
        """The reverse of :meth:`peer`."""
        peers = self._peers.get(peer.name, [])
        if peer in peers:
            peers.remove(peer)
            if not peers:
                del self._peers[peer.name]

    async def add_match(self, rule: str) -> None:
        """Have signals delivered that the match rule describes, until :meth:`remove_match`. Raises BusError."""
        self._rules[rule] = self._rules.get(rule, 0) + 1
        if self._rules[rule] == 1:
            try:
                await self.ask_bus("AddMatch", "s", rule)
            except BaseException:
                self._rules[rule] -= 1
                raise

    def remove_match(self, rule: str) -> None:
        """The reverse of one :meth:`add_match`."""
        self._rules[rule] -= 1
        if not self._rules[rule]:
            del self._rules[rule]
            self.begin(self._unmatch(rule))

    async def _unmatch(self, rule: str) -> None:
        with contextlib.suppress(BusError):
            await self.ask_bus("RemoveMatch", "s", rule)

    @property
    def busy(self) -> bool:
        """Whether anything that was begun is under way."""
        return bool(self._tasks)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside everything else; it ends with the bus at the latest."""
        if not self.connected:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Telling

    def serve(self, path: str, called: Callable[[Incoming], None]) -> None:
        """Have ``called`` answer the method calls to the object at ``path``, until :meth:`withdraw`."""
        self._objects[path] = called

    def withdraw(self, path: str) -> None:
        """From now on there is no object at ``path``."""
        self._objects.pop(path, None)

    def emit(self, path: str, interface: str, member: str, signature: str = "", *arguments: Any) -> None:
        """Send a signal to everybody who wants it."""
        if self.connected:
            self._send(Message.new_signal(path, interface, member, signature, printable(list(arguments))))

    def answer(self, call: Incoming, signature: str, arguments: Sequence[Any]) -> None:
        """Answer a method call."""
        self._reply(call, MessageType.METHOD_RETURN, "", signature, arguments)

    def refuse(self, call: Incoming, error: str, text: str) -> None:
        """Answer a method call with an error; of one with anything but a text GLib's callers see nothing."""
        self._reply(call, MessageType.ERROR, error, "s", [text])

    def _reply(self, call: Incoming, kind: MessageType, error: str, signature: str, arguments: Sequence[Any]) -> None:
        if not self.connected or call.flags & MessageFlag.NO_REPLY_EXPECTED:
            return
        message = Message(
            message_type=kind,
            reply_serial=call.serial,
            signature=signature,
            body=printable(list(arguments)),
            error_name=error or None,  # type: ignore[arg-type]
        )
        if call.sender:
            message.destination = call.sender
        self._send(message)

    def _send(self, message: Message) -> None:
        if not self.connected:
            raise BusError(DISCONNECTED, "the bus is gone")
        # What could not be written ends the connection, which is told to all who wait.
        self._connection.send(message).add_done_callback(lambda sent: sent.cancelled() or sent.exception())

    # Hearing

    def _receive(self, message: Incoming) -> None:
        """Nothing that a message holds may end more than its own handling."""
        try:
            if message.kind is MessageType.METHOD_CALL:
                self._objects.get(message.path, self._elsewhere)(message)
            elif message.kind is MessageType.SIGNAL:
                self._hear(message)
            else:
                self._answered(message)
        except MalformedError:
            return
        except Exception:
            traceback.print_exc()

    def _elsewhere(self, message: Incoming) -> None:
        """On the way to an object: the next steps. Anywhere else there is nothing."""
        before = message.path.rstrip("/") + "/"
        steps = {path.removeprefix(before).split("/")[0] for path in self._objects if path.startswith(before)}
        if steps and message.member == "Introspect" and not message.signature:
            nodes = "".join(f'<node name="{step}"/>' for step in sorted(steps))
            self.answer(message, "s", [f"{DOCTYPE}<node>{nodes}</node>\n"])
        elif (message.interface, message.member, message.signature) == (PEER, "Ping", ""):
            # It concerns the connection, whatever is there (D-Bus specification, "org.freedesktop.DBus.Peer").
            self.answer(message, "", [])
        else:
            self.refuse(message, UNKNOWN_OBJECT, f"There is no object {message.path[:255]}.")

    def _answered(self, message: Incoming) -> None:
        to, future = self._waiting.get(message.reply_serial, ("", None))
        # A well-known name is not what its owner signs with.
        if future is None or future.done() or ((to == BUS or to.startswith(":")) and message.sender != to):
            return
        future.set_result(message)

    def _hear(self, message: Incoming) -> None:
        if message.sender == BUS:
            # Of the bus itself only: everybody may send a signal of this name.
            if (message.interface, message.member, message.signature) == (BUS, "NameOwnerChanged", "sss"):
                name, _, owner = message.values()
                for peer in tuple(self._peers.get(name, ())):
                    peer.meet(owner)
            return
        for peers in tuple(self._peers.values()):
            for peer in tuple(peers):
                if peer.owner == message.sender:
                    peer.hear(message)

    def _end(self) -> None:
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(BusError(DISCONNECTED, "the bus is gone"))
        for task in self._tasks:
            task.cancel()
        self._closed.set_result(None)
        for peers in tuple(self._peers.values()):
            for peer in tuple(peers):
                peer.meet("")


class Peer:
    """Whoever owns a name on the bus, now and later, made by :meth:`Bus.peer`: :meth:`listen`, then :meth:`follow`."""

    def __init__(self, bus: Bus, name: str, changed: Changed) -> None:
        self.bus = bus
        self.name = name
        #: The unique name of the owner, empty while there is none.
        self.owner = ""
        self._known = False
        self._changed = changed
        self._rules: list[str] = []
        self._heard: dict[tuple[str, str, str, str], Heard] = {}

    async def follow(self) -> None:
        """Learn who the owner is, now and from now on. Raises BusError."""
        await self._match(
            f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{self.name}'"
        )
        try:
            (owner,) = await self.bus.ask_bus("GetNameOwner", "s", self.name, reply="s")
        except BusError as error:
            if error.name == DISCONNECTED:
                raise
            owner = ""
        # What NameOwnerChanged told meanwhile is newer.
        if not self._known:
            self.meet(owner)

    async def listen(self, path: str, interface: str, member: str, signature: str, heard: Heard) -> None:
        """Have ``heard`` called with what the owner's signals hold, all of this kind. Raises BusError."""
        self._heard[path, interface, member, signature] = heard
        await self._match(f"type='signal',sender='{self.name}',path='{path}',interface='{interface}',member='{member}'")

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *arguments: Any, reply: str = ""
    ) -> list[Any]:
        """A call to the present owner, which starts nobody and reaches nobody else. Raises BusError."""
        if not self.owner:
            raise BusError(NAME_HAS_NO_OWNER, f"nobody owns {self.name}")
        return await self.bus.call(self.owner, path, interface, member, signature, *arguments, reply=reply, start=False)

    def stop(self) -> None:
        """Want to know nothing more."""
        self.bus.forget(self)
        rules, self._rules = self._rules, []
        for rule in rules:
            self.bus.remove_match(rule)

    def meet(self, owner: str) -> None:
        """There is a new owner, or none."""
        if self._known and owner == self.owner:
            return
        told, self._known = self._known or bool(owner), True
        self.owner = owner
        if told:
            self._changed(owner)

    def hear(self, message: Incoming) -> None:
        """The owner sent a signal."""
        heard = self._heard.get((message.path, message.interface, message.member, message.signature))
        if heard is not None:
            heard(message.values())

    async def _match(self, rule: str) -> None:
        await self.bus.add_match(rule)
        self._rules.append(rule)


def _body(answer: Incoming, reply: str) -> list[Any]:
    """What an answer holds. Raises BusError."""
    try:
        if answer.kind is MessageType.ERROR:
            text = answer.values()[0] if answer.signature.startswith("s") else ""
            raise BusError(answer.error_name or FAILED, text)
        if answer.signature != reply:
            raise BusError(INCONSISTENT, f"the answer is of the type “{answer.signature}” instead of “{reply}”")
        return answer.values()
    except MalformedError as error:
        raise BusError(INCONSISTENT, f"the answer cannot be read: {error}") from None


def _address(where: str) -> str:
    """Where a bus is, by sd_bus_open_system(3) and sd_bus_open_user(3)."""
    if where == "system":
        return os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"
    if where == "session":
        runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        return os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={runtime}/bus"
    return where


async def _reach(address: str) -> socket.socket:
    """A socket that is connected to the first of the addresses that can be reached. Raises OSError, DBusError."""
    failure: OSError = FileNotFoundError(2, f"the address “{address}” names no Unix socket")
    for transport, options in parse_address(address):  # type: ignore[no-untyped-call]
        path = options.get("path") or ("\0" + options["abstract"] if "abstract" in options else "")
        if transport != "unix" or not path:
            continue
        reached = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        reached.setblocking(False)
        try:
            await _accepted(reached, path)
        except BaseException as error:
            reached.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return reached
    raise failure


async def _accepted(reached: socket.socket, path: str) -> None:
    while True:
        try:
            reached.connect(path)
        except BlockingIOError:
            # Too many wait to be accepted; a Unix socket (unix(7)) tells nobody when there is room.
            await asyncio.sleep(0.05)
        else:
            return
