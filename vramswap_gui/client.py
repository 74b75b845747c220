"""The helper, as tray and command line see it. The only module of theirs that knows D-Bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageFlag, MessageType
from dbus_next.errors import DBusError
from dbus_next.message import Message
from dbus_next.signature import Variant

from vramswap_gui.api.dbus import BUS_NAME, ERROR_PREFIX, INTERFACE, OBJECT_PATH
from vramswap_gui.api.status import Mode, Status, status_from_wire
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import SETTINGS, Config, config_from, setting

_LOG: Final = logging.getLogger("client")

_BUS: Final = "org.freedesktop.DBus"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_RULES: Final = (
    f"type='signal',sender='{BUS_NAME}',path='{OBJECT_PATH}',interface='{_PROPERTIES}',member='PropertiesChanged'",
    f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{BUS_NAME}'",
)


class Client:
    """A connection to the helper. Every failure is a VramswapError."""

    def __init__(self) -> None:
        self._bus: MessageBus | None = None
        self._gone: asyncio.Future[None] | None = None
        self._owner = ""
        self._listeners: list[Callable[[Status], None]] = []
        self._mourners: list[Callable[[VramswapError], None]] = []
        self.status = Status()

    def subscribe(self, callback: Callable[[Status], None]) -> None:
        """Have ``callback`` called with every new status."""
        self._listeners.append(callback)

    def on_lost(self, callback: Callable[[VramswapError], None]) -> None:
        """Have ``callback`` called when the helper or the bus is gone; :meth:`connect` may be called again."""
        self._mourners.append(callback)

    async def connect(self) -> Status:
        """Reach the helper, which the bus starts if need be, and follow its status."""
        if self._bus is None or not self._bus.connected:
            try:
                self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            except (OSError, DBusError, EOFError, ValueError) as error:
                self._bus = None
                raise VramswapError(
                    ErrorCode.HELPER_UNAVAILABLE,
                    f"The system bus cannot be reached ({getattr(error, 'strerror', None) or error}).",
                    "vramswap needs D-Bus: start the service dbus.",
                ) from None
            self._bus.add_message_handler(self._signal)
            self._gone = asyncio.ensure_future(_end_of(self._bus))
            self._gone.add_done_callback(self._bus_gone)
            for rule in _RULES:
                await self._ask_bus("AddMatch", "s", rule)
        await self.refresh()
        self._owner = await self._ask_bus("GetNameOwner", "s", BUS_NAME)
        return self.status

    async def refresh(self) -> Status:
        """Ask for the whole status anew: how full segments are changes without a signal."""
        (wire,) = await self._call(_PROPERTIES, "GetAll", "s", [INTERFACE], "a{sv}")
        self.status = status_from_wire({name: variant.value for name, variant in wire.items()}, self.status)
        return self.status

    async def start(self) -> None:
        """Turn the swap on; returns when it is."""
        await self._call(INTERFACE, "Start")

    async def stop(self) -> None:
        """Turn the swap off; returns when every page is home."""
        await self._call(INTERFACE, "Stop")

    async def cancel(self) -> None:
        """Stop bringing pages home: what is under way fails with CANCELLED, and the swap stays on."""
        await self._call(INTERFACE, "Cancel")

    async def upgrade(self) -> None:
        """Have the server become the version that is installed now; the swap stays on."""
        await self._call(INTERFACE, "Upgrade")

    async def sleep(self) -> None:
        """Before the machine sleeps: off, and not on again before :meth:`wake`."""
        await self._call(INTERFACE, "Sleep")

    async def wake(self) -> None:
        """After the sleep: on again if it was on before."""
        await self._call(INTERFACE, "Wake")

    async def resize(self, size: int) -> None:
        """Set the size in bytes, 0 for automatic; returns when it is so."""
        await self._call(INTERFACE, "Resize", "t", [size])

    async def set_mode(self, mode: Mode) -> None:
        """Set when VRAM is lent by itself; returns when that has had its effect."""
        await self._call(INTERFACE, "SetMode", "s", [mode.value])

    async def make_way(self, wanted: bool) -> None:
        """Ask for all VRAM to be given back while a game runs here; forgotten when this client is gone."""
        await self._call(INTERFACE, "MakeWay", "b", [wanted])

    async def get_config(self) -> Config:
        """The settings in force."""
        (wire,) = await self._call(INTERFACE, "GetConfig", reply="a{sv}")
        return config_from({key: variant.value for key, variant in wire.items() if key in SETTINGS})

    async def set_config(self, values: Mapping[str, object]) -> None:
        """Change settings, for everyone on this machine."""
        wire = {key: Variant(setting(key).signature, setting(key).check(value)) for key, value in values.items()}
        await self._call(INTERFACE, "SetConfig", "a{sv}", [wire])

    async def close(self) -> None:
        """Let go of the bus."""
        bus, self._bus = self._bus, None
        if bus is not None and self._gone is not None:
            bus.disconnect()  # type: ignore[no-untyped-call]
            await self._gone

    async def _call(
        self, interface: str, member: str, signature: str = "", body: list[Any] | None = None, reply: str = ""
    ) -> list[Any]:
        return await self._send(
            Message(
                destination=BUS_NAME, path=OBJECT_PATH, interface=interface, member=member,
                signature=signature, body=body or [], flags=MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION,
            ),
            reply,
        )  # fmt: skip

    async def _ask_bus(self, member: str, signature: str, argument: str) -> Any:
        message = Message(
            destination=_BUS, path="/org/freedesktop/DBus", interface=_BUS, member=member,
            signature=signature, body=[argument],
        )  # fmt: skip
        body = await self._send(message, None)
        return body[0] if body else None

    async def _send(self, message: Message, reply: str | None) -> list[Any]:
        if self._bus is None or self._gone is None:
            raise _unavailable("not connected")
        _LOG.debug("%s %s", message.member, message.body)
        waiting: asyncio.Future[Message | None] = asyncio.ensure_future(self._bus.call(message))
        try:
            # A bus that goes away answers nothing, and the library leaves its callers waiting.
            either: list[asyncio.Future[Any]] = [waiting, self._gone]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise _unavailable("the bus is gone")
            answer = waiting.result()
        except (OSError, EOFError) as error:
            raise _unavailable(str(error)) from None
        finally:
            waiting.cancel()
        if answer is None:
            raise _unavailable("it did not answer")
        if answer.message_type is MessageType.ERROR:
            raise _error(answer)
        if reply is not None and answer.signature != reply:
            raise VramswapError(
                ErrorCode.INTERNAL, f"The helper answered {message.member} in a way that is not known here.", _RESTART
            )
        _LOG.debug("%s answered %s", message.member, answer.body)
        body: list[Any] = answer.body
        return body

    def _signal(self, message: Message) -> bool:
        if message.message_type is not MessageType.SIGNAL:
            return False
        if message.member == "NameOwnerChanged" and message.sender == _BUS and message.body[0] == BUS_NAME:
            self._owner = message.body[2]
            if not self._owner:
                self._mourn("it ended")
        # Anybody may send this process a signal; only the owner of the name speaks for the helper.
        elif message.member == "PropertiesChanged" and message.sender == self._owner and message.path == OBJECT_PATH:
            interface, changes, _ = message.body
            if interface == INTERFACE:
                self.status = status_from_wire({name: value.value for name, value in changes.items()}, self.status)
                for listener in list(self._listeners):
                    listener(self.status)
        return False

    def _bus_gone(self, gone: asyncio.Future[None]) -> None:
        if self._bus is not None:
            self._bus, self._owner = None, ""
            self._mourn("the bus is gone")

    def _mourn(self, why: str) -> None:
        for mourner in list(self._mourners):
            mourner(_unavailable(why))


async def _end_of(bus: MessageBus) -> None:
    with contextlib.suppress(EOFError, OSError):
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


_RESTART: Final = "Different versions are running: log out and in again."


def _unavailable(why: str) -> VramswapError:
    return VramswapError(
        ErrorCode.HELPER_UNAVAILABLE,
        f"The helper of vramswap does not answer: {why}.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )


def _error(answer: Message) -> VramswapError:
    name, text = answer.error_name or "", str(answer.body[0]) if answer.body else ""
    if name.startswith(ERROR_PREFIX):
        message, _, remedy = text.partition("\n")
        return VramswapError.from_dict({"code": name.removeprefix(ERROR_PREFIX), "message": message, "remedy": remedy})
    if name in (f"{_BUS}.Error.ServiceUnknown", f"{_BUS}.Error.NameHasNoOwner"):
        return _unavailable("it is not installed, or cannot be started")
    if name in (f"{_BUS}.Error.NoReply", f"{_BUS}.Error.Disconnected"):
        return _unavailable("it ended before the work was done")
    return _unavailable((text or name).rstrip("."))
