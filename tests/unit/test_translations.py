# SPDX-License-Identifier: MIT
"""The catalogues belong to the code, are complete, and each sentence is in one of them."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import Sentence, say
from vramswap_gui.tray import i18n
from vramswap_gui.tray.i18n import FOLDER, size_text, tr, worded
from vramswap_gui.units import GIB, MIB

ROOT: Final = Path(__file__).parents[2]
TRAY: Final = ROOT / "vramswap_gui/tray"
#: Words that stand for something in both: a state in the window is a word of its own.
SHARED: Final = {"on", "off"}
#: Calls that show a text to a person.
SHOWING: Final = re.compile(
    r"set(Text|ToolTip|WindowTitle|AccessibleName|AccessibleDescription|InformativeText|Suffix)|add(Button|Item)"
    r"|Q(Label|PushButton|CheckBox|Action|Menu|MessageBox)|wrapped|showMessage|drawText"
)


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("translations", ROOT / "packaging/translations.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL: Final = _tool()
MESSAGES: Final = {
    language: [
        (str(context.findtext("name")), message)
        for context in ElementTree.parse(FOLDER / f"vramswap_{language}.ts").getroot().iter("context")
        for message in context.iter("message")
    ]
    for language in TOOL.LANGUAGES
}


@pytest.fixture
def german(application: QApplication) -> Iterator[None]:
    """The tray's words in German."""
    before = QLocale()
    installed = i18n.install(application, QLocale("de_DE"))
    yield
    for translator in installed:
        application.removeTranslator(translator)
    QLocale.setDefault(before)


@pytest.mark.parametrize("language", TOOL.LANGUAGES)
def test_every_text_is_translated_and_none_too_many(language: str) -> None:
    wanted = {("tray", text) for text in TOOL.tray_texts()}
    there = {(context, str(message.findtext("source"))) for context, message in MESSAGES[language]}
    assert there == wanted, "run: make translations"
    for _, message in MESSAGES[language]:
        translation = message.find("translation")
        assert translation is not None
        texts = [form.text for form in translation.iter("numerusform")] or [translation.text]
        assert translation.get("type") is None and all(texts), f"not translated: {message.findtext('source')}"


@pytest.mark.parametrize("language", TOOL.LANGUAGES)
def test_places_commands_and_keys_are_in_the_translation(language: str) -> None:
    for context, message in MESSAGES[language]:
        source = str(message.findtext("source"))
        translation = message.find("translation")
        assert translation is not None
        for text in [form.text for form in translation.iter("numerusform")] or [translation.text]:
            for part in (r"\{\w*\}", "`[^`]+`"):
                assert sorted(re.findall(part, source)) == sorted(re.findall(part, text or "")), text
            if context == "tray":
                assert source.count("&") == str(text).count("&"), text
                assert (source[0] == " ") is (str(text)[0] == " "), text


def test_the_compiled_ones_are_of_today(tmp_path: Path) -> None:
    for catalogue in FOLDER.glob("*.ts"):
        TOOL.release(catalogue, tmp_path / "made.qm")
        made, kept = (path.read_bytes() for path in (tmp_path / "made.qm", catalogue.with_suffix(".qm")))
        assert made == kept, "run: make translations"
    TOOL.catalogues.write(tmp_path)
    for fresh in tmp_path.glob("*/LC_MESSAGES/*.mo"):
        assert fresh.read_bytes() == (TOOL.COMPILED / fresh.relative_to(tmp_path)).read_bytes(), (
            "run: make translations"
        )


@pytest.mark.parametrize("language", TOOL.LANGUAGES)
def test_every_code_has_words_and_none_too_many(language: str) -> None:
    text = (TOOL.catalogues.SOURCES / f"{language}.po").read_text(encoding="utf-8")
    known = TOOL.catalogues.parse(text)
    known.pop("")
    assert list(known) == list(dict.fromkeys([*TOOL.questions(), *TOOL.sentences()])), "run: make translations"
    for form, words in known.items():
        assert words, f"not translated: {form}"
        for part in (r"\{[a-z_]+:[a-z]+\}", "`[^`]+`"):
            assert sorted(re.findall(part, form)) == sorted(re.findall(part, words)), words


def test_each_sentence_has_one_owner() -> None:
    """What the tray says by itself and what is a code are translated in two files, and nothing is in both."""
    assert set(TOOL.tray_texts()) & set(TOOL.sentences()) == SHARED


def test_forms_are_found_in_the_code() -> None:
    """What is worded goes through ``say`` with a form that stands there, or is the form of a code."""
    for path in (ROOT / "vramswap_gui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id == "say" and "ctl/" not in str(path):
                    assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
                assert node.func.id != "Phrase" or path.name in ("forms.py", "errors.py", "machine.py", "gpu_checks.py")


USES: Final = Reason.of(ReasonCode.OTHER_PROGRAM_USES, used=4198 * MIB)


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        (Reason.of(ReasonCode.MEMORY_PLENTIFUL), "Arbeitsspeicher"),
        (Reason.of(ReasonCode.LENT_LESS, size=3 * GIB, goal=7680 * MIB, why=USES), "4,1 GiB"),
        (Reason.of(ReasonCode.SHORT_BUT, why=Reason.of(ReasonCode.UNTIL_NOW, why=USES)), "aber ein anderes"),
        (VramswapError(Problem.CUDA_FAILED, call="cuMemCreate", status="UNKNOWN"), "cuMemCreate"),
        (VramswapError(Problem.GPU_GONE_BECAUSE, why=VramswapError(Problem.GPU_FAILS)), "Die GPU versagt"),
        (VramswapError(Problem.SWAP_REFUSED, program="swapoff", device="/dev/nbd0", why="–"), "/dev/nbd0"),
        (say("{state:said}, may not sleep", state=say("suspended")), "suspended, darf nicht schlafen"),
        (say("{found:said}, {pages:number} pages are read at once", found=say("60"), pages=8), "60, jeweils 8 Seiten"),
    ],
)
def test_codes_are_worded_in_german(sentence: Sentence, part: str, german: None) -> None:
    shown = worded(sentence).replace("\N{NO-BREAK SPACE}", " ")
    assert part in shown
    assert not re.search(r"\b(the|is|are|of|but|failed|while|may)\b", shown), shown


def test_numbers_and_plurals(german: None) -> None:
    sizes = [size_text(size).replace("\N{NO-BREAK SPACE}", " ") for size in (3 * GIB // 2, 512 * MIB, 0)]
    assert sizes == ["1,5 GiB", "512 MiB", "0 B"]
    one, many = (tr("%n things are missing before VRAM can be lent.", count) for count in (1, 5))
    assert "5" in many and "%n" not in one + many and one != many.replace("5", "1")


def test_english_has_plurals_too(application: QApplication) -> None:
    before = QLocale()
    for locale in ("C", "en_US", "ja_JP"):
        installed = i18n.install(application, QLocale(locale))
        assert tr("%n things are missing before VRAM can be lent.", 1).startswith("One thing is")
        for translator in installed:
            application.removeTranslator(translator)
    QLocale.setDefault(before)


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    for path in sorted(TRAY.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield path.name, name, node


def test_nothing_is_shown_that_cannot_be_translated() -> None:
    for file, name, call in _calls():
        if SHOWING.fullmatch(name):
            for argument in call.args:
                text = argument.value if isinstance(argument, ast.Constant) else None
                assert not (isinstance(text, str) and re.search("[A-Za-z]{2}", text)), f"{file}:{call.lineno}: {text}"


def test_no_sentence_is_put_together() -> None:
    """What is translated is not joined with other words: their order is not the same in every language."""
    for path in sorted(TRAY.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                for part in (node.left, node.right):
                    spoken = isinstance(part, ast.Call) and getattr(part.func, "id", "") == "tr"
                    assert not spoken, f"{path.name}:{node.lineno}: {ast.unparse(node)}"
