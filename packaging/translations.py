# SPDX-License-Identifier: MIT
"""Brings the catalogues of translations up to date with the code.

Usage: translations.py [--language CODE]... There are two kinds, and each sentence is in one of them:

* ``vramswap_gui/tray/translations`` has the tray's own texts: a ``.ts`` for each language, which translators edit with
  Qt Linguist, and the ``.qm`` made of it, which the tray reads. lupdate and lrelease are those of PySide6.
* ``resources/po`` has the sentences that are codes, which command line and tray word alike, and the questions that
  polkit has an agent ask: a ``.po`` for each language. ``vramswap_gui/text/catalogues`` has what is made of it.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import catalogues  # noqa: E402

from vramswap_gui.api.dbus import VERBS  # noqa: E402
from vramswap_gui.api.reasons import ReasonCode  # noqa: E402
from vramswap_gui.errors import Problem  # noqa: E402
from vramswap_gui.settings import SETTINGS, Setting  # noqa: E402
from vramswap_gui.tray.i18n import FOLDER, TRAY  # noqa: E402
from vramswap_gui.tray.preferences import OWN  # noqa: E402

#: Besides English, of which only the plural forms are needed.
LANGUAGES: Final = ("de", "fr")
CODE: Final = ROOT / "vramswap_gui"
#: Where gettext finds what was made of resources/po.
COMPILED: Final = CODE / "text/catalogues"
#: Letters: what has none is the same in every language.
_WORDS: Final = re.compile("[A-Za-z]{2}")
_PLACE: Final = re.compile(r"\{[^}]*\}")


def tray_texts() -> dict[str, bool]:
    """The texts of the tray's own code and of the settings → whether they have plural forms."""
    texts = {text: False for setting in (*SETTINGS.values(), *OWN.values()) for text in _declared(setting)}
    for path in sorted((CODE / "tray").rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")), {"tr"}):
            if isinstance(call.args[0], ast.Constant):
                texts[str(call.args[0].value)] = len(call.args) > 1
    return texts


def _declared(setting: Setting) -> Iterator[str]:
    texts = (setting.title, setting.help, setting.auto_title, setting.auto_help, *setting.choices.values())
    return (text for text in texts if text)


def questions() -> list[str]:
    """What polkit has an agent ask."""
    return [verb.question for verb in VERBS.values() if verb.question]


def sentences() -> list[str]:
    """The forms of all codes, and of the phrases in the code (``say``), in the order in which they are found."""
    found = [code.form for code in ReasonCode]
    found += [form for problem in Problem for form in problem.sentences]
    for path in sorted(CODE.rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")), {"say"}):
            if isinstance(call.args[0], ast.Constant):
                found.append(str(call.args[0].value))
    return [form for form in dict.fromkeys(found) if _WORDS.search(_PLACE.sub("", form))]


def _calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
            yield node


def _source() -> str:
    """All texts as a program that lupdate can read."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [
        f'QCoreApplication::translate("{TRAY}", {quoted(text)}{", nullptr, n" if plural else ""});'
        for text, plural in tray_texts().items()
    ]
    return "\n".join(["void texts(int n) {", *lines, "}", ""])


def update(folder: Path = FOLDER, languages: tuple[str, ...] = LANGUAGES) -> None:
    """Write all files of ``folder`` anew, with the translations that are there."""
    folder.mkdir(exist_ok=True)
    # Some languages have polkit's questions alone.
    for language in {*languages, *(path.stem for path in catalogues.SOURCES.glob("*.po"))}:
        catalogues.update(language, [*questions(), *(sentences() if language in languages else ())])
    catalogues.write(COMPILED)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "texts.cpp"
        source.write_text(_source(), encoding="utf-8")
        for language in ("en", *languages):
            catalogue = folder / f"vramswap_{language}.ts"
            only = ["-pluralonly"] if language == "en" else []
            _tool(
                "lupdate", "-silent", "-no-obsolete", "-locations", "none", "-source-language", "en",
                "-target-language", language, *only, str(source), "-ts", str(catalogue),
            )  # fmt: skip
            release(catalogue)


def release(catalogue: Path, compiled: Path | None = None) -> None:
    """Make the ``.qm`` of a ``.ts``."""
    _tool("lrelease", "-silent", "-nounfinished", str(catalogue), "-qm", str(compiled or catalogue.with_suffix(".qm")))


def _tool(name: str, *arguments: str) -> None:
    program = Path(sys.executable).with_name(f"pyside6-{name}")
    subprocess.run([program, *arguments], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Bring the catalogues up to date with the texts in the code.")
    parser.add_argument("--language", action="append", default=list(LANGUAGES), help="add another language")
    update(languages=tuple(parser.parse_args().language))
