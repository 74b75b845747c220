"""An object of ours on the session bus, declared as tables: others read it, call it, and hear its signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vramswap_gui.api import declaration
from vramswap_gui.bus.service import Call


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
    """One interface at one path; ``signals``: their names and types. While it is exported ``send`` takes its signals.

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
        self.path = path
        self.send: Callable[..., None] | None = None
        self._properties = properties
        self._methods = methods
        self.interface = declaration.Interface(
            name,
            {
                key: declaration.Method(key, "", _arguments(method.takes), _arguments(method.gives))
                for key, method in methods.items()
            },
            {key: declaration.Property(key, value.signature, "", "") for key, value in properties.items()},
            {key: declaration.Signal(key, "", _arguments(carries)) for key, carries in signals.items()},
        )

    def tell(self, signal: str, *values: Any) -> None:
        """Emit a signal."""
        if self.send is not None:
            carries = self.interface.signals[signal].carries
            signature = "".join(argument.signature for argument in carries)
            self.send(self.path, self.interface.name, signal, signature, *values)

    async def answer(self, call: Call) -> Sequence[Any]:
        """What a call gives."""
        return self._methods[call.method.name].work(*call.arguments)

    async def values(self) -> Mapping[str, Any]:
        """All properties."""
        return {name: value.read() for name, value in self._properties.items()}


def _arguments(signatures: tuple[str, ...]) -> tuple[declaration.Argument, ...]:
    return tuple(declaration.Argument(f"arg{number}", kind) for number, kind in enumerate(signatures))
