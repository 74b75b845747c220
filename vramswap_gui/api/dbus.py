# SPDX-License-Identifier: MIT
"""The helper on the system bus: its names, and everything that it can be asked for, declared once.

The helper's service, its client, the introspection data and ``docs/dbus.md`` are made from this.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vramswap_gui.api.activity import ENTRIES_SIGNATURE, TODAY_SIGNATURE
from vramswap_gui.api.declaration import Argument, Interface, Method
from vramswap_gui.api.status import PROPERTIES, Mode
from vramswap_gui.errors import VramswapError

BUS_NAME: Final = "org.vramswap.Helper"
OBJECT_PATH: Final = "/org/vramswap/Helper"
INTERFACE: Final = "org.vramswap.Helper1"
ERROR_PREFIX: Final = "org.vramswap.Error."

#: polkit: start, stop, and size within the configured maximum.
ACTION_CONTROL: Final = "org.vramswap.control"
#: polkit: persistent settings that concern everyone on the machine.
ACTION_CONFIGURE: Final = "org.vramswap.configure"


#: Groups of commands.
EVERY_DAY: Final = "Every day"
UPKEEP: Final = "Upkeep"
UNITS: Final = "For the system's units"
#: Seconds.
LONGEST_PAUSE: Final = 7 * 86400


class Access(enum.Enum):
    """What a caller needs for a verb. Root needs nothing."""

    #: Nothing.
    PUBLIC = ""
    #: polkit's yes to an action.
    CONTROL = ACTION_CONTROL
    CONFIGURE = ACTION_CONFIGURE
    #: To be root: a part of the system, such as the sleep unit.
    ROOT = "root"


@dataclass(frozen=True, slots=True)
class Verb(Method):
    """Something that the helper can be asked for. Without an ``access`` it is refused to everybody but root."""

    access: Access | None = None
    #: What a person is told who is asked for a password; ``$(name)`` stands for an argument.
    question: str = ""
    #: What ``vramswapctl`` calls it, and its help there; empty where the command is no more than that.
    command: str = ""
    help: str = ""
    #: Where its help lists it.
    group: str = EVERY_DAY

    @property
    def attribute(self) -> str:
        """What it is called in code: ``MakeWay`` is ``make_way``."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", self.name).lower()


START: Final = Verb(
    "Start",
    "Turns the swap on; returns when it is. On already, nothing changes.",
    access=Access.CONTROL,
    question="Authentication is required to turn VRAM swap on",
    command="on",
    help="Turn the swap on.",
)
STOP: Final = Verb(
    "Stop",
    "Turns the swap off; returns when every page is home, which may take minutes.",
    access=Access.CONTROL,
    question="Authentication is required to turn VRAM swap off",
    command="off",
    help="Turn the swap off; every page comes home first.",
)
CANCEL: Final = Verb(
    "Cancel",
    "Stops bringing pages home: what is under way fails with Cancelled, and the swap stays on.",
    access=Access.CONTROL,
    question="Authentication is required to keep VRAM swap on",
    command="cancel",
    help="Stop bringing pages home; the swap stays on.",
)
RESIZE: Final = Verb(
    "Resize",
    "Sets the size of the swap, and brings it there when it is on; returns when it is so.",
    takes=(Argument("size", "t", "In bytes; 0 is automatic."),),
    access=Access.CONTROL,
    question="Authentication is required to change the size of VRAM swap to $(size)",
    command="size",
    help="Show the size, or set it.",
)
SET_MODE: Final = Verb(
    "SetMode",
    "Sets when VRAM is lent by itself.",
    takes=(Argument("mode", "s", ", ".join(f"`{mode}`" for mode in Mode) + "."),),
    access=Access.CONTROL,
    question="Authentication is required to set when VRAM becomes swap: $(mode)",
    command="mode",
    help="Show when VRAM becomes swap by itself, or set it.",
)
MAKE_WAY: Final = Verb(
    "MakeWay",
    "Asks for all VRAM to be given back while the caller runs a game; forgotten when the caller leaves the bus.",
    takes=(Argument("wanted", "b", "False takes it back."),),
    access=Access.CONTROL,
    question="Authentication is required to have VRAM swap make way for a game",
)
PAUSE: Final = Verb(
    "Pause",
    "Lends nothing for a while: what is lent is given back, and afterwards it is as it was before. Start, Stop and "
    "SetMode end a pause. Returns when it has had its effect.",
    takes=(Argument("seconds", "u", f"How long, at most {LONGEST_PAUSE}; 0 ends the pause."),),
    access=Access.CONTROL,
    question="Authentication is required to pause VRAM swap",
    command="pause",
    help="Give everything back for a while; afterwards it goes on as before.",
)
USE_BATTERY: Final = Verb(
    "UseBattery",
    "Lends on battery as on mains power, whatever the settings say, until mains power is back. The battery's floor "
    "holds all the same.",
    takes=(Argument("wanted", "b", "False takes it back."),),
    access=Access.CONTROL,
    question="Authentication is required to use VRAM swap on battery this once",
    command="battery",
    help="Lend on battery too, this once: until mains power is back.",
)
UPGRADE: Final = Verb(
    "Upgrade",
    "Has the server become the version that is installed now; the swap stays on.",
    access=Access.CONFIGURE,
    question="Authentication is required to upgrade VRAM swap while it is on",
    command="upgrade",
    group=UPKEEP,
    help="After an update: the running server becomes the new version, the swap stays on.",
)
SLEEP: Final = Verb(
    "Sleep",
    "Before the machine sleeps: off, and not on again before Wake. For the sleep unit.",
    access=Access.ROOT,
    command="sleep",
    group=UNITS,
    help="Before the machine sleeps: off until “wake”. For the system's sleep unit.",
)
WAKE: Final = Verb(
    "Wake",
    "After the sleep: on again, when a person or the mode wants it. For the sleep unit.",
    access=Access.ROOT,
    command="wake",
    group=UNITS,
    help="After the machine slept: on again, when you or the mode want it.",
)
GET_ACTIVITY: Final = Verb(
    "GetActivity",
    "The last events, and what VRAM was good for today.",
    gives=(
        Argument(
            "entries", ENTRIES_SIGNATURE,
            "The oldest first: seconds since 1970, the event (`VRAMSWAP_EVENT` of the journal), its sentence in "
            "English, and the journal's fields in small letters, without those that say who asked.",
        ),
        Argument("today", TODAY_SIGNATURE, "Bytes that went to VRAM, bytes that came back, seconds of lending."),
    ),
    access=Access.PUBLIC,
    command="activity",
    help="Show what happened lately, and what VRAM was good for today.",
)  # fmt: skip
GET_CONFIG: Final = Verb(
    "GetConfig",
    "The settings in force.",
    gives=(Argument("settings", "a{sv}", "By the names that they have in vramswap.toml(5)."),),
    access=Access.PUBLIC,
)
SET_CONFIG: Final = Verb(
    "SetConfig",
    "Changes settings, for everyone on this machine.",
    takes=(Argument("settings", "a{sv}", "Those to change, of the types that GetConfig gives them."),),
    access=Access.CONFIGURE,
    question="Authentication is required to change the settings of VRAM swap ($(settings))",
)

VERBS: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        START, STOP, CANCEL, RESIZE, SET_MODE, PAUSE, USE_BATTERY, MAKE_WAY, UPGRADE, SLEEP, WAKE, GET_ACTIVITY,
        GET_CONFIG, SET_CONFIG,
    )
}  # fmt: skip
#: Command of ``vramswapctl`` → the verb that it is.
COMMANDS: Final[Mapping[str, Verb]] = {verb.command: verb for verb in VERBS.values() if verb.command}

HELPER: Final = Interface(INTERFACE, VERBS, PROPERTIES)


def error_text(error: VramswapError) -> str:
    """What an error on the bus says: message and remedy, a line each, and a line with the problem for our clients.

    It is all one text, because callers that are made with GLib are shown no error that carries more than that.
    """
    fields = error.as_dict()
    coded = {name: fields[name] for name in ("problem", "arguments") if name in fields}
    return "\n".join([error.message, error.remedy, *([json.dumps(coded)] if coded else [])])


def error_from(code: str, text: str) -> VramswapError:
    """The error that ``text`` says, whatever comes."""
    message, _, rest = text.partition("\n")
    remedy, _, coded = rest.partition("\n")
    try:
        fields = json.loads(coded)
    except (ValueError, RecursionError):
        fields = None
    known = fields if isinstance(fields, dict) else {}
    return VramswapError.from_dict({**known, "code": code, "message": message, "remedy": remedy})
