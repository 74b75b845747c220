# SPDX-License-Identifier: MIT
"""What the server is called with: what would mean nothing is refused, and who calls it says nothing of that kind."""

from __future__ import annotations

import argparse
import asyncio
import re
import shlex
from pathlib import Path

import pytest

from vramswap_gui.errors import VramswapError
from vramswap_gui.helper import swap_area
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.server import main
from vramswap_gui.server.supervisor import reexec
from vramswap_gui.settings import Config
from vramswap_gui.system import process, run

UNIT = Path(__file__).parents[2] / "resources/systemd/vramswap-server.service"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program would have done."""
    done: list[str] = []

    async def serve(options: argparse.Namespace, events: object) -> None:
        done.append("serve")

    def end_strays(control: Path) -> int:
        done.append("end")
        return 0

    def understands(format: int) -> int:
        done.append("understand")
        return 0

    monkeypatch.setattr(main, "_serve", serve)
    monkeypatch.setattr(main, "_end_strays", end_strays)
    monkeypatch.setattr(main, "_understands", understands)
    monkeypatch.setattr(process, "call_it", lambda name: None)
    return done


@pytest.mark.parametrize(
    ("arguments", "misses"),
    [
        *((f"--control x {option}", misses) for option, misses in (
            ("--size 1G", "--listen"), ("--as-long-as 0", "--listen"), ("--vram 1G", "--listen and --compression"),
            ("--vram 1G --compression lz4", "--listen and --compression"),
            ("--attach x --transport auto", "--control and kernel block devices"))),
        *((f"--listen x --size 1G {option}", misses) for option, misses in (
            ("--attach kernel", "--control"), ("--resume 3", "--control"),
            ("--transport auto", "--control and kernel block devices"), ("--vram 1G", "--listen and --compression"),
            ("--vram 1G --compression off", "--listen and --compression"))),
        *((f"{what} {option}", misses) for what in ("--end-strays x", "--understands 3") for option, misses in (
            ("--size 1G", "--listen"), ("--compression off", "--control or --listen"), ("--attach kernel", "--control"),
            ("--gpu=", "--control or --listen"), ("--threads 2", "--control or --listen"),
            ("--report 1", "--control or --listen"), ("--transport auto", "--control and kernel block devices"))),
    ],
)  # fmt: skip
def test_what_would_mean_nothing_is_refused(
    arguments: str, misses: str, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(arguments.split())
    assert (ended.value.code, ran) == (2, [])
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(rf"vramswap-server: error: --[a-z-]+ means nothing without {misses}", said)


@pytest.mark.parametrize(
    ("arguments", "does"),
    [
        ("--control x", "serve"), ("--control x --attach x --threads 2 --compression lz4 --gpu 0", "serve"),
        ("--control x --transport nbd --compression off --gpu= --report 1", "serve"),
        ("--control x --attach kernel --transport auto", "serve"),
        ("--listen x --size 1G --threads 2 --gpu 0 --report x --as-long-as 0", "serve"),
        ("--listen x --size 1G --compression lz4 --vram 2G", "serve"),
        ("--end-strays x", "end"), ("--understands 3", "understand"),
    ],
)  # fmt: skip
def test_what_means_something_is_done(arguments: str, does: str, ran: list[str]) -> None:
    assert (main.main(arguments.split()), ran) == (0, [does])


def test_an_older_server_becomes_this_one_whatever_it_was_started_with(ran: list[str]) -> None:
    """It took what means nothing, and its pages would go with a program that ends instead of serving."""
    known = ["--control", "x", "--size", "1G", "--attach", "x", "--transport", "auto", "--vram", "1G"]
    older = [*known, "--dropped", "7", "--of-old=x"]
    assert (main.main(reexec.command(older, 3)), ran) == (0, ["serve"])


@pytest.mark.parametrize("arguments", ["--control x --dropped 7", "--listen x --size 1G y"])
def test_what_it_does_not_know_is_refused(arguments: str, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(arguments.split())
    assert (ended.value.code, ran) == (2, [])
    assert "unrecognized arguments: " + ("--dropped 7" if "7" in arguments else "y") in capsys.readouterr().err


def test_the_unit_says_what_means_something(ran: list[str]) -> None:
    commands = re.findall(r"^Exec\w+=-?/usr/bin/vramswap-server (.*)$", UNIT.read_text(), re.MULTILINE)
    for command in commands:
        values = command.replace("${VRAMSWAP_TRANSPORT}", "auto").replace("${VRAMSWAP_COMPRESSION}", "off")
        assert main.main(shlex.split(values.replace("${VRAMSWAP_GPU}", ""))) == 0
    assert ran == ["serve", "end"]


@pytest.mark.parametrize("attach", ["kernel", "folder"])
def test_the_helper_says_what_means_something(
    attach: str, ran: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    async def driver(transport: str) -> None:
        pass

    def start_detached(command: list[str], log: Path, pass_fds: object) -> None:
        started.append(command)
        raise OSError(0, "not here")

    monkeypatch.setattr(run, "start_detached", start_detached)
    monkeypatch.setattr(swap_area, "require_driver", driver)
    with pytest.raises(VramswapError):
        asyncio.run(ServerClient(tmp_path, attach).start(Config(gpu="1", transport="nbd", compression="zstd")))
    (command,) = started
    assert main.main(command[command.index("--control") :]) == 0
    assert ran == ["serve"]
    assert ("--transport nbd" in " ".join(command)) == (attach == "kernel")
