# SPDX-License-Identifier: MIT
"""Everything the tray says, in the user's language: its own texts, what others say in codes, sizes and numbers.

The catalogues in ``translations`` have the tray's own texts, and are made from the code by
``packaging/translations.py``. Sentences that are codes have their words in :mod:`vramswap_gui.text.language`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from vramswap_gui.forms import Sentence
from vramswap_gui.text import language
from vramswap_gui.text.language import Language
from vramswap_gui.units import format_size

FOLDER: Final = Path(__file__).with_name("translations")
#: The contexts of what is translated: what the tray says by itself, and the forms of codes.
TRAY: Final = "tray"
FORMS: Final = "forms"


class _Forms(QTranslator):
    """Has Qt look the forms of codes up where everybody does."""

    def __init__(self, parent: QCoreApplication, locale: QLocale) -> None:
        super().__init__(parent)
        self._words = language.of([locale.name()]).lookup

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        return self._words(source) if context == FORMS else None


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
    installed.append(_Forms(application, locale))
    for translator in installed:
        application.installTranslator(translator)
    return installed


def tr(text: str, count: int = -1) -> str:
    """``text`` in the user's language; ``count`` chooses the plural form and takes the place of ``%n``."""
    return QCoreApplication.translate(TRAY, text, None, count)


def worded(sentence: Sentence) -> str:
    """A reason, an error (what failed and why) or a phrase, in the user's language."""
    return _READER.say(sentence)


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


_READER: Final = Language(lambda form: QCoreApplication.translate(FORMS, form), size_text)
