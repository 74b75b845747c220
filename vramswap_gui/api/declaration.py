# SPDX-License-Identifier: MIT
"""How an interface on the bus is declared: its methods, properties and signals, each with a sentence for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Argument:
    """One value that a method takes or gives, or a signal carries."""

    name: str
    #: D-Bus specification, "Type system".
    signature: str
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """Something that can be asked for."""

    name: str
    doc: str
    takes: tuple[Argument, ...] = ()
    gives: tuple[Argument, ...] = ()

    @property
    def signature(self) -> str:
        """What a call must carry."""
        return "".join(argument.signature for argument in self.takes)

    @property
    def reply(self) -> str:
        """What the answer carries."""
        return "".join(argument.signature for argument in self.gives)


@dataclass(frozen=True, slots=True)
class Property:
    """Something to be read; a change is told with PropertiesChanged, or with a signal that the interface has for it."""

    name: str
    signature: str
    #: Where the value comes from: the field of the object that the interface shows.
    attribute: str
    doc: str


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that is told."""

    name: str
    doc: str
    carries: tuple[Argument, ...] = ()

    @property
    def signature(self) -> str:
        """What it carries."""
        return "".join(argument.signature for argument in self.carries)


@dataclass(frozen=True, slots=True)
class Interface:
    """All of it under one name."""

    name: str
    methods: Mapping[str, Method] = field(default_factory=dict)
    properties: Mapping[str, Property] = field(default_factory=dict)
    signals: Mapping[str, Signal] = field(default_factory=dict)
