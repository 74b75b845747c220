"""The helper on the system bus. One handler sees every message, because polkit must know who sent it.

The only module of the helper that knows dbus-next.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageFlag, MessageType, NameFlag, RequestNameReply
from dbus_next.errors import DBusError
from dbus_next.message import Message
from dbus_next.signature import Variant

from vramswap_gui.api.dbus import BUS_NAME, ERROR_PREFIX, INTERFACE, OBJECT_PATH
from vramswap_gui.api.status import PROPERTIES, Status, status_to_wire
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper.event_log import EventLog
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.polkit import Access, Verdict, require
from vramswap_gui.settings import SETTINGS

_BUS: Final = "org.freedesktop.DBus"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_INTROSPECTABLE: Final = "org.freedesktop.DBus.Introspectable"
_DOCTYPE: Final = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)
#: Work of one caller that waits, for a password or for another verb, does not keep the others out.
_MAX_PENDING: Final = 64
#: Of these so many may be open questions for a password: everybody may leave some unanswered, and others want to call.
_MAX_QUESTIONS: Final = 16

Handler = Callable[[list[Any]], Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method on the bus. Without an ``access`` it is refused to everybody."""

    handler: Handler
    takes: tuple[tuple[str, str], ...] = ()
    gives: tuple[tuple[str, str], ...] = ()
    access: Access | None = None
    #: The handler gets the caller's bus name as one more argument.
    of_caller: bool = False

    @property
    def signature(self) -> str:
        """What a call must carry."""
        return "".join(kind for _, kind in self.takes)


class DbusService:
    """The object at OBJECT_PATH."""

    def __init__(self, lifecycle: Lifecycle, events: EventLog) -> None:
        self._lifecycle = lifecycle
        self._events = events
        self._bus: MessageBus | None = None
        self._shown: dict[str, Any] = status_to_wire(Status())
        self._tasks: set[asyncio.Task[None]] = set()
        self._questions = 0
        #: The callers on whose side a game runs.
        self._players: set[str] = set()
        self._opened = asyncio.Event()
        self.methods: Mapping[tuple[str, str], Method] = {
            (INTERFACE, "Start"): Method(self._start, access=Access.CONTROL),
            (INTERFACE, "Stop"): Method(self._stop, access=Access.CONTROL),
            (INTERFACE, "Cancel"): Method(self._cancel, access=Access.CONTROL),
            (INTERFACE, "Sleep"): Method(self._sleep, access=Access.CONTROL),
            (INTERFACE, "Wake"): Method(self._wake, access=Access.CONTROL),
            (INTERFACE, "Upgrade"): Method(self._upgrade, access=Access.CONFIGURE),
            (INTERFACE, "Resize"): Method(self._resize, (("size", "t"),), access=Access.CONTROL),
            (INTERFACE, "SetMode"): Method(self._set_mode, (("mode", "s"),), access=Access.CONTROL),
            (INTERFACE, "MakeWay"): Method(self._make_way, (("wanted", "b"),), access=Access.CONTROL, of_caller=True),
            (INTERFACE, "GetConfig"): Method(self._get_config, (), (("settings", "a{sv}"),), Access.PUBLIC),
            (INTERFACE, "SetConfig"): Method(self._set_config, (("settings", "a{sv}"),), access=Access.CONFIGURE),
            (_PROPERTIES, "Get"): Method(
                self._get, (("interface", "s"), ("property", "s")), (("value", "v"),), Access.PUBLIC
            ),
            (_PROPERTIES, "GetAll"): Method(
                self._get_all, (("interface", "s"),), (("properties", "a{sv}"),), Access.PUBLIC
            ),
            (_PROPERTIES, "Set"): Method(self._refuse_set, (("interface", "s"), ("property", "s"), ("value", "v"))),
            (_INTROSPECTABLE, "Introspect"): Method(self._introspect, (), (("xml", "s"),), Access.PUBLIC),
        }

    async def connect(self, address: str) -> None:
        """Take the name on the bus, or on the ``system`` bus; calls wait until :meth:`open`. Raises VramswapError."""
        try:
            # Without an address it is the one that DBUS_SYSTEM_BUS_ADDRESS or the standard names.
            bus = MessageBus(bus_type=BusType.SYSTEM) if address == "system" else MessageBus(address)
            self._bus = await bus.connect()
            bus.add_message_handler(self._dispatch)
            reply = await bus.request_name(BUS_NAME, NameFlag.DO_NOT_QUEUE)
        except (OSError, DBusError, EOFError) as error:
            raise VramswapError(
                ErrorCode.INTERNAL,
                f"The bus cannot be used: {getattr(error, 'strerror', None) or error}.",
                "The helper is started by the system bus as root; see its D-Bus policy file.",
            ) from None
        if reply not in (RequestNameReply.PRIMARY_OWNER, RequestNameReply.ALREADY_OWNER):
            raise VramswapError(ErrorCode.BUSY, "Another vramswap-helper runs already.", "Nothing needs to be done.")
        self._lifecycle.changed = self._changed

    def open(self) -> None:
        """Answer calls from now on, those that came before too."""
        self._opened.set()

    async def wait(self) -> None:
        """Return when the bus is gone."""
        assert self._bus is not None
        with contextlib.suppress(EOFError, OSError):
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _dispatch(self, message: Message) -> Message | bool:
        """Every message comes here first. Method calls to other objects are refused by the library."""
        # Of the bus itself only: everybody may send a signal of this name.
        if message.sender == _BUS and message.member == "NameOwnerChanged":
            self._left(*message.body)
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if message.interface == _INTROSPECTABLE and message.path != OBJECT_PATH:
            return _introspect_above(message)
        if message.path != OBJECT_PATH or message.interface == "org.freedesktop.DBus.Peer":
            return False
        if len(self._tasks) >= _MAX_PENDING:
            return Message.new_error(message, "org.freedesktop.DBus.Error.LimitsExceeded", "Too many calls at once.")
        task = asyncio.create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer(self, message: Message) -> None:
        await self._opened.wait()
        reply = await self._reply(message)
        if self._bus is not None and not message.flags & MessageFlag.NO_REPLY_EXPECTED:
            await self._bus.send(reply)

    async def _reply(self, message: Message) -> Message:
        method = self._find(message)
        if method is None:
            return Message.new_error(
                message, "org.freedesktop.DBus.Error.UnknownMethod", f"There is no method {message.member}."
            )
        if message.signature != method.signature:
            return Message.new_error(
                message,
                "org.freedesktop.DBus.Error.InvalidArgs",
                f"{message.member} takes “{method.signature}”, not “{message.signature}”.",
            )
        try:
            if method.access is Access.PUBLIC:
                body = await method.handler(message.body)
            else:
                with self._events.request(message.member, await self._user(message.sender or "")):
                    body = await self._obey(message, method)
        except VramswapError as error:
            return Message.new_error(message, ERROR_PREFIX + error.code, f"{error.message}\n{error.remedy}")
        except Exception as error:
            traceback.print_exc()
            return Message.new_error(
                message,
                ERROR_PREFIX + ErrorCode.INTERNAL,
                f"The helper has a defect ({type(error).__name__}).\nPlease report it, with `journalctl -b`.",
            )
        return Message.new_method_return(message, "".join(kind for _, kind in method.gives), body)

    async def _obey(self, message: Message, method: Method) -> list[Any]:
        """Do what not everybody may ask for. Raises VramswapError."""
        interactive = bool(message.flags & MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION)
        await require(self._ask_polkit, method.access, message.sender or "", interactive)
        caller = [message.sender] if method.of_caller else []
        return await method.handler([*message.body, *caller])

    def _find(self, message: Message) -> Method | None:
        """A call may leave the interface out (D-Bus specification, "Method calls")."""
        if message.interface:
            return self.methods.get((message.interface, message.member))
        return next((method for (_, name), method in self.methods.items() if name == message.member), None)

    async def _ask_polkit(self, sender: str, action: str, interactive: bool) -> Verdict:
        """``CheckAuthorization`` of org.freedesktop.PolicyKit1.Authority, on the caller's bus name."""
        assert self._bus is not None
        asks = int(interactive and self._questions < _MAX_QUESTIONS)
        self._questions += asks
        try:
            reply = await self._bus.call(
                Message(
                    destination="org.freedesktop.PolicyKit1",
                    path="/org/freedesktop/PolicyKit1/Authority",
                    interface="org.freedesktop.PolicyKit1.Authority",
                    member="CheckAuthorization",
                    signature="(sa{sv})sa{ss}us",
                    body=[["system-bus-name", {"name": Variant("s", sender)}], action, {}, asks, ""],
                )
            )
        finally:
            self._questions -= asks
        if reply is None or reply.message_type is MessageType.ERROR or reply.signature != "(bba{ss})":
            raise OSError(reply.error_name if reply is not None else "no answer")
        authorized, challenge, _ = reply.body[0]
        return Verdict(authorized, challenge)

    async def _start(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.start()
        return []

    async def _stop(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.stop()
        return []

    async def _cancel(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.cancel()
        return []

    async def _sleep(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.sleep()
        return []

    async def _upgrade(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.upgrade()
        return []

    async def _wake(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.wake()
        return []

    async def _resize(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.resize(arguments[0])
        return []

    async def _set_mode(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.configure({"mode": arguments[0]})
        await self._lifecycle.settle()
        return []

    async def _make_way(self, arguments: list[Any]) -> list[Any]:
        wanted, caller = arguments
        if wanted and caller not in self._players:
            self._players.add(caller)
            await self._watch(caller)
        elif not wanted:
            self._players.discard(caller)
        self._lifecycle.set_playing(bool(self._players))
        return []

    async def _watch(self, caller: str) -> None:
        """Learn of a caller's end, now or later."""
        assert self._bus is not None
        rule = f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{caller}'"
        await self._ask_bus("AddMatch", rule)
        if not await self._ask_bus("NameHasOwner", caller):
            self._left(caller, caller, "")

    def _left(self, name: str, before: str, after: str) -> None:
        if name in self._players and not after:
            self._players.discard(name)
            self._lifecycle.set_playing(bool(self._players))

    async def _user(self, caller: str) -> int | None:
        """The user ID of a caller; None when it is gone already."""
        uid = await self._ask_bus("GetConnectionUnixUser", caller)
        # An error has a text in this place.
        return uid if isinstance(uid, int) else None

    async def _ask_bus(self, member: str, argument: str) -> Any:
        assert self._bus is not None
        reply = await self._bus.call(
            Message(
                destination=_BUS,
                path="/org/freedesktop/DBus",
                interface=_BUS,
                member=member,
                signature="s",
                body=[argument],
            )
        )
        return reply.body[0] if reply is not None and reply.body else None

    async def _get_config(self, arguments: list[Any]) -> list[Any]:
        config = self._lifecycle.config()
        return [{key: Variant(setting.signature, getattr(config, key)) for key, setting in SETTINGS.items()}]

    async def _set_config(self, arguments: list[Any]) -> list[Any]:
        await self._lifecycle.configure({key: variant.value for key, variant in arguments[0].items()})
        return []

    async def _get(self, arguments: list[Any]) -> list[Any]:
        properties = self._properties(arguments[0])
        if arguments[1] not in properties:
            raise VramswapError(ErrorCode.INVALID_ARGUMENT, f"There is no property {arguments[1][:40]}.")
        return [properties[arguments[1]]]

    async def _get_all(self, arguments: list[Any]) -> list[Any]:
        return [self._properties(arguments[0])]

    async def _refuse_set(self, arguments: list[Any]) -> list[Any]:
        raise VramswapError(ErrorCode.NOT_AUTHORIZED, "Properties are read-only.")

    async def _introspect(self, arguments: list[Any]) -> list[Any]:
        return [introspection(self.methods)]

    def _properties(self, interface: str) -> dict[str, Variant]:
        return _variants(status_to_wire(self._lifecycle.status)) if interface in (INTERFACE, "") else {}

    def _changed(self, status: Status) -> None:
        wire = status_to_wire(status)
        changes = {name: value for name, value in wire.items() if value != self._shown[name]}
        if changes and self._bus is not None:
            self._shown = wire
            signal = Message.new_signal(
                OBJECT_PATH, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [INTERFACE, _variants(changes), []]
            )
            asyncio.ensure_future(self._bus.send(signal)).add_done_callback(lambda done: done.exception())


def introspection(methods: Mapping[tuple[str, str], Method]) -> str:
    """The introspection data of the object, from the same table that calls are answered by."""
    lines = [_DOCTYPE + "<node>"]
    for interface in dict.fromkeys(interface for interface, _ in methods):
        lines.append(f"  <interface name={quoteattr(interface)}>")
        for (owner, name), method in methods.items():
            if owner != interface:
                continue
            lines.append(f"    <method name={quoteattr(name)}>")
            for direction, arguments in (("in", method.takes), ("out", method.gives)):
                for argument, kind in arguments:
                    lines.append(f'      <arg name="{argument}" type="{kind}" direction="{direction}"/>')
            lines.append("    </method>")
        if interface == INTERFACE:
            for name, (kind, _) in PROPERTIES.items():
                lines.append(f'    <property name="{name}" type="{kind}" access="read"/>')
        if interface == _PROPERTIES:
            kinds = (("interface", "s"), ("changed", "a{sv}"), ("invalidated", "as"))
            arguments_xml = "".join(f'<arg name="{name}" type="{kind}"/>' for name, kind in kinds)
            lines.append(f'    <signal name="PropertiesChanged">{arguments_xml}</signal>')
        lines.append("  </interface>")
    return "\n".join([*lines, "</node>", ""])


def _introspect_above(message: Message) -> Message | bool:
    """For a path on the way to the object: the next step."""
    path = (message.path or "").rstrip("/")
    if not OBJECT_PATH.startswith(path + "/"):
        return False
    step = OBJECT_PATH[len(path) + 1 :].split("/")[0]
    return Message.new_method_return(message, "s", [f'{_DOCTYPE}<node><node name="{step}"/></node>\n'])


def _variants(wire: Mapping[str, Any]) -> dict[str, Variant]:
    return {name: Variant(PROPERTIES[name][0], value) for name, value in wire.items()}
