# SPDX-License-Identifier: MIT
"""The commands of every day: on, off, how much, and what is going on."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime

from vramswap_gui.api.dbus import COMMANDS, LONGEST_PAUSE
from vramswap_gui.api.status import Mode, State, Status
from vramswap_gui.client import Client
from vramswap_gui.ctl import describe
from vramswap_gui.ctl.helper import helper
from vramswap_gui.ctl.output import say, say_json, show_progress
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.settings import setting
from vramswap_gui.text import language
from vramswap_gui.units import format_size, parse_duration

#: How full segments are changes without a word from the helper.
_LOOK_SECONDS = 1.0


async def status(options: argparse.Namespace) -> None:
    """``status``."""
    async with helper() as client:
        if options.json:
            say_json(client.status.as_dict())
        else:
            say(describe.full(client.status, options.verbose))


async def on(options: argparse.Namespace) -> None:
    """``on``."""
    async with helper() as client:
        await _turn(client, True)


async def off(options: argparse.Namespace) -> None:
    """``off``."""
    async with helper() as client:
        await _turn(client, False)


async def toggle(options: argparse.Namespace) -> None:
    """``toggle``."""
    async with helper() as client:
        await _turn(client, not (client.status.segments or client.status.state is State.STARTING))


async def _turn(client: Client, wanted: bool) -> None:
    _follow(client)
    await (client.start() if wanted else client.stop())
    say(describe.line(await client.refresh()))


async def ask(options: argparse.Namespace) -> None:
    """A command that is a verb of the helper's and no more."""
    async with helper() as client:
        await client.do(COMMANDS[options.command])


async def size(options: argparse.Namespace) -> None:
    """``size``."""
    declared = setting("size")
    wanted = None if options.size is None else declared.parse(options.size)
    async with helper() as client:
        if wanted is None:
            say(declared.show(client.status.wanted))
            return
        _follow(client)
        await client.resize(int(wanted))
        now = await client.refresh()
        say(
            describe.line(now)
            if now.state is not State.OFF
            else f"The size is {declared.show(wanted)} from the next start on."
        )


async def mode(options: argparse.Namespace) -> None:
    """``mode``."""
    async with helper() as client:
        if options.mode is None:
            say(str(client.status.mode))
            return
        _follow(client)
        await client.set_mode(Mode(options.mode))
        say(describe.line(await client.refresh()))


async def pause(options: argparse.Namespace) -> None:
    """``pause``."""
    try:
        seconds = 0 if options.duration == "off" else parse_duration(options.duration)
    except ValueError:
        raise VramswapError(Problem.NO_DURATION, text=options.duration) from None
    if seconds > LONGEST_PAUSE:
        # What is far longer could not even be asked for.
        raise VramswapError(Problem.PAUSE_TOO_LONG, longest=LONGEST_PAUSE)
    async with helper() as client:
        _follow(client)
        await client.pause(seconds)
        say(describe.line(await client.refresh(), language.of()))


async def battery(options: argparse.Namespace) -> None:
    """``battery``."""
    async with helper() as client:
        _follow(client)
        await client.use_battery(options.wanted != "off")
        say(describe.line(await client.refresh(), language.of()))


async def activity(options: argparse.Namespace) -> None:
    """``activity``."""
    async with helper() as client:
        found = await client.get_activity()
    if options.json:
        say_json(dataclasses.asdict(found))
        return
    for entry in found.entries:
        at = datetime.datetime.fromtimestamp(entry.at)
        say(f"{at:%Y-%m-%d %H:%M:%S}  {entry.sentence}")
    say(describe.today(found.today))


async def watch(options: argparse.Namespace) -> None:
    """``watch``: a line for every change, until the helper is gone or somebody has seen enough."""
    async with helper() as client:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        shown = ""

        def end(error: Exception) -> None:
            if not lost.done():
                lost.set_exception(error)

        def show(status: Status) -> None:
            nonlocal shown
            now = datetime.datetime.now().astimezone().replace(microsecond=0)
            if options.json:
                say_json({"time": now.isoformat(), **status.as_dict()}, in_one_line=True)
            elif (line := _watched(status)) != shown:
                shown = line
                say(f"{now:%H:%M:%S}  {line}")

        def heard(status: Status) -> None:
            try:
                show(status)
            except (VramswapError, OSError) as error:
                # There is nobody else to tell that nobody reads any more.
                end(error)

        client.on_lost(end)
        client.subscribe(heard)
        show(client.status)
        while not lost.done():
            await asyncio.wait([lost], timeout=_LOOK_SECONDS)
            before = client.status
            if not lost.done() and before.segments and await client.refresh() != before:
                show(client.status)
        await lost


def _watched(status: Status) -> str:
    use = f"{format_size(status.used)} of {format_size(status.size)} used" if status.segments else ""
    reader = language.of()
    parts = (describe.line(status, reader), use, describe.error(status, reader))
    return "  ".join(part for part in parts if part)


def _follow(client: Client) -> None:
    """Show what the helper is busy with, which may be what somebody else asked for before."""

    def show(status: Status) -> None:
        show_progress(describe.line(status) if status.state.busy else "")

    client.subscribe(show)
    show(client.status)
