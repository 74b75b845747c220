# SPDX-License-Identifier: MIT
"""An object of ours on the session bus, declared as tables: others read it, call it, and hear its signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vramswap_gui.api import declaration
from vramswap_gui.bus.connection import Bus
from vramswap_gui.bus.service import Call, ServedObject


@dataclass(frozen=True, slots=True)
class Property:
    """A value to read, of the D-Bus type ``signature``."""

    signature: str
    read: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """A call: the types that it takes and gives. ``work`` returns the values of the answer."""

    takes: tuple[str, ...]
    gives: tuple[str, ...]
    work: Callable[..., Sequence[Any]]


class BusObject:
    """One interface at one path; ``signals``: their names and types. Others see it between :meth:`serve` and
    :meth:`withdraw`.

    What the interfaces of others mean is written with them, so the declarations here have no words of their own.
    """

    def __init__(
        self,
        path: str,
        name: str,
        properties: Mapping[str, Property],
        methods: Mapping[str, Method],
        signals: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._path = path
        self._served: ServedObject | None = None
        self._properties = properties
        self._methods = methods
        self._interface = declaration.Interface(
            name,
            {
                key: declaration.Method(key, "", _arguments(method.takes), _arguments(method.gives))
                for key, method in methods.items()
            },
            {key: declaration.Property(key, value.signature, "", "") for key, value in properties.items()},
            {key: declaration.Signal(key, "", _arguments(carries)) for key, carries in signals.items()},
        )

    def serve(self, bus: Bus) -> None:
        """Have others see it on ``bus``."""
        self._served = ServedObject(bus, self._path, self._interface, self._answer, self._values)

    def withdraw(self) -> None:
        """Nobody sees it any more."""
        if self._served is not None:
            self._served.withdraw()
            self._served = None

    def tell(self, signal: str, *values: Any) -> None:
        """Emit a signal, to whoever sees the object."""
        if self._served is not None:
            self._served.emit(signal, *values)

    async def _answer(self, call: Call) -> Sequence[Any]:
        return self._methods[call.method.name].work(*call.arguments)

    async def _values(self) -> Mapping[str, Any]:
        return {name: value.read() for name, value in self._properties.items()}


def _arguments(signatures: tuple[str, ...]) -> tuple[declaration.Argument, ...]:
    return tuple(declaration.Argument(f"arg{number}", kind) for number, kind in enumerate(signatures))
