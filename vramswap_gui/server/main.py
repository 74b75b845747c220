"""The command ``vramswap-server``: the data plane."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server.control_server import ControlServer
from vramswap_gui.server.engine.main import EngineOptions
from vramswap_gui.server.exports.base import Exports
from vramswap_gui.server.exports.nbd_socket import NbdSocketExports
from vramswap_gui.server.memlock import bring_home, go_first, outlive_shutdown, require_resident
from vramswap_gui.server.supervisor.counters import MAX_WORKERS, Counters
from vramswap_gui.server.supervisor.event_log import ServerEventLog
from vramswap_gui.server.supervisor.keeper import Keeper, check_size
from vramswap_gui.server.supervisor.memory_reserve import MemoryReserve
from vramswap_gui.server.supervisor.reexec import resumed
from vramswap_gui.system import process
from vramswap_gui.system.journald import Journal
from vramswap_gui.units import MIB, parse_size

#: What an engine needs to start, apart from what it shares with its keeper.
_BALLAST: Final = 32 * MIB


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the exit status is 0 done, 1 failed (one line on stderr), 2 usage."""
    options = _parser().parse_args(arguments)
    process.call_it("vramswap-keeper")
    events = ServerEventLog(Journal("vramswap-server", plain=False))
    try:
        asyncio.run(_serve(options, events))
    except VramswapError as error:
        if options.report is not None:
            _report(options.report, {"error": error.as_dict()})
        print(f"vramswap-server: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"vramswap-server: {error.strerror}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vramswap-server", description="Serve VRAM as block devices over NBD.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--control", metavar="PATH", type=Path, help="obey the helper on this Unix socket")
    what.add_argument("--listen", metavar="PATH", type=Path, help="serve one export on this Unix socket; needs no root")
    parser.add_argument("--size", metavar="SIZE", type=_size, help="with --listen: how much VRAM to serve, such as 8G")
    parser.add_argument("--gpu", metavar="N|PCI|UUID", default="", help="the GPU to use (default: the first)")
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_threads,
        default=min(8, os.cpu_count() or 1),
        help="worker threads (%(default)s)",
    )
    parser.add_argument(
        "--attach",
        metavar="kernel|DIR",
        default="kernel",
        help="with --control: make kernel block devices, or Unix sockets DIR/nbdN that simulate them (%(default)s)",
    )
    # For the helper, which has to know how a start went and, when it failed, in which of the typed ways.
    parser.add_argument("--report", metavar="FD|PATH", type=_target, help=argparse.SUPPRESS)
    # For the server itself, when it becomes a newer program.
    parser.add_argument("--resume", metavar="FD", type=int, help=argparse.SUPPRESS)
    return parser


def _report_ready(options: argparse.Namespace) -> None:
    if options.report is not None:
        _report(options.report, {"result": {}})
        options.report = None
    _notify("READY=1")


def _report(target: int | Path, outcome: dict[str, Any]) -> None:
    """One line of JSON about the start. Nobody need be listening any more."""
    with contextlib.suppress(OSError), os.fdopen(target, "w") if isinstance(target, int) else target.open("w") as file:
        file.write(json.dumps(outcome) + "\n")


def _notify(state: str) -> None:
    """Tell systemd, if this is a unit of Type=notify (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


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


async def _serve(options: argparse.Namespace, events: ServerEventLog) -> None:
    if options.listen is not None:
        await _serve_export(options, events)
    else:
        await _serve_control(options, events)


async def _serve_export(options: argparse.Namespace, events: ServerEventLog) -> None:
    if options.size is None:
        raise VramswapError(ErrorCode.INVALID_ARGUMENT, "--listen needs --size.", "For example: --size 1G")
    check_size(options.size)
    engine = EngineOptions(options.gpu, options.threads, resident=False, counters=Counters())
    keeper = Keeper(NbdSocketExports("socket", lambda index: options.listen), engine, MemoryReserve(0), events)
    stopping = asyncio.Event()
    _on_signal(stopping.set)
    await keeper.start()
    try:
        await keeper.add(options.size)
        _report_ready(options)
        await stopping.wait()
    finally:
        await keeper.close()


async def _serve_control(options: argparse.Namespace, events: ServerEventLog) -> None:
    exports: Exports
    if options.attach == "kernel":
        # Only root can use it, and --listen has no need of a netlink library.
        from vramswap_gui.server.exports.nbd_kernel import NbdKernelExports

        exports = NbdKernelExports()
    else:
        folder = Path(options.attach)
        exports = NbdSocketExports(str(folder), lambda index: folder / f"nbd{index}")
    resident = options.attach == "kernel"
    if resident:
        require_resident()
        outlive_shutdown()
        if options.resume is not None:
            bring_home()
        go_first()
    reserve = MemoryReserve(_BALLAST if resident else 0)
    state = resumed(options.resume) if options.resume is not None else {}
    # A version that counted nothing left nothing.
    engine = EngineOptions(options.gpu, options.threads, resident, Counters(state.get("counters")))
    keeper = Keeper(exports, engine, reserve, events)
    if state:
        await keeper.resume(state)
    else:
        await keeper.start()
    try:
        control = ControlServer(keeper)
        await control.start(options.control)
        _on_signal(keeper.drain)
        _report_ready(options)
        try:
            await keeper.wait()
        finally:
            await control.close()
            options.control.unlink(missing_ok=True)
    finally:
        await keeper.close()


def _on_signal(action: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, action)


if __name__ == "__main__":
    sys.exit(main())
