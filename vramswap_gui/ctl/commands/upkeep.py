# SPDX-License-Identifier: MIT
"""The commands for whoever looks after a machine."""

from __future__ import annotations

import argparse
import dataclasses

from vramswap_gui.ctl.helper import helper
from vramswap_gui.ctl.output import say, say_json, show_progress
from vramswap_gui.doctor.machine import Verdict
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.settings import setting
from vramswap_gui.text import language


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

    say("\n".join(await install.install(options.root)))


async def remove(options: argparse.Namespace) -> None:
    """``uninstall``."""
    from vramswap_gui.ctl import install

    say("\n".join(await install.uninstall(options.root)))


async def bench(options: argparse.Namespace) -> None:
    """``bench``."""
    from vramswap_gui.bench import codecs, present, suite, verdict

    if options.codecs:
        survey = codecs.survey(_progress_bar)
        if options.json:
            say_json(survey.as_dict())
        else:
            say(codecs.table(survey))
        return
    size = setting("size").parse(options.size)
    assert isinstance(size, int)
    if size == 0 or not (0 < options.seconds <= 60 and 1 <= options.runs <= 20 and 1 <= options.threads <= 64):
        raise VramswapError(Problem.BENCH_OPTIONS)
    plan = suite.Plan(
        size, options.seconds, options.runs, options.threads, options.gpu, options.disk, not options.no_verify,
        suite.QUICK if options.quick else suite.SCENARIOS,
    )  # fmt: skip
    report = await suite.measure(plan, _progress_bar)
    if options.svg is not None:
        try:
            options.svg.write_text(present.chart(report), encoding="utf-8")
        except OSError as error:
            raise VramswapError(Problem.FILE_NOT_WRITTEN, path=str(options.svg), why=str(error.strerror)) from None
    if options.json:
        found = verdict.verdict(report)
        say_json(report.as_dict() | {"verdict": dataclasses.asdict(found) if found else None})
    else:
        say(present.table(report))


def _progress_bar(share: float, what: str) -> None:
    width = 30
    bar = "█" * round(share * width) + "░" * (width - round(share * width))
    show_progress(f"{bar} {what}" if share < 1 else "")
