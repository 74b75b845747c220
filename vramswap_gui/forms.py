# SPDX-License-Identifier: MIT
"""Sentences as a code and arguments: declared once with their English form, worded in the language of who reads them.

A form has places, such as ``{used:size}``: the argument's name, and its :class:`Kind`. What an argument is, is known to
whoever words it: a size gets its unit and its decimal point, a text from elsewhere is made plain, and an argument may
be such a sentence itself.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from vramswap_gui.plain import plain
from vramswap_gui.units import format_size

PLACE: Final = re.compile(r"\{([a-z_]+):([a-z]+)\}")
#: Longer texts from elsewhere are cut: they are shown in a line.
_LONGEST: Final = 500


class Kind(enum.StrEnum):
    """What an argument is."""

    #: Bytes, from 0 on.
    SIZE = "size"
    #: A whole number.
    NUMBER = "number"
    #: Words that are the same in every language: a path, a command, a device, what another program said.
    TEXT = "text"
    #: Another sentence, or a part of one.
    SAID = "said"


class Sentence(Protocol):
    """A code with its arguments."""

    @property
    def key(self) -> str:
        """The code, as it goes over the wires."""

    @property
    def form(self) -> str:
        """The English form."""

    @property
    def arguments(self) -> Mapping[str, Argument]:
        """What is put in the places, by their names."""


_Member = TypeVar("_Member", bound=enum.StrEnum)
Argument = int | str | Sentence
#: A form in a reader's language, where it is known there.
Lookup = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that goes over no wire, so its English form is all the code that it has. Made with :func:`say`."""

    form: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The form."""
        return self.form

    def __bool__(self) -> bool:
        return bool(self.form)

    def __str__(self) -> str:
        return word(self)

    def __hash__(self) -> int:
        return hash((self.form, tuple(sorted(self.arguments.items(), key=lambda item: item[0]))))


def say(form: str, **arguments: Argument) -> Phrase:
    """A phrase. Forms are found in the code by these calls. Raises ValueError or TypeError for other arguments."""
    check(form, arguments)
    return Phrase(form, arguments)


def listed(sentences: Iterable[Sentence]) -> Sentence:
    """One behind the other. There has to be one."""
    return functools.reduce(lambda first, rest: say("{first:said}, {rest:said}", first=first, rest=rest), sentences)


@dataclass(frozen=True, slots=True)
class Typed:
    """A value with its D-Bus type, where the type is not declared otherwise (``v``)."""

    signature: str
    value: Any


def typed(sentence: Sentence) -> list[Any]:
    """Code and arguments as D-Bus has them, ``(sa{sv})``: numbers are ``x``, texts ``s``, sentences as this one."""
    return [sentence.key, {name: _typed(value) for name, value in sentence.arguments.items()}]


def _typed(value: Argument) -> Typed:
    if isinstance(value, int):
        return Typed("x", value)
    return Typed("s", value) if isinstance(value, str) else Typed("(sa{sv})", typed(value))


def as_dict(sentence: Sentence) -> dict[str, Any]:
    """Code and arguments as JSON has them."""
    arguments = sentence.arguments.items()
    return {
        "code": sentence.key,
        "arguments": {name: value if isinstance(value, (int, str)) else as_dict(value) for name, value in arguments},
    }


def coded(wire: object) -> tuple[str, Mapping[Any, Any]]:
    """Code and arguments of either, whatever comes; neither where it is none."""
    if isinstance(wire, Mapping):
        wire = (wire.get("code"), wire.get("arguments"))
    code, arguments = wire if isinstance(wire, (list, tuple)) and len(wire) == 2 else ("", {})
    return code if isinstance(code, str) else "", arguments if isinstance(arguments, Mapping) else {}


def member(value: object, otherwise: _Member) -> _Member:
    """What came over a wire, of the same enumeration as ``otherwise``, which stands for what this version has not."""
    kind = type(otherwise)
    return kind(str(value)) if value in list(kind) else otherwise


def places(form: str) -> dict[str, Kind]:
    """The places of a form by their names. Raises ValueError for a kind that there is not, and for a stray brace."""
    found = {match[1]: Kind(match[2]) for match in PLACE.finditer(form)}
    if set("{}") & set(PLACE.sub("", form)):
        raise ValueError(f"a brace that is no place: {form}")
    return found


def check(form: str, arguments: Mapping[str, object]) -> None:
    """Raises ValueError or TypeError unless the arguments are those that the form has places for."""
    wanted = places(form)
    if wanted.keys() != arguments.keys():
        raise ValueError(f"“{form}” takes {sorted(wanted)}, not {sorted(arguments)}")
    for name, kind in wanted.items():
        value = arguments[name]
        number = isinstance(value, int) and not isinstance(value, bool)
        fits = {
            Kind.SIZE: number and isinstance(value, int) and value >= 0,
            Kind.NUMBER: number,
            Kind.TEXT: isinstance(value, str),
            Kind.SAID: hasattr(value, "form"),
        }
        if not fits[kind]:
            raise TypeError(f"{name} of “{form}” is no {kind}: {value!r}")


def word(sentence: Sentence, lookup: Lookup = lambda form: form, size: Callable[[int], str] = format_size) -> str:
    """The sentence for a person who reads ``lookup``'s language, where sizes are written as ``size`` does."""

    def put(match: re.Match[str]) -> str:
        value = sentence.arguments.get(match[1])
        if value is None:
            # A translation with a place of its own.
            return match[0]
        if isinstance(value, str):
            return plain(value, _LONGEST)
        if isinstance(value, int):
            return size(value) if match[2] == Kind.SIZE else str(value)
        return word(value, lookup, size)

    return PLACE.sub(put, lookup(sentence.form))
