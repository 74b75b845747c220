"""The typed errors: each names what failed, why, and what to do."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from vramswap_gui.plain import plain


class ErrorCode(enum.StrEnum):
    """The typed errors; on the bus each is ``org.vramswap.Error.<value>``."""

    NOT_AUTHORIZED = "NotAuthorized"
    AUTHORIZATION_UNAVAILABLE = "AuthorizationUnavailable"
    INVALID_ARGUMENT = "InvalidArgument"
    BUSY = "Busy"
    NO_GPU = "NoGpu"
    NO_DRIVER = "NoDriver"
    DRIVER_TOO_OLD = "DriverTooOld"
    OUT_OF_VRAM = "OutOfVram"
    NO_NBD = "NoNbd"
    SWAP_REFUSED = "SwapRefused"
    WONT_FIT = "WontFit"
    CANCELLED = "Cancelled"
    SERVER_FAILED = "ServerFailed"
    CONFIG_INVALID = "ConfigInvalid"
    HELPER_UNAVAILABLE = "HelperUnavailable"
    INTERNAL = "Internal"


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
