# SPDX-License-Identifier: MIT
"""Shell completions for bash, zsh and fish, out of one description of a program's arguments."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

#: What a placeholder in a help text says about the value.
_FILES: Final = re.compile(r"PATH|FILE")
_FOLDERS: Final = re.compile(r"DIR|FOLDER")


@dataclass(frozen=True, slots=True)
class Option:
    """An option, or an argument without a name. ``place`` is its placeholder, empty when it takes no value."""

    flags: tuple[str, ...]
    place: str
    help: str

    @classmethod
    def of(cls, action: argparse.Action, help: str) -> Option:
        """The description of a parser's argument."""
        place = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
        return cls(tuple(action.option_strings), place, help.rstrip("."))

    @property
    def words(self) -> list[str]:
        """The values that are words to be typed: the small letters among the placeholder's alternatives."""
        return [word for word in self.place.split("|") if re.fullmatch("[a-z-]+", word)] if "|" in self.place else []

    @property
    def paths(self) -> str:
        """``files``, ``folders`` or nothing."""
        if _FOLDERS.search(self.place):
            return "folders"
        return "files" if _FILES.search(self.place) else ""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a program, or the program itself when its name is empty."""

    name: str
    help: str
    arguments: Sequence[Option]

    @property
    def options(self) -> list[Option]:
        """Its arguments with a name."""
        return [option for option in self.arguments if option.flags]

    @property
    def places(self) -> list[Option]:
        """Its arguments without one."""
        return [option for option in self.arguments if not option.flags]


@dataclass(frozen=True, slots=True)
class Program:
    """A program; ``settings`` are what an argument called KEY takes, with their titles."""

    name: str
    arguments: Sequence[Option]
    commands: Sequence[Command]
    settings: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[str, str]]:
        """Each file below /usr/share, and what is in it."""
        yield f"bash-completion/completions/{self.name}", self.bash()
        yield f"zsh/vendor-completions/_{self.name}", self.zsh()
        yield f"fish/vendor_completions.d/{self.name}.fish", self.fish()

    def _values(self, option: Option) -> list[str]:
        return list(self.settings) if option.place == "KEY" else option.words

    # bash

    def bash(self) -> str:
        """The function that bash calls, and its registration."""
        function = "_" + self.name.replace("-", "_")
        cases = [self._bash_case(Command("", "", self.arguments), [command.name for command in self.commands])]
        cases += [self._bash_case(command, []) for command in self.commands]
        body = "\n".join(textwrap.indent(case, "        ") for case in cases)
        find = ""
        if self.commands:
            find = """
    local word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word != -* ]]; then
            command=$word
            break
        fi
    done"""
        previous = " previous=${COMP_WORDS[COMP_CWORD - 1]}" if "$previous" in body else ""
        return f"""# shellcheck shell=bash
{function}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}}{previous} command=""{find}
    COMPREPLY=()
    case $command in
{body}
    esac
}}
complete -F {function} {self.name}
"""

    def _bash_case(self, command: Command, more: Sequence[str]) -> str:
        valued = [option for option in command.options if option.place]
        lines = [f"{command.name or chr(34) * 2})", "    case $previous in"]
        for option in valued:
            reply = self._bash_reply(option, "            ")
            lines += [f"        {' | '.join(option.flags)})", *reply, "            ;;"]
        names = [flag for option in command.options for flag in option.flags]
        words = [*more, *names]
        place = command.places[0] if command.places else None
        own = [f"            {line}" for line in self._bash_words(words)]
        if place is not None and command.name:
            lines += [f"        {command.name})", *self._bash_reply(place, "            ", names), "            ;;"]
        lines += ["        *)", *own, "            ;;", "    esac", "    ;;"]
        if not valued and not (place and command.name):
            lines = [lines[0], *(line.removeprefix("        ") for line in own), "    ;;"]
        return "\n".join(lines)

    def _bash_reply(self, option: Option, indent: str, names: Sequence[str] = ()) -> list[str]:
        words = [*self._values(option), *names]
        actions = {"folders": ["-d"], "files": ["-f"], "": []}[option.paths]
        if not words and not actions:
            return [f"{indent}:"]
        if actions:
            lines = [f"{indent}compopt -o filenames"]
            return lines + [indent + line for line in self._bash_words(words, *actions)]
        return [indent + line for line in self._bash_words(words)]

    @staticmethod
    def _bash_words(words: Sequence[str], *actions: str) -> list[str]:
        what = " ".join([*actions, f'-W "{" ".join(words)}"'] if words else actions)
        return [f'mapfile -t COMPREPLY < <(compgen {what} -- "$current")']

    # zsh

    def zsh(self) -> str:
        """A file for a folder in fpath."""
        own = [self._zsh_option(option) for option in self.arguments]
        if not self.commands:
            return f"#compdef {self.name}\n_arguments \\\n    " + " \\\n    ".join(own) + "\n"
        names = "\n".join(f"        {_quote(f'{command.name}:{command.help}')}" for command in self.commands)
        cases = []
        for command in self.commands:
            arguments = " \\\n                ".join(self._zsh_option(option) for option in command.arguments)
            call = f"            _arguments \\\n                {arguments}"
            cases.append(f"        {command.name})\n{call}\n            ;;")
        own += ["'1: :->command'", "'*:: :->arguments'"]
        return (
            f"#compdef {self.name}\nlocal curcontext=$curcontext state line\nlocal -a commands\n"
            "_arguments -C \\\n    " + " \\\n    ".join(own) + "\n"
            f"case $state in\n    command)\n        commands=(\n{textwrap.indent(names, '    ')}\n        )\n"
            "        _describe command commands\n        ;;\n    arguments)\n        case $line[1] in\n"
            + textwrap.indent("\n".join(cases), "    ")
            + "\n        esac\n        ;;\nesac\n"
        )

    def _zsh_option(self, option: Option) -> str:
        # A colon divides the parts of a specification, a bracket ends the help.
        help = re.sub(r"([:\[\]\\])", r"\\\1", option.help)
        value = ""
        if option.place:
            words = " ".join(self._values(option))
            paths = {"folders": "_files -/", "files": "_files", "": ""}[option.paths]
            value = f":{option.place}:{f'({words})' if words and not paths else paths}"
        if not option.flags:
            return _quote(f":{value}") if value.endswith(")") else _quote(f":{value} ")
        parts = [_quote(f"{flag}[{help}]{value}") for flag in option.flags]
        if len(option.flags) == 1:
            return parts[0]
        return " ".join(_quote(f"({' '.join(option.flags)})") + part for part in parts)

    # fish

    def fish(self) -> str:
        """Lines that fish reads when the program is first completed."""
        lines = []
        if self.commands:
            lines.append(f"complete -c {self.name} -f")
            for command in self.commands:
                lines.append(
                    f"complete -c {self.name} -n __fish_use_subcommand -a {command.name} -d {_fish(command.help)}"
                )
        for option in self.arguments:
            lines.append(self._fish_option(option, "__fish_use_subcommand" if self.commands else ""))
        for command in self.commands:
            seen = f"__fish_seen_subcommand_from {command.name}"
            lines += [self._fish_option(option, seen) for option in command.arguments]
        return "\n".join(line for line in lines if line) + "\n"

    def _fish_option(self, option: Option, condition: str) -> str:
        parts = ["complete", "-c", self.name]
        if condition:
            parts += ["-n", _fish(condition)]
        for flag in option.flags:
            parts += ["-l" if flag.startswith("--") else "-s", flag.lstrip("-")]
        words = " ".join(self._values(option))
        if option.place and option.flags:
            parts.append("-r" if option.paths else "-x")
        if words:
            parts += ["-a", _fish(words)]
        if not option.flags and not words:
            return ""
        if option.help and option.flags:
            parts += ["-d", _fish(option.help)]
        return " ".join(parts)


def _quote(text: str) -> str:
    """As one word for zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    """As one word for fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
