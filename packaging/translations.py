"""Brings the catalogues of the tray's languages up to date with the texts in the code.

Usage: translations.py [--language CODE]... Adds to vramswap_gui/tray/translations: a ``.ts`` for each language, which
translators edit with Qt Linguist, the ``.qm`` made of it, which the tray reads, and sentences.txt, the forms by which
the tray knows the helper's sentences again. lupdate and lrelease are those of PySide6.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from vramswap_gui import forms  # noqa: E402
from vramswap_gui.api.reasons import ReasonCode  # noqa: E402
from vramswap_gui.errors import Problem  # noqa: E402
from vramswap_gui.settings import SETTINGS, Setting  # noqa: E402
from vramswap_gui.tray.i18n import FOLDER, HELPER, PLACE, TRAY  # noqa: E402
from vramswap_gui.tray.preferences import OWN  # noqa: E402

#: Besides English, of which only the plural forms are needed.
LANGUAGES: Final = ("de",)
CODE: Final = ROOT / "vramswap_gui"
#: Where the sentences come from that reach the tray by D-Bus, or from a look at the machine.
SPEAKERS: Final = ("client.py", "settings.py", "units.py", "doctor", "helper", "server", "system")
#: What is said to programs, to whoever starts a process by hand, or to nobody.
_NOT_SPOKEN: Final = {
    "main.py", "dbus_service.py", "control_server.py", "ipc.py", "reexec.py", "journald.py", "event_log.py",
    "report.py",
}  # fmt: skip
#: In the tray, calls whose texts are translated when they are shown.
_LATER: Final = {"VramswapError", "Check"}
#: A sentence, or a part of one: some words, and no markup.
_SPOKEN: Final = re.compile(r"(?!sudo )[^<\n#\0]* [^<\n\0]*")
_WORDS: Final = re.compile("[A-Za-z]{2}")


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


def sentences() -> list[str]:
    """The forms of what the helper and others say: each part that is not always the same is a number in braces."""
    found: set[str] = set()
    for path in _speakers():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.update(form for form in map(_form, _texts(tree)) if _SPOKEN.fullmatch(form))
        # What a check finds may be a single word.
        for call in _calls(tree, {"Check"}):
            found.update(_form(text) for argument in call.args for text in _texts(argument))
    for path in sorted((CODE / "tray").rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")), _LATER):
            found.update(_form(text) for argument in call.args for text in _texts(argument))
    found.update(
        map(_numbered, (*(code.form for code in ReasonCode), *(form for one in Problem for form in one.sentences)))
    )
    declared = {text for setting in SETTINGS.values() for text in _declared(setting)}
    return sorted(form for form in found - declared if _WORDS.search(PLACE.sub("", form)))


def _numbered(form: str) -> str:
    """The form of a code as the tray recognises it in a sentence: with numbers for places."""
    numbers = itertools.count()
    return forms.PLACE.sub(lambda match: f"{{{next(numbers)}}}", form)


def _speakers() -> Iterator[Path]:
    for name in SPEAKERS:
        path = CODE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if file.name not in _NOT_SPOKEN:
                yield file


def _calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
            yield node


def _texts(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """All texts but docstrings, the parts of other texts, and what the debug log says."""
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner.update(part for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Expr):
            inner.add(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "debug":
            inner.update(node.args)
    for node in ast.walk(tree):
        if node in inner:
            continue
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield node


def _form(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts: list[str] = []
    for part in node.values:
        number = sum(PLACE.fullmatch(old) is not None for old in parts)
        parts.append(str(part.value) if isinstance(part, ast.Constant) else f"{{{number}}}")
    return "".join(parts)


def _source() -> str:
    """All texts as a program that lupdate can read."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [
        f'QCoreApplication::translate("{TRAY}", {quoted(text)}{", nullptr, n" if plural else ""});'
        for text, plural in tray_texts().items()
    ]
    lines += [f'QCoreApplication::translate("{HELPER}", {quoted(form)});' for form in sentences()]
    return "\n".join(["void texts(int n) {", *lines, "}", ""])


def update(folder: Path = FOLDER, languages: tuple[str, ...] = LANGUAGES) -> None:
    """Write all files of ``folder`` anew, with the translations that are there."""
    folder.mkdir(exist_ok=True)
    (folder / "sentences.txt").write_text("".join(f"{form}\n" for form in sentences()), encoding="utf-8")
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
