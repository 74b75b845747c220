# SPDX-License-Identifier: MIT
"""Reasons and errors as codes: over the wires and back, whatever comes; and in words, in every language there is."""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui import forms
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.bus.connection import plain, sealed
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.forms import PLACE, Argument, Kind
from vramswap_gui.text import language
from vramswap_gui.text.language import ENGLISH, Language
from vramswap_gui.units import GIB, MIB

ENOUGH = Reason.of(ReasonCode.ENOUGH)
#: Its remedy has an argument that its message has not.
INNER = VramswapError(Problem.GPU_UNKNOWN, given="7", known="–")


def sample(form: str) -> dict[str, Argument]:
    """Arguments for a form."""
    values: dict[Kind, Argument] = {Kind.SIZE: GIB, Kind.NUMBER: 7, Kind.TEXT: "/dev/nbd0", Kind.SAID: ENOUGH}
    return {name: values[kind] for name, kind in forms.places(form).items()}


def every_form() -> Iterator[str]:
    for code in ReasonCode:
        yield code.form
    for problem in Problem:
        yield from filter(None, (problem.form, problem.remedy))


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_goes_over_the_wire_and_has_words(code: ReasonCode) -> None:
    reason = Reason(code, sample(code.form))
    for wire in (json.loads(json.dumps(forms.as_dict(reason))), plain(sealed(forms.typed(reason)))):
        assert Reason.from_wire(wire) == reason
        assert hash(Reason.from_wire(wire)) == hash(reason)
    words = ENGLISH.say(reason)
    assert words and "{" not in words
    assert code == "unknown" or (words[0].isupper() or words[0].isdigit()) is words.endswith(".") or words[0].isdigit()


@pytest.mark.parametrize("problem", Problem)
def test_every_error_goes_over_the_wire_and_has_words(problem: Problem) -> None:
    arguments: dict[str, Any] = sample(f"{problem.form} {problem.remedy}")
    if "outcome" in arguments:
        # Of the command line alone, which sends it nowhere.
        return
    arguments = {name: INNER if value is ENOUGH else value for name, value in arguments.items()}
    error = VramswapError(problem, **arguments)
    assert error.code is problem.category
    assert VramswapError.from_dict(json.loads(json.dumps(error.as_dict()))) == error
    assert VramswapError.from_wire(plain(sealed(error.to_wire()))) == error
    assert "{" not in str(error)
    assert (ENGLISH.say(error), ENGLISH.say(error.advice)) == (error.message, error.remedy)
    # What programs match is the category; each has one at least, but for what only clients say.
    assert isinstance(problem.category, ErrorCode)


def test_a_reason_in_a_reason() -> None:
    why = Reason.of(ReasonCode.UNTIL_NOW, why=Reason.of(ReasonCode.OTHER_PROGRAM_USES, used=1536 * MIB))
    reason = Reason.of(ReasonCode.LENT_LESS, size=512 * MIB, goal=2 * GIB, why=why)
    assert ENGLISH.say(reason) == "512 MiB of 2 GiB: until a moment ago another program uses 1.5 GiB of VRAM."
    shouted = Language(str.upper, lambda size: f"{size >> 20}M")
    assert shouted.say(reason).startswith("{SIZE:SIZE} OF")
    german = Language({"{size:size} of {goal:size}: {why:said}.": "{why:said}; {goal:size}, {size:size}"}.get, str)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        # A lookup gives a form for every form.
        german.say(reason)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (ReasonCode.LENT, {}),
        (ReasonCode.LENT, {"size": -1}),
        (ReasonCode.LENT, {"size": True}),
        (ReasonCode.LENT, {"size": "1"}),
        (ReasonCode.OFF, {"size": 1}),
        (ReasonCode.SHORT_BUT, {"why": "because"}),
    ],
)
def test_arguments_that_do_not_belong(code: ReasonCode, arguments: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Reason(code, arguments)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "arguments", "why", "size", "problem", "message", "x"]), inner)
    ),
    max_leaves=12,
)


@given(JSON | st.fixed_dictionaries({"code": st.sampled_from([*ReasonCode, "new"]), "arguments": JSON}))
def test_any_reason_that_comes_has_words(wire: Any) -> None:
    words = ENGLISH.say(Reason.from_wire(wire))
    assert words.isprintable()


@given(st.dictionaries(st.text(max_size=5), JSON) | st.fixed_dictionaries(
    {"code": JSON, "message": JSON, "problem": st.sampled_from([*Problem, "new"]), "arguments": JSON}
))  # fmt: skip
def test_any_error_that_comes_is_an_error(fields: dict[str, object]) -> None:
    error = VramswapError.from_dict(fields)
    assert isinstance(error.code, ErrorCode)
    assert ENGLISH.say(error) and isinstance(ENGLISH.say(error.advice), str)


def test_a_newer_helper_is_understood_as_far_as_can_be() -> None:
    newer = Reason.from_wire({"code": "moon-is-full", "arguments": {"phase": 1}})
    assert ENGLISH.say(newer) == "The reason has no words in this version (moon-is-full)."
    more = Reason.from_wire({"code": "lent", "arguments": {"size": GIB, "since": 5}})
    assert ENGLISH.say(more) == "1 GiB of VRAM are lent as swap."
    fields = {"code": "WontFit", "message": "In words.", "remedy": "Do.", "problem": "new", "arguments": {}}
    assert str(VramswapError.from_dict(fields)) == "In words. Do."
    told = VramswapError.from_wire(["OutOfVram", "new", {}])
    assert told is not None and (told.code, told.message) == (ErrorCode.OUT_OF_VRAM, ErrorCode.OUT_OF_VRAM.doc)


def test_texts_from_elsewhere_are_one_plain_line() -> None:
    error = VramswapError(Problem.DEVICE_IS_SWAP, device="/dev/\x1b[31m\nnbd\udcff0")
    assert error.message == "/dev/\\x1b[31m\\nnbd\\xff0 is in use as swap."
    long = VramswapError(Problem.DEVICE_IS_SWAP, device="x" * 10_000)
    assert len(long.message) < 600
    # What looks like a place is none.
    odd = VramswapError(Problem.CONFIG_BROKEN, path="{why:text}", why="{path:text}")
    assert odd.message == "{why:text}: {path:text}."


@pytest.mark.parametrize("code", ["de", "fr"])
def test_a_language_has_all_forms_with_their_places(code: str) -> None:
    catalogue = gettext.translation(language.DOMAIN, language.FOLDER, [code])
    known = set(catalogue._catalog)  # type: ignore[attr-defined]
    for form in every_form():
        if not re.search("[A-Za-z]{2}", PLACE.sub("", form)):
            continue
        assert form in known, form
        assert sorted(PLACE.findall(catalogue.gettext(form))) == sorted(PLACE.findall(form)), form


def test_the_readers_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    reason = Reason.of(ReasonCode.LENT, size=GIB)
    for value, begin in {"de_AT.UTF-8": "1 GiB VRAM", "C": "1 GiB of", "tr_TR": "1 GiB of", "": "1 GiB of"}.items():
        monkeypatch.setenv("LANG", value)
        assert language.of().say(reason).startswith(begin), value
    good = (language.FOLDER / "de/LC_MESSAGES/vramswap.mo").read_bytes()
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    for number, bad in enumerate((b"nonsense", b"", good[:40], good[:4] + b"\xff" * 24, b"\xff" * 100)):
        broken = tmp_path / str(number) / "de/LC_MESSAGES/vramswap.mo"
        broken.parent.mkdir(parents=True)
        broken.write_bytes(bad)
        assert language.of(folder=tmp_path / str(number)).say(reason).startswith("1 GiB of")


def test_codes_are_words_for_programs() -> None:
    for code in (*ReasonCode, *Problem):
        assert code.value == code.name.lower().replace("_", "-")
