"""The catalogues belong to the code, are complete, and say in German what the helper says in English."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtWidgets import QApplication

from vramswap_gui.tray import i18n
from vramswap_gui.tray.i18n import FOLDER, PLACE, said, size_text, tr
from vramswap_gui.units import GIB, MIB

ROOT: Final = Path(__file__).parents[2]
TRAY: Final = ROOT / "vramswap_gui/tray"
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
    i18n.forget()


@pytest.mark.parametrize("language", TOOL.LANGUAGES)
def test_every_text_is_translated_and_none_too_many(language: str) -> None:
    wanted = {("tray", text) for text in TOOL.tray_texts()} | {("helper", form) for form in TOOL.sentences()}
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
    assert (FOLDER / "sentences.txt").read_text().splitlines() == TOOL.sentences(), "run: make translations"


@pytest.mark.parametrize(
    ("english", "part"),
    [
        ("Memory is plentiful.", "Arbeitsspeicher"),
        ("3 GiB of 7.5 GiB: another program uses 4.1 GiB of VRAM.", "4,1 GiB"),
        ("Memory is short, but until a moment ago other programs are using the GPU.", "Programme"),
        ("The server that holds the VRAM failed: CUDA failed while allocating 512 MiB: UNKNOWN..", "512 MiB"),
        ("swapoff failed on /dev/nbd0: it said nothing.", "/dev/nbd0"),
        ("Enable it: `sudo systemctl enable vramswap-sleep.service`", "`sudo systemctl enable"),
        ("0000:01:00.0 (suspended, may not sleep)", "0000:01:00.0 ("),
        ("60, 8 pages are read at once", "60, jeweils 8 Seiten"),
    ],
)  # fmt: skip
def test_what_the_helper_says_is_known_again(english: str, part: str, german: None) -> None:
    shown = said(english).replace("\N{NO-BREAK SPACE}", " ")
    assert part in shown
    assert not re.search(r"\b(the|is|are|of|but|failed|while|may)\b", shown), shown


@pytest.mark.parametrize("text", ["", "Device or resource busy", "/dev/nbd0", "a {0} b", "x" * 5000, ": ", "(" * 200])
def test_what_is_not_known_stays(text: str, german: None) -> None:
    assert said(text) == text


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


def test_every_form_finds_itself(german: None) -> None:
    """No form hides behind a more literal one."""
    for form in TOOL.sentences():
        text = PLACE.sub("§", form)
        translated = PLACE.sub("§", QCoreApplication.translate(i18n.HELPER, form))
        assert said(text) == translated, form
