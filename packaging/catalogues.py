# SPDX-License-Identifier: MIT
"""Makes gettext's binary catalogues (.mo) from resources/po: for our own sentences, and for polkit's questions.

polkitd looks the question up in the language of the person's agent, in the domain ``vramswap``
(polkit.gettext_domain). Usage: catalogues.py FOLDER; they lie below it as below /usr/share/locale. Format: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
"""

from __future__ import annotations

import ast
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = ROOT / "resources/po"
DOMAIN: Final = "vramswap"
_MAGIC: Final = 0x950412DE
_HEADER: Final = "Content-Type: text/plain; charset=UTF-8\n"


def parse(text: str) -> dict[str, str]:
    """The translations in a .po file of single-line messages."""
    found, source = {}, ""
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        if keyword == "msgid":
            source = ast.literal_eval(value)
        elif keyword == "msgstr":
            found[source] = ast.literal_eval(value)
    return found


def compile(translations: Mapping[str, str]) -> bytes:
    """The binary catalogue: two sorted tables of lengths and places, then the texts, each with a NUL behind it."""
    known = {text: said for text, said in translations.items() if said}
    pairs = sorted({**known, "": _HEADER}.items(), key=lambda pair: pair[0].encode())
    count = len(pairs)
    begin = 28
    place = begin + 16 * count
    tables: list[bytes] = []
    texts = b""
    for column in (0, 1):
        for pair in pairs:
            text = pair[column].encode()
            tables.append(struct.pack("<II", len(text), place + len(texts)))
            texts += text + b"\0"
    head = struct.pack("<7I", _MAGIC, 0, count, begin, begin + 8 * count, 0, place)
    return head + b"".join(tables) + texts


def write(folder: Path) -> None:
    """Write all catalogues below ``folder``, as they lie below /usr/share/locale."""
    for source in sorted(SOURCES.glob("*.po")):
        target = folder / f"{source.stem}/LC_MESSAGES/{DOMAIN}.mo"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compile(parse(source.read_text(encoding="utf-8"))))


def update(language: str, texts: Iterable[str]) -> None:
    """Have the ``.po`` of a language name these texts, in this order, with the translations that are there."""
    path = SOURCES / f"{language}.po"
    known = parse(path.read_text(encoding="utf-8")) if path.exists() else {}
    entries = [f'msgid ""\nmsgstr {_quoted(_HEADER)}\n']
    entries += [f"msgid {_quoted(text)}\nmsgstr {_quoted(known.get(text, ''))}\n" for text in texts]
    path.write_text("\n".join(entries), encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


if __name__ == "__main__":
    write(Path(sys.argv[1]))
