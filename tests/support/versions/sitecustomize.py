# SPDX-License-Identifier: MIT
"""Where this is on Python's path, programs of the checkout are of versions that are not there yet, or no more.

``VRAMSWAP_NEWER``, ``VRAMSWAP_STRANGE`` and ``VRAMSWAP_OLDER`` name a program, ``helper`` or ``server``. They are
heeded when it starts, so a server that becomes another need not stay what it is (tests/integration/test_versions.py).
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from typing import Any


def newer_server() -> None:
    """Says more of itself, and leaves more to the next one."""
    from vramswap_gui.api.control import ServerStatus
    from vramswap_gui.server.supervisor import reexec

    known = ServerStatus.to_wire

    def to_wire(status: ServerStatus) -> dict[str, Any]:
        wire = known(status)
        more = {"shade": "deep"}
        return {
            **wire, **more, "gpu": {**wire["gpu"], **more},
            "segments": [{**segment, **more} for segment in wire["segments"]],
        }  # fmt: skip

    ServerStatus.to_wire = to_wire  # type: ignore[assignment]
    reexec.asdict = lambda what: {**dataclasses.asdict(what), "shade": 7}  # type: ignore[assignment,attr-defined]


def strange_server() -> None:
    """Cannot go on with what is left to it today."""
    from vramswap_gui.server.supervisor import reexec

    reexec._FORMATS = (4, 5)  # type: ignore[misc]


def newer_helper() -> None:
    """Has a property more, and knows reasons and causes that are none today."""
    from vramswap_gui.api.declaration import Property
    from vramswap_gui.api.reasons import ReasonCode
    from vramswap_gui.api.status import PROPERTIES, Cause

    PROPERTIES["Shade"] = Property("Shade", "s", "version", "Of the moon.")  # type: ignore[index]
    ReasonCode.LENT._value_ = "lent-for-good"
    Cause.HAND._value_ = "whim"


def older_helper() -> None:
    """Lacks a verb, and takes something else for another."""
    from vramswap_gui.api import dbus

    del dbus.VERBS["Pause"]  # type: ignore[attr-defined]
    dbus.VERBS["UseBattery"] = dataclasses.replace(dbus.USE_BATTERY, takes=())  # type: ignore[index]


def begin() -> None:
    """Make this process what it is to be."""
    program = re.search(r"vramswap(?:_gui\.|-)(helper|server)", " ".join(sys.orig_argv))
    for age, version, changes in (
        ("NEWER", "99.0", {"helper": newer_helper, "server": newer_server}),
        ("STRANGE", "100.0", {"server": strange_server}),
        ("OLDER", "0.0.1", {"helper": older_helper}),
    ):
        if program is not None and program[1] == os.environ.get(f"VRAMSWAP_{age}"):
            import vramswap_gui

            vramswap_gui.__version__ = version
            changes[program[1]]()


begin()
