# SPDX-License-Identifier: MIT
"""The value of a setting in the user's words, wherever one is told."""

from __future__ import annotations

from PySide6.QtCore import QLocale

from vramswap_gui.settings import Kind, Setting, Value
from vramswap_gui.tray.i18n import size_text, tr


def value_text(setting: Setting, value: Value) -> str:
    """What the editor of ``setting`` shows for a ``value`` that it can have."""
    if setting.kind is Kind.SWITCH:
        return tr("on") if value else tr("off")
    if setting.kind is Kind.CHOICE:
        return tr(setting.choices[str(value)])
    if setting.auto is not None and value == setting.auto:
        return tr(setting.auto_title)
    if setting.unit == "s":
        return tr("{minutes} min").format(minutes=QLocale().toString(int(value) / 60, "g", 4))
    if setting.kind is Kind.SIZE:
        return size_text(int(value))
    if setting.key == "gpu" and not value:
        return tr("The first one")
    return setting.show(value) or tr("empty")
