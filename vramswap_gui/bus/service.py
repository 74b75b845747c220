# SPDX-License-Identifier: MIT
"""An object on the bus, served from its declaration: who calls what is not declared never gets further than this."""

from __future__ import annotations

import contextlib
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dbus_next.constants import MessageFlag

from vramswap_gui.api.declaration import Argument, Interface, Method, Property, Signal
from vramswap_gui.bus.connection import (
    DOCTYPE,
    FAILED,
    INVALID_ARGS,
    LIMITS_EXCEEDED,
    PEER,
    PROPERTIES,
    UNKNOWN_METHOD,
    Bus,
    BusError,
    Variant,
    sealed,
)
from vramswap_gui.bus.library import MAX_BODY, Incoming, MalformedError

#: Work of one caller that waits, for a password or for another verb, does not keep the others out.
_MAX_PENDING: Final = 64
_MAX_PENDING_OF_ONE: Final = 16

#: XML 1.0, "Attribute-Value Normalization".
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_ERROR: Final = "org.freedesktop.DBus.Error."
#: D-Bus specification, "Standard Interfaces".
_STANDARD: Final = (
    Interface(
        PROPERTIES,
        {
            "Get": Method(
                "Get", "One property.",
                (Argument("interface", "s"), Argument("property", "s")), (Argument("value", "v"),),
            ),
            "GetAll": Method(
                "GetAll", "All properties.", (Argument("interface", "s"),), (Argument("properties", "a{sv}"),)
            ),
            "Set": Method(
                "Set", "Refused: nothing can be written.",
                (Argument("interface", "s"), Argument("property", "s"), Argument("value", "v")),
            ),
        },
        signals={
            "PropertiesChanged": Signal(
                "PropertiesChanged", "Properties have other values now.",
                (Argument("interface", "s"), Argument("changed", "a{sv}"), Argument("invalidated", "as")),
            )
        },
    ),
    Interface(
        "org.freedesktop.DBus.Introspectable",
        {"Introspect": Method("Introspect", "This text.", (), (Argument("xml", "s"),))},
    ),
    Interface(PEER, {"Ping": Method("Ping", "Does nothing, and says so.")}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """What somebody asks of the object."""

    #: The caller's unique name, as the bus has written it.
    sender: str
    method: Method
    arguments: Sequence[Any]
    #: Whether the caller can wait for a person to give a password.
    interactive: bool


#: Does what a call asks for and returns what the method gives. Raises BusError.
Answer = Callable[[Call], Awaitable[Sequence[Any]]]
#: The values of all properties, by name. Raises BusError.
Values = Callable[[], Awaitable[Mapping[str, Any]]]


class ServedObject:
    """An object of a connection, with one interface of ours and the standard ones."""

    def __init__(self, bus: Bus, path: str, interface: Interface, answer: Answer, values: Values) -> None:
        self._bus = bus
        self._path = path
        self._interface = interface
        self._answer = answer
        self._values = values
        self._interfaces = {declared.name: declared for declared in (interface, *_STANDARD)}
        self._xml = introspection((interface, *_STANDARD))
        self._pending: Counter[str] = Counter()
        bus.serve(path, self._called)

    def withdraw(self) -> None:
        """From now on there is no such object."""
        self._bus.withdraw(self._path)

    def emit(self, signal: str, *values: Any) -> None:
        """Send one of the declared signals."""
        declared = self._interface.signals[signal]
        self._bus.emit(self._path, self._interface.name, signal, declared.signature, *values)

    def changed(self, values: Mapping[str, Any]) -> None:
        """Tell that properties have other values now."""
        self._bus.emit(self._path, PROPERTIES, "PropertiesChanged", "sa{sv}as",
                       self._interface.name, self._variants(values), [])  # fmt: skip

    def _called(self, message: Incoming) -> None:
        """Whether it is a call at all is decided by the header. The body is read only if it is of the right type."""
        method = self._find(message)
        if method is None:
            self._bus.refuse(message, UNKNOWN_METHOD, f"There is no method {message.member}.")
        elif message.body is None:
            self._bus.refuse(message, LIMITS_EXCEEDED, f"{message.member} takes no more than {MAX_BODY} bytes.")
        elif message.signature != method.signature:
            self._bus.refuse(
                message, INVALID_ARGS, f"{message.member} takes “{method.signature}”, not “{message.signature}”."
            )
        else:
            self._bus.begin(self._work(message, method))

    def _find(self, message: Incoming) -> Method | None:
        """A call may leave the interface out (D-Bus specification, "Method calls")."""
        if message.interface:
            interface = self._interfaces.get(message.interface)
            return interface.methods.get(message.member) if interface is not None else None
        found = (interface.methods.get(message.member) for interface in self._interfaces.values())
        return next(filter(None, found), None)

    async def _work(self, message: Incoming, method: Method) -> None:
        """Only work that waits is there when the next begins: what is answered at once may be asked for without end."""
        sender = message.sender
        if self._pending.total() >= _MAX_PENDING or self._pending[sender] >= _MAX_PENDING_OF_ONE:
            self._bus.refuse(message, LIMITS_EXCEEDED, "Too many calls at once.")
            return
        try:
            arguments = message.values()
        except MalformedError as error:
            self._bus.refuse(message, INVALID_ARGS, f"What {message.member} was given cannot be read: {error}.")
            return
        interactive = bool(message.flags & MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION)
        try:
            with self._noted(sender):
                given = await self._reply(Call(sender, method, arguments, interactive))
            self._bus.answer(message, method.reply, given)
        except BusError as error:
            self._bus.refuse(message, error.name, error.text)
        except Exception as error:
            traceback.print_exc()
            self._bus.refuse(message, FAILED, f"There is a defect ({type(error).__name__}).")

    @contextlib.contextmanager
    def _noted(self, sender: str) -> Iterator[None]:
        self._pending[sender] += 1
        try:
            yield
        finally:
            self._pending[sender] -= 1
            if not self._pending[sender]:
                del self._pending[sender]

    async def _reply(self, call: Call) -> Sequence[Any]:
        if self._interface.methods.get(call.method.name) is call.method:
            return await self._answer(call)
        match call.method.name:
            case "Introspect":
                return [self._xml]
            case "GetAll":
                return [self._variants(await self._of(call.arguments[0]))]
            case "Get":
                values = self._variants(await self._of(call.arguments[0]))
                if call.arguments[1] not in values:
                    raise BusError(_ERROR + "UnknownProperty", f"There is no property {call.arguments[1][:40]}.")
                return [values[call.arguments[1]]]
            case "Set":
                raise BusError(_ERROR + "PropertyReadOnly", "Properties can only be read.")
        return []

    async def _of(self, interface: str) -> Mapping[str, Any]:
        if interface in (self._interface.name, ""):
            return await self._values()
        if interface in self._interfaces:
            return {}
        raise BusError(_ERROR + "UnknownInterface", f"There is no interface {interface[:40]}.")

    def _variants(self, values: Mapping[str, Any]) -> dict[str, Variant]:
        declared = self._interface.properties
        return {name: Variant(declared[name].signature, sealed(value)) for name, value in values.items()}


def introspection(interfaces: Sequence[Interface]) -> str:
    """The introspection data of an object, with what documentation it has (GDBusAnnotationInfo, ``DocString``)."""
    lines = [DOCTYPE + "<node>"]
    for interface in interfaces:
        lines.append(f"  <interface name={_quoted(interface.name)}>")
        declarations: list[Method | Signal | Property] = [
            *interface.methods.values(), *interface.signals.values(), *interface.properties.values()
        ]  # fmt: skip
        for declared in declarations:
            lines += [f"    {line}" for line in _element(declared)]
        lines.append("  </interface>")
    return "\n".join([*lines, "</node>", ""])


def _element(declared: Method | Signal | Property) -> list[str]:
    inner = [_doc(declared.doc)] if declared.doc else []
    if isinstance(declared, Property):
        kind, more = "property", f' type="{declared.signature}" access="read"'
    elif isinstance(declared, Signal):
        kind, more = "signal", ""
        inner += [_argument(argument, "") for argument in declared.carries]
    else:
        kind, more = "method", ""
        inner += [_argument(argument, ' direction="in"') for argument in declared.takes]
        inner += [_argument(argument, ' direction="out"') for argument in declared.gives]
    return [f'<{kind} name="{declared.name}"{more}>', *(f"  {line}" for line in inner), f"</{kind}>"]


def _argument(argument: Argument, direction: str) -> str:
    doc = _doc(argument.doc) if argument.doc else ""
    head = f'<arg name="{argument.name}" type="{argument.signature}"{direction}'
    return f"{head}>{doc}</arg>" if doc else f"{head}/>"


def _quoted(text: str) -> str:
    """An attribute's value. The standard library's function would load all that fetches pages from the Web."""
    return f'"{text.translate(_ESCAPES)}"'


def _doc(text: str) -> str:
    return f'<annotation name="org.gtk.GDBus.DocString" value={_quoted(text)}/>'
