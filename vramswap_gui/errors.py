"""The typed errors: each names what failed, why, and what to do."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, Self

from vramswap_gui.plain import plain


class ErrorCode(enum.StrEnum):
    """The typed errors; on the bus each is ``org.vramswap.Error.<value>``. ``doc``: when it is given."""

    doc: str

    def __new__(cls, value: str, doc: str = "") -> Self:
        """A code with its sentence."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.doc = doc
        return code

    NOT_AUTHORIZED = "NotAuthorized", "The caller may not do this, or the password was not given."
    AUTHORIZATION_UNAVAILABLE = "AuthorizationUnavailable", "polkit does not answer."
    INVALID_ARGUMENT = "InvalidArgument", "An argument has a value that is not possible."
    BUSY = "Busy", "It cannot be done now, and can be later."
    NO_GPU = "NoGpu", "There is no NVIDIA GPU, or not the one that is set."
    NO_DRIVER = "NoDriver", "NVIDIA's driver is not loaded, or does not answer."
    DRIVER_TOO_OLD = "DriverTooOld", "NVIDIA's driver lacks something that is needed."
    OUT_OF_VRAM = "OutOfVram", "Not enough VRAM is free."
    NO_NBD = "NoNbd", "The kernel's NBD driver is missing, or refuses."
    SWAP_REFUSED = "SwapRefused", "The kernel refused to use the swap, or to release it."
    WONT_FIT = "WontFit", "The pages in VRAM fit nowhere else, so they stay."
    CANCELLED = "Cancelled", "Somebody called Cancel."
    SERVER_FAILED = "ServerFailed", "The server that serves the VRAM failed."
    CONFIG_INVALID = "ConfigInvalid", "The file with the settings cannot be read."
    HELPER_UNAVAILABLE = "HelperUnavailable", "Never from the helper: its clients say so when it does not answer."
    INTERNAL = "Internal", "A defect."


#: What :attr:`Status.error` is while nothing has failed.
NO_ERROR: Final = ("", "", "")


class VramswapError(Exception):
    """A failure a person can act on: what failed and why (``message``), and what to do (``remedy``).

    Both may quote what comes from anywhere: they become plain text here.
    """

    def __init__(self, code: ErrorCode, message: str, remedy: str = "") -> None:
        self.code = code
        self.message = plain(message)
        self.remedy = plain(remedy)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()

    def as_dict(self) -> dict[str, str]:
        """The error as the control socket and ``--json`` carry it."""
        return {"code": self.code.value, "message": self.message, "remedy": self.remedy}

    def as_tuple(self) -> tuple[str, str, str]:
        """The error as :attr:`Status.error` has it."""
        return (self.code.value, self.message, self.remedy)

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> VramswapError:
        """The reverse of :meth:`as_dict`; an unknown code becomes ``INTERNAL``."""
        try:
            code = ErrorCode(str(fields.get("code", "")))
        except ValueError:
            code = ErrorCode.INTERNAL
        return cls(code, str(fields.get("message", "unknown error")), str(fields.get("remedy", "")))
