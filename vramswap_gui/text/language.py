# SPDX-License-Identifier: MIT
"""How a reader is spoken to: the one way from codes and arguments to sentences, for command line, journal and tray.

The English forms are declared with the codes (:mod:`vramswap_gui.api.reasons`, :mod:`vramswap_gui.errors`), or stand
where they are said (:func:`vramswap_gui.forms.say`). Other languages have them in gettext's catalogue ``vramswap``,
which ``packaging/translations.py`` makes from ``resources/po`` into the folder ``catalogues``. The journal is English,
because whoever is sent it may read nothing else.
"""

from __future__ import annotations

import gettext
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui import forms
from vramswap_gui.forms import Lookup, Sentence
from vramswap_gui.units import format_size

DOMAIN: Final = "vramswap"
FOLDER: Final = Path(__file__).with_name("catalogues")


@dataclass(frozen=True, slots=True)
class Language:
    """Somebody's words for the forms, and their way to write sizes."""

    lookup: Lookup = lambda form: form
    size: Callable[[int], str] = format_size

    def say(self, sentence: Sentence) -> str:
        """A reason, an error (what failed and why), or a phrase."""
        return forms.word(sentence, self.lookup, self.size) if sentence.form else ""


ENGLISH: Final = Language()


def of(
    languages: Sequence[str] | None = None, folder: Path = FOLDER, size: Callable[[int], str] = format_size
) -> Language:
    """The first of the ``languages``, as ``de_AT``, that there is a catalogue of; else English.

    None: those that LANGUAGE, LC_ALL, LC_MESSAGES or LANG ask for.
    """
    try:
        catalogue = gettext.translation(DOMAIN, folder, languages)
    except (OSError, ValueError, struct.error):
        # There is none, or none that can be read.
        return Language(size=size)
    return Language(lambda form: catalogue.gettext(form) if form else "", size)
