# SPDX-License-Identifier: MIT
"""Names of files, programs and devices as text that can be shown: it stays on its line and steers nothing."""

from __future__ import annotations

from typing import Final

#: Longer than any name that somebody reads to the end.
LONGEST: Final = 1000


def plain(text: str, longest: int = LONGEST) -> str:
    """``text`` with each character escaped that cannot be seen, turns the direction or stands for a stray byte.

    A byte that is no UTF-8 (a surrogate of PEP 383) becomes ``\\xff``, other characters what Python calls them:
    ``\\n``, ``\\x1b``, ``\\u202e``. The result can be encoded, and is one line. It is no more than plain text: who
    shows it where markup counts has to say so.
    """
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in shown)


def _escaped(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode("ascii")
