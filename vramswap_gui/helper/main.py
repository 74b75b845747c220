# SPDX-License-Identifier: MIT
"""The command ``vramswap-helper``: the root service behind the tray."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from vramswap_gui import __version__
from vramswap_gui.api.activity import Activity
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import helper_service
from vramswap_gui.helper.config_file import WRITING, ConfigFile
from vramswap_gui.helper.dbus_service import DbusService
from vramswap_gui.helper.event_log import EventLog, Recent
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.monitor import Monitor
from vramswap_gui.helper.power_signals import PowerSignals
from vramswap_gui.helper.reconciler import Reconciler
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.server_unit import count_anew
from vramswap_gui.helper.tally import Ledger
from vramswap_gui.paths import CONFIG, HELPER_UNIT, RUNTIME, STATE
from vramswap_gui.system import inotify, process
from vramswap_gui.system.journald import Event, Journal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the helper until a signal or the end of the bus; the swap goes on without it."""
    options = _parser().parse_args(arguments)
    process.call_it("vramswap-helper")
    journal = Journal("vramswap-helper")
    try:
        if options.take_down:
            from vramswap_gui.helper import way_down

            return int(not asyncio.run(way_down.take_down(options.runtime_dir, options.proc, options.sys)))
        if asyncio.run(helper_service.hand_over()):
            return 0
        return asyncio.run(_serve(options, journal))
    except VramswapError as error:
        journal.tell(Event.FAILED, str(error), {"error": error.code})
        return 1
    except OSError as error:
        journal.tell(Event.FAILED, f"{error.strerror}: {error.filename or ''}".rstrip(": "))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vramswap-helper", description="Turns VRAM swap on and off for those polkit allows.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--bus", metavar="ADDRESS", default="system", help="the bus to serve (%(default)s)")
    parser.add_argument("--config", metavar="PATH", type=Path, default=CONFIG, help="settings (%(default)s)")
    parser.add_argument(
        "--runtime-dir",
        metavar="DIR",
        type=Path,
        default=RUNTIME,
        help="where the server's socket is (%(default)s)",
    )
    parser.add_argument("--attach", metavar="kernel|DIR", default="kernel", help="as for vramswap-server (%(default)s)")
    parser.add_argument(
        "--proc", metavar="DIR", type=Path, default=Path("/proc"), help="where swaps and meminfo are (%(default)s)"
    )
    parser.add_argument(
        "--sys", metavar="DIR", type=Path, default=Path("/sys"), help="where GPUs and batteries are (%(default)s)"
    )
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        type=Path,
        default=STATE,
        help="where swap files are made for pages that fit nowhere else (%(default)s)",
    )
    # For the service of the server's that OpenRC stops at shutdown.
    parser.add_argument("--take-down", action="store_true", help=argparse.SUPPRESS)
    return parser


async def _serve(options: argparse.Namespace, journal: Journal) -> int:
    """Until it is told to end (exit status 0), or cannot go on (1: systemd starts it anew)."""
    server = ServerClient(options.runtime_dir, options.attach)
    config = ConfigFile(options.config, options.runtime_dir / "settings.json")
    lifecycle = Lifecycle(
        server, config, options.runtime_dir, options.attach, options.proc, options.sys, options.state_dir
    )
    recent, ledger = Recent(options.runtime_dir), Ledger(options.runtime_dir, options.sys)
    events = EventLog(journal, lifecycle, recent)
    service = DbusService(lifecycle, events, lambda: Activity(recent.entries, ledger.today))
    # The name first: of two helpers, only the one that has it may touch what it finds.
    await service.connect(options.bus)
    await lifecycle.adopt()
    events.begin()
    signals = PowerSignals(lambda: reconciler.poke())
    monitor = Monitor(options.proc, options.sys, signals.power, lambda: signals.asleep, lambda: signals.saving)
    reconciler = Reconciler(lifecycle, monitor, events, ledger)
    await signals.connect(options.bus)
    service.open()

    async def agree() -> None:
        with contextlib.suppress(VramswapError), events.request("at_boot", None):
            await lifecycle.agree_at_boot()

    tasks: set[asyncio.Task[None]] = set()

    def beside(work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def heed() -> None:
        reconciler.poke()
        # Beside the policy: whom this asks has nothing to do with swap.
        beside(agree())

    heed()
    if server.by_systemd:
        beside(count_anew(HELPER_UNIT))
    _heed_edits(config.folder, heed)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    gone, *waiting = (asyncio.create_task(work) for work in (service.wait(), ended.wait(), reconciler.run()))
    await asyncio.wait([gone, *waiting], return_when=asyncio.FIRST_COMPLETED)
    lost = gone.done()
    for task in (gone, *waiting):
        task.cancel()
    monitor.close()
    await signals.close()
    await server.close()
    events.end()
    if lost and not ended.is_set():
        # An end that has systemd start it again.
        raise VramswapError(Problem.BUS_GONE)
    return int(not ended.is_set())


def _heed_edits(folder: Path, heed: Callable[[], None]) -> None:
    """Have the settings looked at as soon as somebody edited them; without inotify the policy does at its next step."""
    edits, loop = inotify.watch(folder), asyncio.get_running_loop()
    if edits is not None:

        def look() -> None:
            if edits.clear():
                heed()
                # A file that was left empty counts once it has been so for a while.
                loop.call_later(WRITING, heed)

        loop.add_reader(edits.fileno(), look)


if __name__ == "__main__":
    sys.exit(main())
