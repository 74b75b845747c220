# SPDX-License-Identifier: MIT
"""The arguments of ``vramswapctl``, for it and for whoever describes it. Nothing here takes time to import."""

from __future__ import annotations

import argparse
import os
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.api.dbus import COMMANDS as VERBS
from vramswap_gui.api.dbus import EVERY_DAY, UNITS, UPKEEP
from vramswap_gui.settings import SETTINGS, setting

_JSON: Final = "print JSON for programs"
#: What is done without a command.
DEFAULT: Final = "status"


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and where its code is: ``room.function`` below :mod:`vramswap_gui.ctl.commands`."""

    name: str
    help: str
    run: str
    #: Each argument, as names and keywords of ``add_argument``.
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Usual:
    """Stands for what an argument is that was not given, so that the same value, given, is told from it."""

    value: object

    def __str__(self) -> str:
        return str(self.value)


def _argument(*names: str, **how: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return names, how


def _verb(name: str, run: str, *arguments: tuple[tuple[str, ...], dict[str, Any]]) -> Command:
    """A command that is a verb of the helper's, which says what it does."""
    return Command(name, VERBS[name].help, run, arguments)


_AS_JSON: Final = _argument("--json", action="store_true", help=_JSON)
_ROOT: Final = _argument(
    "--root", type=Path, default=Path("/"), metavar="FOLDER", help="what stands for / (%(default)s)"
)
_MODES: Final = setting("mode").choices

#: What is more than a verb of the helper's.
_OWN: Final[dict[str, tuple[Command, ...]]] = {
    EVERY_DAY: (
        Command("status", "Show what the swap is doing, and why.", "swap.status", (
            _AS_JSON, _argument("-v", "--verbose", action="store_true", help="show each segment"),
        )),
        _verb("on", "swap.on"),
        _verb("off", "swap.off"),
        Command("toggle", "Turn the swap off if it is on, else on.", "swap.toggle"),
        _verb("size", "swap.size", _argument("size", metavar="BYTES|8G|auto", nargs="?")),
        _verb("mode", "swap.mode", _argument("mode", choices=_MODES, metavar="|".join(_MODES), nargs="?")),
        _verb("pause", "swap.pause",
              _argument("duration", metavar="30min|1h|off", nargs="?", default="1h", help="(%(default)s)")),
        _verb("battery", "swap.battery",
              _argument("wanted", metavar="on|off", choices=("on", "off"), nargs="?", default="on",
                        help="off takes it back")),
        Command("config", "Show all settings, show one, or change one.", "config.config", (
            _argument("key", metavar="KEY", nargs="?", help=", ".join(SETTINGS)),
            _argument("value", metavar="VALUE", nargs="?"),
            _AS_JSON,
        )),
        _verb("activity", "swap.activity", _AS_JSON),
        Command("watch", "Show every change until interrupted.", "swap.watch", (
            _argument("--json", action="store_true", help="print a line of JSON for each"),
        )),
    ),
    UPKEEP: (
        Command("doctor", "Check what the program needs.", "upkeep.doctor", (_AS_JSON,)),
        Command("report", "Print what a bug report needs, without names of people and machines.", "upkeep.report"),
        Command("bench", "Measure VRAM as it would serve swap, beside live swap and without touching it.",
                "upkeep.bench", (
            _argument("--pressure", action="store_true",
                      help="measure a program that has too little memory, with the swap that is on"),
            _argument("--others", action="store_true",
                      help="… then, with VRAM paused, with the swap that comes next"),
            _argument("--size", metavar="SIZE", help="VRAM to use (1G; 512M with --pressure)"),
            _argument("--gpu", default="", metavar="N|PCI|UUID", help="the GPU to use (default: the first)"),
            _argument("--threads", type=int, default=min(8, os.cpu_count() or 1), help="as the server's (%(default)s)"),
            _argument("--seconds", type=float, default=1.0, help="for each load (%(default)s)"),
            _argument("--runs", type=int, default=2, help="of each load (%(default)s)"),
            _argument("--disk", type=Path, metavar="FOLDER", help="compare with a file in this folder"),
            _argument("--quick", action="store_true", help="measure what programs notice, and nothing else"),
            _argument("--codecs", action="store_true",
                      help="measure what compression makes of your programs' memory instead; nothing is kept"),
            _argument("--no-verify", action="store_true", help="do not check the data: less work for the processor"),
            _argument("--svg", type=Path, metavar="FILE", help="draw a chart"),
            _AS_JSON,
        )),
        Command("install", "Place the system files of an installation with pip or pipx, as root.", "upkeep.place",
                (_ROOT,)),
        Command("uninstall", "Remove what “install” placed, as root; refused while the swap is on.", "upkeep.remove",
                (_ROOT,)),
    ),
    UNITS: (
        _verb("sleep", "units.sleep"),
    ),
}  # fmt: skip

_LISTED: Final = {command.name for group in _OWN.values() for command in group}
GROUPS: Final[dict[str, tuple[Command, ...]]] = {
    title: (
        *group,
        *(_verb(name, "swap.ask") for name, verb in VERBS.items() if verb.group == title and name not in _LISTED),
    )
    for title, group in _OWN.items()
}

COMMANDS: Final = {command.name: command for group in GROUPS.values() for command in group}


def build() -> argparse.ArgumentParser:
    """The parser; :func:`parse` makes of what it finds what was asked for."""
    debug = argparse.ArgumentParser(add_help=False)
    debug.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="say on the standard error what is done"
    )
    parser = argparse.ArgumentParser(
        prog="vramswapctl",
        description="Lend an idle NVIDIA GPU's VRAM to Linux as swap.",
        usage="%(prog)s [-h] [--version] [--debug] [COMMAND] …",
        epilog=_listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        parents=[debug],
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    # What it would list is in the epilog, in groups.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help=argparse.SUPPRESS, prog=parser.prog)
    for command in COMMANDS.values():
        added = commands.add_parser(
            command.name, help=command.help, description=command.help, allow_abbrev=False, parents=[debug]
        )
        for names, how in command.arguments:
            argument = added.add_argument(*names, **how)
            argument.default = _Usual(argument.default)
    return parser


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """What was asked for; ``given`` names the command's arguments that were. Ends the process after ``--help`` and a
    usage error."""
    parser = build()
    options = parser.parse_args(arguments)
    if options.command is None:
        debug = ["--debug"] if "debug" in options else []
        options = parser.parse_args([*debug, DEFAULT])
    found = vars(options)
    usual = {name: value.value for name, value in found.items() if isinstance(value, _Usual)}
    return argparse.Namespace(**found | usual, given=found.keys() - usual.keys() - {"command", "debug"})


def _listed() -> str:
    """The commands in groups."""
    lines = []
    for title, commands in GROUPS.items():
        lines.append(f"{title}:")
        for command in commands:
            lines += textwrap.wrap(f"{command.name:<11}{command.help}", 78, initial_indent="  ",
                                   subsequent_indent=" " * 13)  # fmt: skip
        lines.append("")
    return "\n".join([*lines, f"Without a command: {DEFAULT}. `%(prog)s COMMAND --help` says what a command takes."])
