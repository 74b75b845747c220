# SPDX-License-Identifier: MIT
"""The commands for whoever looks after a machine."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Set
from typing import Final

from vramswap_gui.api.reasons import NO_DRIVER, Reason
from vramswap_gui.ctl.helper import helper
from vramswap_gui.ctl.output import say, say_json, show_progress
from vramswap_gui.ctl.pause import paused
from vramswap_gui.doctor.machine import Verdict
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import as_dict
from vramswap_gui.settings import setting
from vramswap_gui.text import language

#: What goes with a measurement of another kind than the usual one.
_BESIDE: Final = {"pressure": frozenset({"others", "size", "json"}), "codecs": frozenset({"json"})}
#: What goes with nothing else.
_ONLY_BESIDE: Final = frozenset({"others"})
#: Whoever measures need not have the helper installed.
_DRIVER_SECONDS: Final = 5.0


async def doctor(options: argparse.Namespace) -> int:
    """``doctor``. Returns 1 when something is missing."""
    from vramswap_gui.doctor import checks, helper_check

    found = checks.look()
    try:
        async with helper() as client:
            found += [check(client.status) for check in helper_check.ALL]
    except VramswapError as error:
        found.append(helper_check.helper(error))
    if options.json:
        say_json([check.as_dict() for check in found])
    else:
        reader = language.of()
        names = [reader.say(check.name) for check in found]
        width = max(map(len, names))
        for check, name in zip(found, names, strict=True):
            say(f"{check.verdict:<8} {name:<{width}}  {reader.say(check.found)}")
            if remedy := reader.say(check.remedy):
                say(f"{'':<8} {'':<{width}}  → {remedy}")
    return int(any(check.verdict is Verdict.FAILED for check in found))


async def report(options: argparse.Namespace) -> None:
    """``report``."""
    from vramswap_gui.doctor import report

    say((await report.compose()).rstrip("\n"))


async def place(options: argparse.Namespace) -> None:
    """``install``."""
    from vramswap_gui.ctl import install

    placed = await install.install(options.root)
    say("\n".join(placed))
    say(f"{len(placed)} files are in place. `vramswapctl doctor` says whether anything is missing.")


async def remove(options: argparse.Namespace) -> None:
    """``uninstall``."""
    from vramswap_gui.ctl import install

    removed = await install.uninstall(options.root)
    say("\n".join(removed))
    say(f"{len(removed)} files are removed; the settings stay.")


async def bench(options: argparse.Namespace) -> None:
    """``bench``."""
    _require_together(options)
    if options.pressure:
        await _pressure(options)
        return
    if options.codecs:
        _codecs(options)
        return
    from vramswap_gui.bench import present, suite, verdict

    size = _size("1G" if options.size is None else options.size)
    if not (0 < options.seconds <= 60 and 1 <= options.runs <= 20 and 1 <= options.threads <= 64):
        raise VramswapError(Problem.BENCH_OPTIONS)
    plan = suite.Plan(
        size, options.seconds, options.runs, options.threads, options.gpu, options.disk, not options.no_verify,
        suite.QUICK if options.quick else suite.SCENARIOS,
    )  # fmt: skip
    report = await suite.measure(plan, _progress_bar)
    transport, why = await _driver()
    if options.svg is not None:
        try:
            options.svg.write_text(present.chart(report), encoding="utf-8")
        except OSError as error:
            raise VramswapError(Problem.FILE_NOT_WRITTEN, path=str(options.svg), why=str(error.strerror)) from None
    if options.json:
        found = verdict.verdict(report)
        driver = {"transport": transport, "transport_reason": as_dict(why)}
        say_json(report.as_dict() | driver | {"verdict": dataclasses.asdict(found) if found else None})
    else:
        say(present.table(report))
        say(language.of().say(present.driver(transport, why)))


def _require_together(options: argparse.Namespace) -> None:
    """Raises VramswapError where an option was given that would mean nothing."""
    given: Set[str] = options.given
    kind = next((kind for kind in _BESIDE if kind in given), "")
    if (given - {kind} - _BESIDE[kind]) if kind else (given & _ONLY_BESIDE):
        raise VramswapError(Problem.BENCH_OPTIONS)


async def _driver() -> tuple[str, Reason]:
    """By which of the kernel's drivers VRAM is swap here, and why; what is measured goes by neither."""
    with contextlib.suppress(VramswapError):
        async with helper(_DRIVER_SECONDS) as client:
            return client.status.transport, client.status.transport_reason
    return "", NO_DRIVER


def _codecs(options: argparse.Namespace) -> None:
    from vramswap_gui.bench import codecs

    survey = codecs.survey(_progress_bar)
    if options.json:
        say_json(survey.as_dict())
    else:
        say(codecs.table(survey))


async def _pressure(options: argparse.Namespace) -> None:
    from vramswap_gui.bench import pressure, pressure_text

    reader = language.of()
    asked = pressure.USUAL if options.size is None else _size(options.size)
    async with helper() as client:
        devices = {segment.device for segment in client.status.segments}
        found = await pressure.measure(
            asked, devices,
            lambda share, place: _progress_bar(share, reader.say(pressure_text.name(place))),
            (lambda: paused(client)) if options.others else None,
        )  # fmt: skip
    if options.json:
        say_json(found.as_dict())
    else:
        say(pressure_text.table(found, reader.say))


def _size(text: str) -> int:
    size = setting("size").parse(text)
    assert isinstance(size, int)
    if size == 0:
        raise VramswapError(Problem.BENCH_OPTIONS)
    return size


def _progress_bar(share: float, what: str) -> None:
    width = 30
    bar = "█" * round(share * width) + "░" * (width - round(share * width))
    show_progress(f"{bar} {what}" if share < 1 else "")
