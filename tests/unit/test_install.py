"""``vramswapctl install`` and ``uninstall``, below a folder that stands for the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vramswap_gui.ctl import install
from vramswap_gui.errors import ErrorCode, VramswapError

ROOT = Path(__file__).parents[2]
PROGRAMS = Path("/opt/vramswap/bin")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel has in its folder ``files``."""
    folder = tmp_path_factory.mktemp("files")
    subprocess.run([sys.executable, "-B", ROOT / "packaging/stage.py", folder, "2026-01-31"], check=True)
    return folder


def below(root: Path) -> set[str]:
    """Every file and folder."""
    return {str(path.relative_to(root)) + ("/" if path.is_dir() else "") for path in root.rglob("*")}


def started(root: Path) -> Iterator[str]:
    """The programs of ours that a placed file starts."""
    for path in root.rglob("*"):
        if path.suffix in (".service", ".desktop"):
            for line in path.read_text().splitlines():
                if line.startswith("Exec") and "vramswap" in line:
                    yield line.split("=", 1)[1].split()[0]


async def test_what_is_placed_goes_again(files: Path, tmp_path: Path) -> None:
    (tmp_path / "usr/local/share").mkdir(parents=True)
    (tmp_path / "usr/local/share/other").write_text("of somebody else")
    before = below(tmp_path)
    placed = await install.install(tmp_path, files, PROGRAMS)
    assert {"/etc/dbus-1/system.d/org.vramswap.Helper.conf", "/etc/systemd/system/vramswap-server.service",
            "/usr/share/polkit-1/actions/org.vramswap.policy", "/usr/local/share/applications/vramswap.desktop",
            "/usr/local/share/man/man1/vramswapctl.1"} <= set(placed)  # fmt: skip
    assert {f"/{name}" for name in below(tmp_path) - before if not name.endswith("/")} == {
        *placed,
        f"/{install.MANIFEST}",
    }
    assert sorted(await install.uninstall(tmp_path)) == sorted(placed)
    assert below(tmp_path) == before


async def test_the_programs_of_this_installation_are_started(files: Path, tmp_path: Path) -> None:
    await install.install(tmp_path, files, PROGRAMS)
    assert set(started(tmp_path)) == {
        f"{PROGRAMS}/{name}" for name in ("vramswap", "vramswapctl", "vramswap-helper", "vramswap-server")
    }
    unit = (tmp_path / "etc/systemd/system/vramswap-server.service").read_text()
    assert "ExecStartPre=+/sbin/modprobe nbd" in unit


async def test_a_newer_one_replaces_an_older_one(files: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    for name in ("lib/systemd/system/vramswap-helper.service", "share/gone/by.now"):
        (old / name).parent.mkdir(parents=True)
        (old / name).write_text("ExecStart=/usr/bin/vramswap-helper\n")
    root = tmp_path / "root"
    root.mkdir()
    await install.install(root, old, PROGRAMS)
    assert (root / "usr/local/share/gone/by.now").exists()
    await install.install(root, files, PROGRAMS)
    assert not (root / "usr/local/share/gone/by.now").exists()
    assert "Description" in (root / "etc/systemd/system/vramswap-helper.service").read_text()
    await install.install(root, files, PROGRAMS)
    await install.uninstall(root)
    assert below(root) == set()


async def test_files_of_others_are_left_alone(files: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "usr/share/polkit-1/actions/org.vramswap.policy"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("of a package")
    before = below(tmp_path)
    with pytest.raises(VramswapError, match=r"org\.vramswap\.policy is there already"):
        await install.install(tmp_path, files, PROGRAMS)
    assert below(tmp_path) == before and theirs.read_text() == "of a package"


@pytest.mark.parametrize(
    ("device", "served", "refused"),
    [("/dev/nbd0", True, True), ("/dev/nbd0", False, False), ("/dev/sda2", True, False)],
)
async def test_live_swap_stays(device: str, served: bool, refused: bool, files: Path, tmp_path: Path) -> None:
    await install.install(tmp_path, files, PROGRAMS)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/swaps").write_text(f"Filename Type Size Used Priority\n{device} partition 1024 4 1000\n")
    if served:
        (tmp_path / "run/vramswap").mkdir(parents=True)
        (tmp_path / "run/vramswap/control.sock").touch()
    before = below(tmp_path)
    if refused:
        with pytest.raises(VramswapError) as caught:
            await install.uninstall(tmp_path)
        assert caught.value.code is ErrorCode.BUSY and "vramswapctl off" in caught.value.remedy
        assert below(tmp_path) == before
    else:
        await install.uninstall(tmp_path)
        assert f"{install.MANIFEST}" not in below(tmp_path)


def test_a_helper_that_the_bus_started_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    sleep = "/bin/sleep"
    helper = subprocess.Popen([str(tmp_path / "vramswap-helper"), "60"], executable=sleep)
    other = subprocess.Popen([f"{tmp_path}/vramswap-helper2", "60"], executable=sleep)
    try:
        install._end_helper()
        assert helper.wait() == -signal.SIGTERM and other.poll() is None
    finally:
        for process in (helper, other):
            process.kill()
            process.wait()


async def test_a_package_has_nothing_to_place(tmp_path: Path) -> None:
    with pytest.raises(VramswapError, match="no system files"):
        await install.install(tmp_path / "root", tmp_path / "none", PROGRAMS)
    with pytest.raises(VramswapError, match="placed nothing"):
        await install.uninstall(tmp_path)


def test_root_runs_nothing_that_others_may_change(tmp_path: Path) -> None:
    if os.geteuid():
        with pytest.raises(VramswapError, match="Others than root"):
            install.require_safe(tmp_path)
        return
    program = tmp_path / "venv/bin/program"
    program.parent.mkdir(parents=True)
    program.touch()
    install.require_safe(program)
    for part in (program, program.parent, program.parents[1]):
        part.chmod(0o777)
        with pytest.raises(VramswapError, match="may change"):
            install.require_safe(program)
        part.chmod(0o755)
        os.chown(part, 1234, 0)
        with pytest.raises(VramswapError, match="may change"):
            install.require_safe(program)
        os.chown(part, 0, 0)
    link = tmp_path / "link"
    link.symlink_to(program)
    os.chown(program, 1234, 0)
    with pytest.raises(VramswapError, match="may change"):
        install.require_safe(link)
