"""Everything the tray says, in the user's language: its own texts, those of the helper, sizes and numbers.

The catalogues in ``translations`` are made from the code by ``packaging/translations.py``. The helper speaks English to
everybody, because all users are told the same status; its sentences are known again by their form (``sentences.txt``).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from vramswap_gui.units import format_size

FOLDER: Final = Path(__file__).with_name("translations")
#: The catalogues' contexts: what the tray says by itself, and the forms of what others say.
TRAY: Final = "tray"
HELPER: Final = "helper"
#: In a form: where the sentence has something that is not always the same.
PLACE: Final = re.compile(r"\{(\d+)\}")
#: How sentences are put together; tried last.
_JOINTS: Final = ("{0}.", "{0} ({1})", "{0}: {1}.", "{0}: {1}", "{0}, {1}")
_SIZE: Final = re.compile(r"(-?\d+(?:\.\d+)?) (B|KiB|MiB|GiB)")


def install(application: QCoreApplication, locale: QLocale) -> list[QTranslator]:
    """Speak the language of ``locale`` if there is a catalogue of it, and have Qt do so; else English.

    Returns what was installed.
    """
    QLocale.setDefault(locale)
    ours, qt = QTranslator(application), QTranslator(application)
    installed = [ours]
    # Where ours are English, Qt's shall be; and English has its plural forms in a catalogue.
    if not ours.load(locale, "vramswap", "_", str(FOLDER)):
        ours.load("vramswap_en", str(FOLDER))
    elif qt.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        installed.append(qt)
    for translator in installed:
        application.installTranslator(translator)
    forget()
    return installed


def forget() -> None:
    """After another change of language: know no sentence any more."""
    _forms.cache_clear()
    _recognised.cache_clear()


def tr(text: str, count: int = -1) -> str:
    """``text`` in the user's language; ``count`` chooses the plural form and takes the place of ``%n``."""
    return QCoreApplication.translate(TRAY, text, None, count)


def said(text: str) -> str:
    """What the helper says, or whoever looks at the machine, in the user's language; what is not known, as it is."""
    if match := _SIZE.fullmatch(text):
        return _size(match[1], match[2])
    return _recognised(text) if text else ""


def size_text(size: int) -> str:
    """A size in bytes for a person: ``1.5 GiB``, or ``1,5 GiB``."""
    number, unit = format_size(size).split(" ")
    return _size(number, unit)


def part_text(part: int, whole: int) -> str:
    """Two sizes with one unit, that of the whole: ``0.8 of 2.5 GiB``."""
    number, unit = format_size(whole).split(" ")
    share = float(number) * min(1.0, part / whole) if whole else 0.0
    # What is little is still not nothing.
    decimals = 2 if 0 < share < 0.095 else 1
    shown = f"{max(share, 0.01) if share else 0:.{decimals}f}".removesuffix(".0")
    return tr("{part} of {whole}").format(part=_number(shown), whole=_size(number, unit))


def _number(number: str) -> str:
    return QLocale().toString(float(number), "f", len(number.partition(".")[2]))


def _size(number: str, unit: str) -> str:
    return _with_unit(unit).format(size=_number(number))


def _with_unit(unit: str) -> str:
    match unit:
        case "GiB":
            return tr("{size} GiB")
        case "MiB":
            return tr("{size} MiB")
        case "KiB":
            return tr("{size} KiB")
    return tr("{size} B")


@functools.lru_cache(maxsize=64)
def _recognised(text: str) -> str:
    for pattern, form in _forms():
        if match := pattern.fullmatch(text):
            parts = [said(part) for part in match.groups()]
            # Every second piece is the number of a place.
            pieces = PLACE.split(QCoreApplication.translate(HELPER, form))
            return "".join(parts[int(piece)] if number % 2 else piece for number, piece in enumerate(pieces))
    return text


@functools.cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The forms that have a translation, those with the most words of their own first."""
    forms = (FOLDER / "sentences.txt").read_text(encoding="utf-8").splitlines()
    known = [form for form in forms if QCoreApplication.translate(HELPER, form) != form]
    known.sort(key=lambda form: len(PLACE.sub("", form)), reverse=True)
    patterns = ("(.*?)".join(map(re.escape, PLACE.split(form)[::2])) for form in (*known, *_JOINTS))
    return tuple(zip(map(re.compile, patterns), (*known, *_JOINTS), strict=True))
