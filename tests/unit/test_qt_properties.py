# SPDX-License-Identifier: MIT
"""No Qt property is set by a keyword argument: PySide finds them by the locale's capital letters.

``QTimer(interval=5)`` works everywhere but where the capital of "i" is not "I".
"""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from PySide6.QtCore import QObject

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = sorted((ROOT / "vramswap_gui/tray").rglob("*.py"))


def names_of(tree: ast.AST, package: str) -> dict[str, Any]:
    """What is imported anywhere in ``tree``, by the name that it has there."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module("." * node.level + node.module, package)
            for alias in node.names:
                found[alias.asname or alias.name] = getattr(module, alias.name, None)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = importlib.import_module(
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
    return found


def value_of(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The object behind a name with dots, as far as it can be known without running anything."""
    if isinstance(node, ast.Name):
        return names.get(node.id, getattr(builtins, node.id, None))
    if isinstance(node, ast.Attribute):
        return getattr(value_of(node.value, names), node.attr, None)
    return None


def passes_to_qt(made: Any) -> bool:
    """Whether ``made`` is a class whose constructor is Qt's, so that keywords become properties."""
    if not (isinstance(made, type) and issubclass(made, QObject)):
        return False
    maker = next(kind for kind in made.__mro__ if "__init__" in vars(kind))
    return not hasattr(vars(maker)["__init__"], "__code__")


def constructions(tree: ast.AST, names: Mapping[str, Any]) -> Iterator[tuple[ast.Call, bool]]:
    """Each call, and whether it reaches a constructor of Qt's."""
    within: dict[ast.AST, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for below in ast.walk(node):
                within[below] = names.get(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, passes_to_qt(value_of(node.func, names)) or _of_parent(node, within.get(node))


def _of_parent(call: ast.Call, kind: Any) -> bool:
    """Whether it is ``super().__init__`` or the like, in a class of Qt's."""
    named = isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
    return named and isinstance(kind, type) and any(map(passes_to_qt, kind.__mro__[1:]))


def breaches(text: str, package: str, names: Mapping[str, Any]) -> list[str]:
    """The lines of ``text`` in which a keyword argument becomes a property."""
    tree = ast.parse(text)
    known = {**names, **names_of(tree, package)}
    return [f"line {call.lineno}" for call, is_qt in constructions(tree, known) if is_qt and call.keywords]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_property_is_a_keyword(module: Path) -> None:
    dotted = ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    loaded = importlib.import_module(dotted)
    assert breaches(module.read_text(encoding="utf-8"), loaded.__package__ or "", vars(loaded)) == []


class Tall(QObject):
    """Qt's constructor, by inheritance."""


class Own(QObject):
    """A constructor with a keyword of its own."""

    def __init__(self, *, size: int) -> None:
        super().__init__()
        self.size = size


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from PySide6.QtCore import QTimer\nQTimer(interval=5)", True),
        ("def later():\n    from PySide6.QtCore import QTimer as Clock\n    Clock(singleShot=True)", True),
        ("from PySide6 import QtGui\nQtGui.QAction('x', checkable=True)", True),
        ("import PySide6.QtCore\nPySide6.QtCore.QTimer(interval=1)", True),
        ("Tall(objectName='x')", True),
        ("class Tall(QObject):\n    def __init__(self):\n        super().__init__(objectName='x')", True),
        ("values = {}\nTall(**values)", True),
        ("Own(size=3)", False),
        ("from PySide6.QtCore import QTimer\nQTimer(None)", False),
        ("dict(interval=5)", False),
    ],
)
def test_a_breach_is_found(text: str, found: bool) -> None:
    assert bool(breaches(text, "tests.unit", globals())) is found
