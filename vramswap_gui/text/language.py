"""How a reader is spoken to: the one way from codes and arguments to sentences, for command line, journal and tray.

The English forms are declared with the codes (:mod:`vramswap_gui.api.reasons`, :mod:`vramswap_gui.errors`); a language
knows them in its own words. The command line's are gettext's catalogue ``vramswap``, made from ``resources/po``; the
tray gives Qt's. The journal is English, because whoever is sent it may read nothing else.
"""

from __future__ import annotations

import gettext
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vramswap_gui import forms
from vramswap_gui.api.reasons import Reason
from vramswap_gui.errors import VramswapError
from vramswap_gui.forms import Lookup
from vramswap_gui.units import format_size

DOMAIN: Final = "vramswap"


@dataclass(frozen=True, slots=True)
class Language:
    """Somebody's words for the forms, and their way to write sizes."""

    lookup: Lookup = lambda form: form
    size: Callable[[int], str] = format_size

    def reason(self, reason: Reason) -> str:
        """Why the swap is as it is."""
        return forms.word(reason, self.lookup, self.size)

    def error(self, error: VramswapError) -> tuple[str, str]:
        """What failed and why, and what to do; the latter may be empty."""
        return error.worded(self.lookup, self.size)


ENGLISH: Final = Language()


def of_environment(folder: str | None = None) -> Language:
    """The language that LANGUAGE, LC_ALL, LC_MESSAGES or LANG ask for, or English. ``folder``: where catalogues are."""
    try:
        catalogue = gettext.translation(DOMAIN, folder)
    except (OSError, ValueError, struct.error):
        # There is none, or none that can be read.
        return ENGLISH
    return Language(lambda form: catalogue.gettext(form) if form else "")
