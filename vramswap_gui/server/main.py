# SPDX-License-Identifier: MIT
"""The command ``vramswap-server``: the data plane."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.api.control import ControlVerb, outcome
from vramswap_gui.api.reasons import NO_DRIVER, Reason, ReasonCode
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import UBLK
from vramswap_gui.server import ipc, lock
from vramswap_gui.server.control_server import ControlServer
from vramswap_gui.server.engine.main import EngineOptions
from vramswap_gui.server.exports.base import Exports
from vramswap_gui.server.exports.nbd_socket import NbdSocketExports
from vramswap_gui.server.memlock import (
    bring_home,
    go_first,
    go_with_the_others,
    keep_private,
    nobody_depends_on_us,
    outlive_shutdown,
    require_resident,
)
from vramswap_gui.server.messages import Event, Transport
from vramswap_gui.server.packing import Compression, Packing, extent
from vramswap_gui.server.supervisor import kernel_cache, reexec, sentry
from vramswap_gui.server.supervisor.counters import MAX_WORKERS, Counters
from vramswap_gui.server.supervisor.event_log import ServerEventLog
from vramswap_gui.server.supervisor.keeper import check_size
from vramswap_gui.server.supervisor.memory_reserve import MemoryReserve, reserve_size
from vramswap_gui.server.supervisor.reexec import Legacy, adopted, resumed
from vramswap_gui.server.supervisor.runner import Runner
from vramswap_gui.server.supervisor.watermarks import WatermarkBoost
from vramswap_gui.system import devices, process
from vramswap_gui.system.journald import Journal
from vramswap_gui.units import parse_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the exit status is 0 done, 1 failed (one line on stderr), 2 usage."""
    options = _parse(arguments)
    if options.end_strays is not None:
        return _end_strays(options.end_strays)
    if options.understands is not None:
        return _understands(options.understands)
    process.call_it("vramswap-keeper")
    events = ServerEventLog(Journal("vramswap-server", plain=False))
    try:
        asyncio.run(_serve(options, events))
    except VramswapError as error:
        if options.report is not None:
            _report(options.report, outcome(error))
        print(f"vramswap-server: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"vramswap-server: {error.strerror}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return 1
    return 0


def _target(text: str) -> int | Path:
    return int(text) if text.isdecimal() else Path(text)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _threads(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"“{text[:20]}” is not a number from 1 to {MAX_WORKERS}")
    return int(text)


@dataclass(frozen=True, slots=True)
class _Place:
    """With what an option means something: as people are told, and whether that was asked for."""

    name: str
    holds: Callable[[argparse.Namespace], bool]


@dataclass(frozen=True, slots=True)
class _Option:
    """An option beside that which says what to do: names and keywords of ``add_argument``, and where it belongs."""

    name: str
    place: _Place
    how: Mapping[str, Any]
    #: "": it is not for people.
    help: str = ""

    @property
    def dest(self) -> str:
        """What the parser calls it."""
        return self.name.lstrip("-").replace("-", "_")


_LISTEN: Final = _Place("--listen", lambda options: options.listen is not None)
_CONTROL: Final = _Place("--control", lambda options: options.control is not None)
_SERVING: Final = _Place(f"{_CONTROL.name} or {_LISTEN.name}", lambda o: _CONTROL.holds(o) or _LISTEN.holds(o))
_PACKED: Final = _Place(
    f"{_LISTEN.name} and --compression", lambda o: _LISTEN.holds(o) and o.compression != Compression.OFF
)
_KERNEL: Final = _Place(
    f"{_CONTROL.name} and kernel block devices", lambda o: _CONTROL.holds(o) and o.attach == "kernel"
)

_OPTIONS: Final = (
    _Option("--size", _LISTEN, {"metavar": "SIZE", "type": _size}, "how much VRAM to serve, such as 8G"),
    _Option("--compression", _SERVING, {"choices": tuple(Compression), "default": Compression.OFF},
            "pack the pages of new segments by this codec (%(default)s)"),
    _Option("--vram", _PACKED, {"metavar": "SIZE", "type": _size, "default": 0},
            "so much VRAM and no more (default: what holds pages of any kind)"),
    _Option("--gpu", _SERVING, {"metavar": "N|PCI|UUID", "default": ""}, "the GPU to use (default: the first)"),
    _Option("--threads", _SERVING, {"metavar": "N", "type": _threads, "default": min(8, os.cpu_count() or 1)},
            "worker threads (%(default)s)"),
    _Option("--attach", _CONTROL, {"metavar": "kernel|DIR", "default": "kernel"},
            "make kernel block devices, or Unix sockets DIR/nbdN that simulate them (%(default)s)"),
    _Option("--transport", _KERNEL, {"choices": ("auto", *Transport), "default": "auto"},
            "by which of the kernel's drivers (%(default)s)"),
    # For the helper, which has to know how a start went and, when it failed, in which of the typed ways.
    _Option("--report", _SERVING, {"metavar": "FD|PATH", "type": _target}),
    # For a measurement, which may be killed: a pipe whose end is this server's end, too.
    _Option("--as-long-as", _LISTEN, {"metavar": "FD", "type": int}),
    # For the server itself, when it becomes a newer program.
    _Option("--resume", _CONTROL, {"metavar": "FD", "type": int}),
)  # fmt: skip


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for. Ends the process after ``--help`` and a usage error."""
    parser = _parser()
    options, _ = parser.parse_known_args(arguments)
    if _CONTROL.holds(options) and options.resume is not None:
        # An older program took what it was started with, and its pages depend on this one.
        return options
    # Once more, without defaults, which are for what is not there yet; and what is not known is refused.
    absent = object()
    given = parser.parse_args(arguments, argparse.Namespace(**{option.dest: absent for option in _OPTIONS}))
    lost = [
        option for option in _OPTIONS if getattr(given, option.dest) is not absent and not option.place.holds(options)
    ]
    if lost:
        parser.error("; ".join(f"{option.name} means nothing without {option.place.name}" for option in lost))
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vramswap-server", description="Serve VRAM as block devices over NBD or ublk.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--control", metavar="PATH", type=Path, help="obey the helper on this Unix socket")
    what.add_argument("--listen", metavar="PATH", type=Path, help="serve one export on this Unix socket; needs no root")
    # For the unit's end.
    what.add_argument("--end-strays", metavar="PATH", type=Path, help=argparse.SUPPRESS)
    # For the helper, before an older program becomes this one.
    what.add_argument("--understands", metavar="FORMAT", type=int, help=argparse.SUPPRESS)
    for option in _OPTIONS:
        # Both that serve are all that people are told of.
        with_what = "" if option.place is _SERVING else f"with {option.place.name}: "
        parser.add_argument(
            option.name, help=f"{with_what}{option.help}" if option.help else argparse.SUPPRESS, **option.how
        )
    return parser


def _report_ready(options: argparse.Namespace) -> None:
    if options.report is not None:
        _report(options.report, outcome())
        options.report = None
    _notify("READY=1")


def _report(target: int | Path, line: str) -> None:
    """One line of JSON about the start. Nobody need be listening any more."""
    with contextlib.suppress(OSError), os.fdopen(target, "w") if isinstance(target, int) else target.open("w") as file:
        file.write(line)


def _notify(state: str) -> None:
    """Tell systemd, if this is a unit of Type=notify (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


async def _serve(options: argparse.Namespace, events: ServerEventLog) -> None:
    keep_private()
    if options.listen is not None:
        await _serve_export(options, events)
    else:
        await _serve_control(options, events)


async def _serve_export(options: argparse.Namespace, events: ServerEventLog) -> None:
    if options.size is None:
        raise VramswapError(Problem.SIZE_MISSING)
    check_size(options.size)
    if options.as_long_as is not None:
        _end_with(options.as_long_as)
    cubin = await kernel_cache.made(options.gpu, None)
    packing = Packing(Compression(options.compression), options.threads, promised=True)
    engine = EngineOptions(
        options.gpu, options.threads, resident=False, counters=Counters(), cubin=cubin, packing=packing
    )
    runner = Runner(
        lambda report: NbdSocketExports(report, "socket", lambda index: options.listen),
        engine,
        MemoryReserve(0),
        events,
    )
    _on_signal(runner.drain)
    runner.start()
    await runner.ready
    try:
        if packing.codec:
            await runner.ask(ControlVerb.EXTEND, size=extent(options.size, options.vram, options.threads))
        await runner.ask(ControlVerb.ADD, size=options.size)
    except VramswapError:
        runner.drain()
        await runner.finished
        raise
    _report_ready(options)
    await runner.finished


async def _serve_control(options: argparse.Namespace, events: ServerEventLog) -> None:
    resident = options.attach == "kernel"
    folder: Path = options.control.parent
    legacy: Legacy | None = None
    # Held until this process ends, or becomes another program.
    alone = lock.take(folder)
    if resident:
        require_resident()
        outlive_shutdown()
    if options.resume is not None:
        # The program before went first, and its engine serves while this one comes up.
        go_with_the_others()
        legacy = resumed(options.resume)
    else:
        legacy = adopted(folder, None if resident else Path(options.attach))
    reserve = MemoryReserve(reserve_size() if resident else 0)
    depended_on = legacy is not None or (resident and _may_be_swapped_on())
    if legacy is not None and resident:
        bring_home()
    # While others already swap on it there is no memory to compile anything with.
    cubin = kernel_cache.kept(options.gpu, folder) if depended_on else await _made(options, folder, reserve)
    counters = Counters(legacy.counters if legacy is not None else None)
    watched = legacy.sentry if legacy is not None else -1
    transport, why = (Transport.NBD, NO_DRIVER)
    if resident:
        there = legacy.inheritance.segments if legacy is not None else ()
        transport, why = choose(options.transport, [segment.device for segment in there])
        if watched < 0:
            watched = sentry.start(folder, reserve.disown)
        _give_up([segment.ident for segment in there])
    # What is packed there is read by that.
    compression = Compression((legacy.compression if legacy is not None else "") or options.compression)
    packing = Packing(compression, options.threads)
    engine = EngineOptions(options.gpu, options.threads, resident, counters, folder, watched, cubin, transport, packing)
    if resident:
        # So do the threads that are started now, which give devices their connections.
        go_first()
    runner = Runner(lambda report: _exports(options, transport, report), engine, reserve, events, why)
    if legacy is not None:
        go_with_the_others()
    _on_signal(runner.drain)
    runner.start(legacy)
    await runner.ready
    await _answer(options, runner)
    alone.close()


async def _made(options: argparse.Namespace, folder: Path, reserve: MemoryReserve) -> bytes:
    """The copy kernel of a server that takes nothing over, which then has the memory that its engine needs. Raises
    VramswapError MEMORY_SHORT."""
    if options.attach != "kernel":
        return await kernel_cache.made(options.gpu, folder)
    with nobody_depends_on_us():
        reserve.require()
        cubin = await kernel_cache.made(options.gpu, folder)
        reserve.fill()
    return cubin


def _may_be_swapped_on() -> bool:
    """Whether there are devices of ours, or may be: though no page of theirs is left, whoever is swapped out to one
    waits until its end is known."""
    try:
        return bool(devices.found())
    except (VramswapError, OSError):
        return True


async def _answer(options: argparse.Namespace, runner: Runner) -> None:
    """Do what is asked for over the control socket, until nothing depends on the server. Raises OSError."""
    boost = WatermarkBoost(options.control.parent)
    if options.attach == "kernel":
        boost.forgo()
    control = ControlServer(runner)
    try:
        await control.start(options.control)
        _report_ready(options)
        await runner.finished
    finally:
        await control.close()
        options.control.unlink(missing_ok=True)
        boost.restore()


def choose(
    wanted: str, made: Sequence[str], tried: Callable[[], VramswapError | None] | None = None
) -> tuple[Transport, Reason]:
    """By which of the kernel's drivers devices are made, and why. Raises VramswapError NO_UBLK.

    ``made``: the devices of segments that are there, "" for one that has none. ``tried`` says what is in the way of
    ublk.
    """
    from vramswap_gui.server.exports import ublk

    there = next(filter(None, made), None)
    if there is not None:
        # One keeper has one kind.
        found = Transport.UBLK if there.startswith(UBLK) else Transport.NBD
        return found, Reason(ReasonCode.DRIVER_KEPT)
    if wanted == Transport.NBD:
        return Transport.NBD, Reason(ReasonCode.DRIVER_SET)
    unusable = (tried or ublk.unusable)()
    if unusable is None:
        return Transport.UBLK, Reason(ReasonCode.DRIVER_BEST if wanted == "auto" else ReasonCode.DRIVER_SET)
    if wanted == Transport.UBLK:
        raise unusable
    return Transport.NBD, Reason(ReasonCode(unusable.problem.value), unusable.arguments)


def _give_up(kept: Collection[str]) -> None:
    """What no engine holds any more is lost, and whoever waits for it may be the helper. Of NBD's devices the kernel
    does not tell whether somebody serves them: those the helper takes away (helper/segments.py)."""
    from vramswap_gui.server.exports import ublk

    with contextlib.suppress(VramswapError, OSError):
        for device in ublk.end_strays(kept=kept):
            _say_lost(device)


def _say_lost(device: str) -> None:
    print(f"vramswap-server: nobody serves {device} any more; what was on it is lost", file=sys.stderr)


def _exports(options: argparse.Namespace, transport: Transport, report: Callable[[Event], None]) -> Exports:
    if options.attach == "kernel" and transport is Transport.UBLK:
        from vramswap_gui.server.exports.ublk import UblkExports

        return UblkExports(report, options.control.parent / "ublk")
    if options.attach == "kernel":
        # Only root can use it, and --listen has no need of netlink.
        from vramswap_gui.server.exports.nbd_kernel import NbdKernelExports

        return NbdKernelExports(report)
    folder = Path(options.attach)
    return NbdSocketExports(report, str(folder), lambda index: folder / f"nbd{index}")


def _understands(format: int) -> int:
    """Whether this program can go on with what another leaves. That it gets here says that it can be started at all."""
    if reexec.understands(format):
        return 0
    print(f"vramswap-server: what it leaves has format {format}, which {__version__} does not know", file=sys.stderr)
    return 1


def _end_strays(control: Path) -> int:
    """For the unit's end: when keeper and engine are both gone, whoever waits for a page is told that it is lost.

    An engine that outlived its keeper still serves; whoever starts the server again has it taken over.
    """
    from vramswap_gui.server.exports import ublk
    from vramswap_gui.server.exports.nbd_kernel import end_strays

    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(control)) == 0:
            # Another one is there already.
            return 0
    alive = ipc.engines(control.parent)
    if alive:
        # Also one that hangs: what it holds is not lost.
        print(f"vramswap-server: the engine {alive[0]} serves on without its keeper", file=sys.stderr)
        return 0
    try:
        for device in (*end_strays(), *ublk.end_strays()):
            print(device)
            _say_lost(device)
    except (VramswapError, OSError) as error:
        print(f"vramswap-server: {error}", file=sys.stderr)
        return 1
    return 0


def _end_with(pipe: int) -> None:
    """Once nobody has the other end of a pipe any more, end as by SIGTERM: at once, or after what there is to wipe."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(pipe)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(pipe, ended)


def _on_signal(action: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, action)


if __name__ == "__main__":
    sys.exit(main())
