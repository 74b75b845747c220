# SPDX-License-Identifier: MIT
"""The server as systemd's unit: what it is given, how its failure is told, what it tells systemd."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE, until
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper import main as helper_main
from vramswap_gui.helper import server_unit
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.paths import CONTROL_SOCKET
from vramswap_gui.server import main
from vramswap_gui.settings import Config
from vramswap_gui.system.journald import Journal

NBD = Path("/sys/module/nbd").is_dir()


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder, and a systemctl that does what the file ``script`` in it says."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n. {tmp_path}/script\n')
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(server_unit, "RUNTIME", tmp_path)
    (tmp_path / "script").write_text("exit 0")
    return tmp_path


def told(environment: Path, name: str = "VRAMSWAP_GPU") -> str:
    """What the unit hears of it: double quotes mean the same to sh as to systemd."""
    return subprocess.run(
        ["sh", "-c", f'. "$1"; printf %s "${name}"', "sh", environment], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("gpu", ["", "0000:01:00.0", 'a"b\\c$d`e f'])
async def test_the_unit_is_told_the_gpu(gpu: str, systemctl: Path) -> None:
    (systemctl / "start.json").write_text("of an earlier start")
    await server_unit.start(Config(gpu=gpu, transport="ublk", compression="auto"))
    assert (systemctl / "asked").read_text() == "start vramswap-server.service\n"
    assert not (systemctl / "start.json").exists()
    assert told(systemctl / "server.env") == gpu
    assert told(systemctl / "server.env", "VRAMSWAP_TRANSPORT") == "ublk"
    assert told(systemctl / "server.env", "VRAMSWAP_COMPRESSION") == "lz4"


async def test_a_failure_has_the_servers_reason(systemctl: Path) -> None:
    reason = VramswapError(Problem.GPU_NOT_FOUND).as_dict()
    (systemctl / "script").write_text(f"echo '{json.dumps({'error': reason})}' >{systemctl}/start.json; exit 1")
    with pytest.raises(VramswapError) as caught:
        await server_unit.start(Config())
    assert caught.value.as_dict() == reason


async def test_a_failure_without_a_word(systemctl: Path) -> None:
    (systemctl / "script").write_text("echo 'Job failed.' >&2; exit 1")
    with pytest.raises(VramswapError) as caught:
        await server_unit.start(Config())
    assert caught.value.code is (ErrorCode.SERVER_FAILED if NBD else ErrorCode.NO_NBD)
    assert "journalctl -u vramswap-server" in str(caught.value)


def test_only_the_installed_helper_has_the_unit(tmp_path: Path) -> None:
    assert not server_unit.serves(tmp_path, "kernel")
    assert not server_unit.serves(Path("/run/vramswap"), str(tmp_path))
    assert server_unit.serves(Path("/run/vramswap"), "kernel") == Path("/run/systemd/system").is_dir()


@pytest.mark.parametrize("lasts", [True, False])
async def test_a_server_that_has_served_for_a_while_is_one_that_lasts(
    lasts: bool, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then, and not earlier, systemd counts anew how often it died."""
    connected: list[asyncio.StreamWriter] = []
    monkeypatch.setattr(server_unit, "serves", lambda folder, attach: True)
    monkeypatch.setattr(server_unit, "_PROVEN", 0.05 if lasts else PATIENCE)
    server = await asyncio.start_unix_server(
        lambda reader, writer: connected.append(writer), systemctl / CONTROL_SOCKET
    )
    client = ServerClient(systemctl, "kernel")
    assert await client.adopt()
    proving = client._proving
    assert proving is not None
    async with asyncio.timeout(PATIENCE):
        if not lasts:
            await until(lambda: connected, "the connection")
            connected[0].close()
        await asyncio.wait([proving])
    assert proving.cancelled() is not lasts
    asked = systemctl / "asked"
    assert lasts == asked.exists() and (not lasts or asked.read_text() == "reset-failed vramswap-server.service\n")
    await client.close()
    server.close()


class Still:
    """Stands for any part of the helper: whatever it is asked, it does nothing, at once or when it is awaited."""

    by_systemd = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getattr__(self, name: str) -> Callable[..., Still]:
        return lambda *arguments: self

    def __await__(self) -> Generator[None, None, None]:
        yield

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


@pytest.mark.parametrize("by_systemd", [True, False])
async def test_so_is_a_helper_that_has_run_for_a_while(
    by_systemd: bool, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not one that was started: one that ends soon after would be started each second for ever."""
    monkeypatch.setattr(server_unit, "_PROVEN", 0.05)
    still, asked = Still(systemctl), systemctl / "asked"
    for name in ("ServerClient", "ConfigFile", "Lifecycle", "Recent", "Ledger", "EventLog", "DbusService",
                 "PowerSignals", "Monitor", "Reconciler"):  # fmt: skip
        monkeypatch.setattr(helper_main, name, lambda *arguments: still)
    monkeypatch.setattr(still, "by_systemd", by_systemd)

    async def run() -> None:
        await asyncio.Event().wait()

    async def wait() -> None:
        """Until the bus is gone."""
        if by_systemd:
            await until(lambda: asked.exists() and asked.read_text(), "a word to systemd")
        else:
            await asyncio.sleep(0.2)

    monkeypatch.setattr(still, "run", run, raising=False)
    monkeypatch.setattr(still, "wait", wait, raising=False)
    with pytest.raises(VramswapError) as caught:
        await helper_main._serve(argparse.Namespace(
            runtime_dir=systemctl, attach="kernel", config=systemctl, proc=systemctl, sys=systemctl,
            state_dir=systemctl, bus="",
        ), Journal("test"))  # fmt: skip
    assert caught.value.problem is Problem.BUS_GONE
    assert (asked.read_text() if asked.exists() else "") == "reset-failed vramswap-helper.service\n" * by_systemd


async def test_who_looks_for_a_server_at_once_has_one_connection(tmp_path: Path) -> None:
    """A verb may, while it is taken over."""
    connected: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(lambda reader, writer: connected.append(writer), tmp_path / CONTROL_SOCKET)
    client = ServerClient(tmp_path, "kernel")
    assert all(await asyncio.gather(client.adopt(), client.adopt()))
    await until(lambda: connected, "the connection")
    await asyncio.sleep(0.05)
    assert len(connected) == 1
    await client.close()
    server.close()


async def test_nobody_asks_systemd_of_a_server_that_is_not_its_unit(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), tmp_path / CONTROL_SOCKET)
    client = ServerClient(tmp_path, "kernel")
    assert await client.adopt() and client._proving is None
    await client.close()
    server.close()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_that_it_is_ready(abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"@vramswap-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0", 1) if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        options = main._parser().parse_args(["--control", "x", "--report", str(tmp_path / "start.json")])
        main._report_ready(options)
        assert receiver.recv(100) == b"READY=1"
    assert json.loads((tmp_path / "start.json").read_text()) == {"result": {}}


def test_shutdown_spares_the_server() -> None:
    """The command line, as systemd reads it, begins with @; in a process of its own, because it lasts."""
    code = (
        "from pathlib import Path; from vramswap_gui.server.memlock import outlive_shutdown; outlive_shutdown();"
        "print(Path('/proc/self/cmdline').read_text(), end='')"
    )
    said = subprocess.run([sys.executable, "-c", code, "a (b) c"], capture_output=True, text=True, check=True).stdout
    assert said.split("\0")[0] == "@" + sys.executable[1:]
    assert said.split("\0")[3] == "a (b) c"
