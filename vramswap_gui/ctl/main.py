"""The command ``vramswapctl``: all that the tray does, without a display."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from vramswap_gui import __version__
from vramswap_gui.api.status import Mode, State, Status
from vramswap_gui.client import Client
from vramswap_gui.doctor import checks
from vramswap_gui.doctor.checks import Check, Verdict
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import SETTINGS, setting
from vramswap_gui.system import swaps
from vramswap_gui.units import format_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 refused or failed (one line on stderr), 2 usage."""
    options = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(options)) or 0
    except VramswapError as error:
        print(f"vramswapctl: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough of it.
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vramswapctl", description="Lend an idle NVIDIA GPU's VRAM to Linux as swap.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, help: str, run: Callable[[argparse.Namespace], Awaitable[int | None]]) -> Any:
        added = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    json_help = "print JSON for programs"
    command("status", "Show what the swap is doing, and why.", _status).add_argument(
        "--json", action="store_true", help=json_help
    )
    command("on", "Turn the swap on.", _on)
    command("off", "Turn the swap off; every page comes home first.", _off)
    command("cancel", "Stop bringing pages home; the swap stays on.", _cancel)
    command("upgrade", "After an update: the running server becomes the new version, the swap stays on.", _upgrade)
    command("sleep", "Before the machine sleeps: off until “wake”. For the system's sleep unit.", _sleep)
    command("wake", "After the machine slept: on again if it was on before.", _wake)
    command("size", "Set the size.", _size).add_argument("size", metavar="BYTES|8G|auto")
    command("mode", "Set when VRAM becomes swap by itself.", _mode).add_argument(
        "mode", choices=setting("mode").choices, metavar="|".join(setting("mode").choices)
    )
    config = command("config", "Show all settings, show one, or change one.", _config)
    config.add_argument("key", metavar="KEY", nargs="?", help=", ".join(SETTINGS))
    config.add_argument("value", metavar="VALUE", nargs="?")
    command("watch", "Show every change until interrupted.", _watch)
    command("doctor", "Check what the program needs.", _doctor).add_argument(
        "--json", action="store_true", help=json_help
    )
    command("report", "Print what a bug report needs, without names of people and machines.", _report)
    for name, run, help in (
        ("install", _install, "Place the system files of an installation with pip or pipx, as root."),
        ("uninstall", _uninstall, "Remove what “install” placed, as root; refused while the swap is on."),
    ):
        command(name, help, run).add_argument(
            "--root", type=Path, default=Path("/"), metavar="FOLDER", help="what stands for / (%(default)s)"
        )
    bench = command("bench", "Measure VRAM as it would serve swap, beside live swap and without touching it.", _bench)
    bench.add_argument("--size", default="1G", metavar="SIZE", help="VRAM to use (%(default)s)")
    bench.add_argument("--gpu", default="", metavar="N|PCI|UUID", help="the GPU to use (default: the first)")
    bench.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1), help="as the server's (%(default)s)")
    bench.add_argument("--seconds", type=float, default=1.0, help="for each load (%(default)s)")
    bench.add_argument("--runs", type=int, default=2, help="of each load (%(default)s)")
    bench.add_argument("--disk", type=Path, metavar="FOLDER", help="compare with a file in this folder")
    bench.add_argument("--no-verify", action="store_true", help="do not check the data: less work for the processor")
    bench.add_argument("--svg", type=Path, metavar="FILE", help="draw a chart")
    bench.add_argument("--json", action="store_true", help=json_help)
    return parser


async def _run(options: argparse.Namespace) -> int | None:
    result: int | None = await options.run(options)
    return result


@contextlib.asynccontextmanager
async def _helper() -> Any:
    client = Client()
    try:
        await client.connect()
        yield client
    finally:
        await client.close()


async def _status(options: argparse.Namespace) -> None:
    async with _helper() as client:
        _show(client.status, options.json)


async def _on(options: argparse.Namespace) -> None:
    async with _helper() as client:
        _follow(client)
        await client.start()
        print(describe(await client.refresh()))


async def _off(options: argparse.Namespace) -> None:
    async with _helper() as client:
        _follow(client)
        await client.stop()
        print(describe(await client.refresh()))


async def _cancel(options: argparse.Namespace) -> None:
    async with _helper() as client:
        await client.cancel()


async def _upgrade(options: argparse.Namespace) -> None:
    async with _helper() as client:
        await client.upgrade()


async def _sleep(options: argparse.Namespace) -> None:
    try:
        async with _helper() as client:
            await client.sleep()
    except VramswapError as error:
        # A refusal keeps the machine awake, so nothing but pages on the GPU may be a reason for one.
        if error.code is not ErrorCode.HELPER_UNAVAILABLE or any(
            area.device.startswith("/dev/nbd") for area in swaps.read()
        ):
            raise


async def _wake(options: argparse.Namespace) -> None:
    async with _helper() as client:
        await client.wake()


async def _size(options: argparse.Namespace) -> None:
    size = setting("size").parse(options.size)
    async with _helper() as client:
        _follow(client)
        await client.resize(size)
        status = await client.refresh()
        if status.state is State.ON:
            print(describe(status))
        else:
            print(f"The size is {setting('size').show(size)} from the next start on.")


async def _mode(options: argparse.Namespace) -> None:
    async with _helper() as client:
        await client.set_mode(Mode(options.mode))
        print(describe(await client.refresh()))


async def _config(options: argparse.Namespace) -> None:
    if options.key is not None:
        declared = setting(options.key)
    async with _helper() as client:
        if options.value is not None:
            value = declared.parse(options.value)
            # What needs no administrator is not asked for as if it did.
            if declared.key == "mode":
                await client.set_mode(Mode(str(value)))
            elif declared.key == "size":
                await client.resize(int(value))
            else:
                await client.set_config({declared.key: value})
            return
        config = await client.get_config()
        if options.key is not None:
            print(declared.show(getattr(config, declared.key)))
            return
        for declared in SETTINGS.values():
            value = declared.show(getattr(config, declared.key)) or "(first)"
            print(f"{declared.key:<16}{value:<12}{declared.typed_help}")


async def _watch(options: argparse.Namespace) -> None:
    async with _helper() as client:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def end(error: VramswapError) -> None:
            if not lost.done():
                lost.set_exception(error)

        client.on_lost(end)
        client.subscribe(lambda status: print(_line(status), flush=True))
        print(_line(client.status), flush=True)
        await lost


async def _doctor(options: argparse.Namespace) -> int:
    found = [*checks.look(), await _check_helper()]
    if options.json:
        print(json.dumps([check.as_dict() for check in found], indent=2, ensure_ascii=False))
    else:
        width = max(len(check.name) for check in found)
        for check in found:
            print(f"{check.verdict:<8} {check.name:<{width}}  {check.found}")
            if check.remedy:
                print(f"{'':<8} {'':<{width}}  → {check.remedy}")
    return int(any(check.verdict is Verdict.FAILED for check in found))


async def _check_helper() -> Check:
    try:
        async with _helper() as client:
            return Check("Helper", Verdict.OK, f"version {client.status.version}, {client.status.state}")
    except VramswapError as error:
        return Check("Helper", Verdict.FAILED, error.message, error.remedy)


async def _report(options: argparse.Namespace) -> None:
    from vramswap_gui.doctor import report

    print(await report.compose(), end="")


async def _install(options: argparse.Namespace) -> None:
    from vramswap_gui.ctl import install

    print(*await install.install(options.root), sep="\n")


async def _uninstall(options: argparse.Namespace) -> None:
    from vramswap_gui.ctl import install

    print(*await install.uninstall(options.root), sep="\n")


async def _bench(options: argparse.Namespace) -> None:
    # Only this command has a use for it.
    from vramswap_gui.bench import present, suite

    size = setting("size").parse(options.size)
    assert isinstance(size, int)
    if size == 0 or not (0 < options.seconds <= 60 and 1 <= options.runs <= 20 and 1 <= options.threads <= 64):
        raise VramswapError(
            ErrorCode.INVALID_ARGUMENT,
            "A measurement takes a size, up to 60 seconds, 1 to 20 runs, 1 to 64 threads.",
            "See `vramswapctl bench --help`.",
        )
    plan = suite.Plan(
        size, options.seconds, options.runs, options.threads, options.gpu, options.disk, not options.no_verify
    )
    report = await suite.measure(plan, _progress_bar)
    if options.svg is not None:
        try:
            options.svg.write_text(present.chart(report), encoding="utf-8")
        except OSError as error:
            raise VramswapError(
                ErrorCode.INVALID_ARGUMENT, f"{options.svg} cannot be written: {error.strerror}.", "Name another file."
            ) from None
    print(json.dumps(report.as_dict(), indent=2) if options.json else present.table(report))


def _progress_bar(share: float, what: str) -> None:
    if sys.stderr.isatty():
        width = 30
        bar = "█" * round(share * width) + "░" * (width - round(share * width))
        print(f"\r\x1b[K{bar} {what}" if share < 1 else "\r\x1b[K", end="", file=sys.stderr, flush=True)


def _show(status: Status, as_json: bool) -> None:
    if as_json:
        wire = dataclasses.asdict(status) | {"size": status.size, "used": status.used}
        wire["error"] = dict(zip(("code", "message", "remedy"), status.error, strict=True)) if status.error[0] else None
        print(json.dumps(wire, indent=2, ensure_ascii=False))
    else:
        print(describe(status))


def describe(status: Status) -> str:
    """The status for a person, in a few lines."""
    lines = [_line(status)]
    if status.error[2]:
        lines.append(f"  → {status.error[2]}")
    if status.gpu_name:
        lines.append(f"GPU        {status.gpu_name} ({status.gpu_pci})")
    if status.segments:
        lines.append(f"VRAM swap  {format_size(status.used)} used of {format_size(status.size)}")
        for segment in status.segments:
            use = f"{format_size(segment.used)} used of {format_size(segment.size)}"
            lines.append(f"  {segment.device}  {use}, priority {segment.priority}")
    lines.append(f"Size       {SETTINGS['size'].show(status.wanted)}")
    if status.simulated:
        names = {"gpu": "the GPU", "kernel": "the kernel's part"}
        lines.append(f"SIMULATED  {', '.join(names.get(part, part) for part in status.simulated)}")
    return "\n".join(lines)


def _line(status: Status) -> str:
    left = f" {format_size(status.bytes_left)} left." if status.bytes_left else ""
    return f"{status.state}: {status.reason}{left}"


def _follow(client: Client) -> None:
    """Show what the helper is busy with, which may be what somebody else asked for before."""
    client.subscribe(_progress)
    _progress(client.status)


def _progress(status: Status) -> None:
    """What is under way, on a terminal that can show it."""
    if sys.stderr.isatty():
        text = _line(status) if status.state.busy else ""
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
