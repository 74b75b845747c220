# SPDX-License-Identifier: MIT
"""The one place where ``vramswapctl`` writes: whatever is in a text, and in whatever encoding the terminal is."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import Any, Final, TextIO

from vramswap_gui import streams
from vramswap_gui.errors import VramswapError
from vramswap_gui.text import language

#: What stands in for signs that an encoding lacks.
_INSTEAD: Final = {
    "→": "->", "“": '"', "”": '"', "’": "'", "…": "...", "–": "-", "×": "x", "µ": "u", "█": "#", "░": ".",
}  # fmt: skip
_HANDLER: Final = "vramswap"


def prepare() -> None:
    """Have both streams take every text. Before the first word is written, ``--help`` included."""
    codecs.register_error(_HANDLER, _instead)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _instead(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = "".join(_INSTEAD.get(sign) or _escaped(sign) for sign in error.object[error.start : error.end])
    return text, error.end


def _escaped(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode("ascii")


def say(text: str) -> None:
    """A line, or several, for a person. Raises VramswapError, or BrokenPipeError when its reader is gone."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise streams.unwritten(error) from None


def say_json(value: Any, *, in_one_line: bool = False) -> None:
    """A value for a program; JSON has its own escapes for what an encoding lacks."""
    say(json.dumps(value, indent=None if in_one_line else 2, ensure_ascii=not _is_unicode(sys.stdout)))


def explain(error: VramswapError) -> None:
    """What failed, why, and what to do."""
    reader = language.of()
    complain(f"{reader.say(error)} {reader.say(error.advice)}".rstrip())


def complain(text: str) -> None:
    """The one line that says what failed, in place of what is under way."""
    show_progress("")
    print(f"vramswapctl: {text}", file=sys.stderr, flush=True)


def show_progress(text: str) -> None:
    """What is under way, on a terminal that can show it; empty when it is over."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
