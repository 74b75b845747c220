# SPDX-License-Identifier: MIT
"""Writes what is made of other files: man pages and shell completions from the parsers of the commands and the
declared settings, and the catalogues of translations.

Usage: manual.py FOLDER DATE. The files lie below FOLDER as they do below /usr. Prose is in resources/man.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from unittest import mock

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import catalogues  # noqa: E402
import completions  # noqa: E402

from vramswap_gui import __version__  # noqa: E402
from vramswap_gui.settings import SETTINGS, Kind, Setting  # noqa: E402
from vramswap_gui.units import format_size  # noqa: E402

#: Program → the module that parses its arguments.
PROGRAMS: Final = {
    "vramswap": "vramswap_gui.tray.main",
    "vramswapctl": "vramswap_gui.ctl.main",
    "vramswap-helper": "vramswap_gui.helper.main",
    "vramswap-server": "vramswap_gui.server.main",
}
#: What these modules import besides the standard library. The parsers do without it, and so does a build.
FOREIGN: Final = ("PySide6", "qasync", "cuda", "pynvml", "dbus_next", "tomlkit")
COMPILED: Final = (
    "vramswap_gui.server.engine.engine",
    "vramswap_gui.server.engine.records",
    "vramswap_gui.bench.load",
)


class _Blank(type):
    """A class that has any attribute and gives itself when called: enough to be named, inherited and applied."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Blank(name, (), {})

    def __call__(cls, *arguments: object, **named: object) -> Any:
        return cls


class _BlankModule(ModuleType):
    __path__: list[str] = []  # noqa: RUF012  # what import looks for in a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Blank(name, (), {})


class _Blanks(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        blank = fullname.split(".")[0] in FOREIGN or fullname in COMPILED
        return ModuleSpec(fullname, self, is_package=True) if blank else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _BlankModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Caught(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The argument parser of each program, as the program itself makes it."""

    def catch(parser: argparse.ArgumentParser, *_: object) -> None:
        raise _Caught(parser)

    sys.meta_path.insert(0, _Blanks())
    found = {}
    # As many processors as no default depends on: the pages are the same wherever they are made.
    with (
        mock.patch.object(argparse.ArgumentParser, "parse_known_args", catch),
        mock.patch.object(os, "cpu_count", lambda: 8),
    ):
        for program, module in PROGRAMS.items():
            main: Callable[[], int] = import_module(module).main
            try:
                main()
            except _Caught as caught:
                found[program] = caught.parser
    return found


def roff(text: str) -> str:
    """``text`` as groff_man(7) wants it, whatever is in it."""
    for plain, escape in (("\\", r"\e"), ("-", r"\-"), ("“", r"\(lq"), ("”", r"\(rq"), ("’", r"\(cq"), ("…", "...")):
        text = text.replace(plain, escape)
    return "\n".join(r"\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


def sentence(text: str) -> str:
    """A help text as a sentence; the name of a setting at its beginning stays as it is written."""
    first = text[:1] if text.split(",")[0] in SETTINGS else text[:1].upper()
    return first + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def shown(action: argparse.Action) -> str:
    """The help of one argument, with its default."""
    values = {name: value for name, value in vars(action).items() if isinstance(value, str | int | float)}
    default = "8, or as many as there are processors" if action.dest == "threads" else action.default
    return sentence((action.help or "") % (values | {"default": default, "prog": ""})) if action.help else ""


def visible(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments that ``--help`` shows, without the commands."""
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction):
            yield action


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a program that has some."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def term(action: argparse.Action) -> str:
    """How an argument is written, bold what is typed and italic what is put in its place."""
    value = rf"\fI{roff(str(action.metavar or action.dest.upper()))}\fR" if action.nargs != 0 else ""
    if not action.option_strings:
        return value
    flags = ", ".join(rf"\fB{roff(flag)}\fR" for flag in action.option_strings)
    return f"{flags} {value}".rstrip()


def options(parser: argparse.ArgumentParser) -> str:
    """The list of a parser's arguments."""
    return "\n".join(
        f".TP\n{term(action)}\n{roff(shown(action))}".rstrip() for action in visible(parser) if action.option_strings
    )


def synopsis(parser: argparse.ArgumentParser) -> str:
    """A parser's arguments in one line."""
    parts = []
    for action in visible(parser):
        optional = action.nargs == "?" or (action.option_strings and not action.required)
        parts.append(f"[{term(action)}]" if optional else term(action))
    return " ".join(part for part in parts if "\\-\\-help" not in part)


def command_list(parser: argparse.ArgumentParser) -> str:
    """The list of a program's commands with their arguments."""
    text = []
    for name, command in commands(parser).items():
        text.append(f".TP\n\\fB{roff(name)}\\fR {synopsis(command)}".rstrip())
        text.append(roff(sentence(command.description or "")))
        own = [action for action in visible(command) if action.help and "--help" not in action.option_strings]
        if own:
            text.append(".RS")
            text += [f".TP\n{term(action)}\n{roff(shown(action))}" for action in own]
            text.append(".RE")
    return "\n".join(text)


def setting_list() -> str:
    """The list of the settings."""
    return "\n".join(f".TP\n.B {roff(key)}\n{roff(describe(setting))}" for key, setting in SETTINGS.items())


def describe(setting: Setting) -> str:
    """A setting in sentences: what it is for, what it takes, what it is if nobody sets it."""
    parts = [f"{sentence(setting.title)} {setting.typed_help}"]
    if setting.kind is Kind.TEXT:
        parts.append("A text in quotation marks.")
    elif setting.kind is Kind.SWITCH:
        parts.append("true or false.")
    elif setting.kind is Kind.CHOICE:
        parts.append(
            "; ".join(f'"{value}": {meaning[0].lower()}{meaning[1:]}' for value, meaning in setting.choices.items())
            + "."
        )
    else:
        show = format_size if setting.kind is Kind.SIZE else str
        what = "A number of bytes" if setting.kind is Kind.SIZE else "A whole number"
        step = f", a multiple of {show(setting.step)}" if setting.step > 1 else ""
        parts.append(f"{what} from {show(setting.minimum or 0)} to {show(setting.maximum or 0)}{step}.")
    if setting.auto is not None:
        parts.append(f"In the file, {setting.auto} stands for auto.")
    parts.append(f"Default: {setting.show(setting.default) or 'empty'}.")
    return " ".join(parts)


def page(text: str, parser: argparse.ArgumentParser | None, date: str) -> str:
    """A page's prose with everything put in that is declared elsewhere."""
    places = {"@VERSION@": __version__, "@DATE@": date, "@SETTINGS@": setting_list()}
    if parser is not None:
        places |= {
            "@OPTIONS@": options(parser), "@SYNOPSIS@": synopsis(parser), "@COMMANDS@": command_list(parser),
        }  # fmt: skip
    for place, value in places.items():
        text = text.replace(place, value)
    return text


def write(folder: Path, date: str) -> None:
    """Write all files below ``folder``."""
    catalogues.write(folder / "share/locale")
    found = parsers()
    for source in sorted((ROOT / "resources/man").glob("*.in")):
        name = source.name.removesuffix(".in")
        stem, section = name.rsplit(".", 1)
        target = folder / f"share/man/man{section}/{name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(source.read_text(encoding="utf-8"), found.get(stem), date), encoding="utf-8")
    for program, parser in found.items():
        declared = completions.Program(
            program,
            [completions.Option.of(action, shown(action)) for action in visible(parser)],
            [
                completions.Command(
                    name, sentence(command.description or ""),
                    [completions.Option.of(action, shown(action)) for action in visible(command)],
                )
                for name, command in commands(parser).items()
            ],
            {key: setting.title for key, setting in SETTINGS.items()},
        )  # fmt: skip
        for path, text in declared.files():
            target = folder / "share" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        write(Path(sys.argv[1]), sys.argv[2])
