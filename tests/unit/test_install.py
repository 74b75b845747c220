# SPDX-License-Identifier: MIT
"""``vramswapctl install`` and ``uninstall``, below a folder that stands for the machine."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.skips import NO_MOUNTS, root_is_mounted
from vramswap_gui.ctl import install, services
from vramswap_gui.errors import ErrorCode, Problem, VramswapError

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
                    # A dash says that its failure is none (systemd.service(5)).
                    yield line.split("=", 1)[1].split()[0].removeprefix("-")


async def test_what_is_placed_goes_again(files: Path, tmp_path: Path) -> None:
    (tmp_path / "usr/local/share").mkdir(parents=True)
    (tmp_path / "usr/local/share/other").write_text("of somebody else")
    before = below(tmp_path)
    placed = await install.install(tmp_path, files, PROGRAMS)
    assert {"/etc/dbus-1/system.d/org.vramswap.Helper.conf", "/etc/systemd/system/vramswap-server.service",
            "/usr/share/polkit-1/actions/org.vramswap.policy", "/usr/local/share/applications/vramswap.desktop",
            "/usr/local/share/man/man1/vramswapctl.1"} <= set(placed)  # fmt: skip
    assert not [path for path in placed if "init.d" in path or "elogind" in path]
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
    assert "ExecStartPre=+-/sbin/modprobe nbd" in unit


async def test_openrc_and_elogind_have_theirs_where_they_are(files: Path, tmp_path: Path) -> None:
    (tmp_path / "sbin").mkdir()
    (tmp_path / "sbin/openrc-run").touch()
    (tmp_path / "etc/elogind").mkdir(parents=True)
    before = below(tmp_path)
    await install.install(tmp_path, files, PROGRAMS)
    helper = tmp_path / "etc/init.d/vramswap-helper"
    assert os.access(helper, os.X_OK) and f"\ncommand={PROGRAMS}/vramswap-helper\n" in helper.read_text()
    for name, said in (
        ("init.d/vramswap-server", f"{PROGRAMS}/vramswap-helper --take-down"),
        ("elogind/system-sleep/10-vramswap", f"exec {PROGRAMS}/vramswapctl sleep"),
        ("elogind/system-sleep/zz-vramswap", f"exec {PROGRAMS}/vramswapctl wake"),
    ):
        assert os.access(tmp_path / "etc" / name, os.X_OK) and said in (tmp_path / "etc" / name).read_text(), name
    assert not os.access(tmp_path / "etc/elogind/sleep.conf.d/vramswap.conf", os.X_OK)
    await install.uninstall(tmp_path)
    assert below(tmp_path) == before


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


async def test_every_udev_finds_the_rules(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """eudev reads none in /usr/local, where they were once."""
    name = "udev/rules.d/60-nbd-vramswap.rules"

    def found() -> set[str]:
        return {path for path in below(tmp_path) if path.endswith(name)}

    with monkeypatch.context() as patch:
        patch.setattr(install, "_PLACES", [pair for pair in install._PLACES if "udev" not in pair[0]])
        await install.install(tmp_path, files, PROGRAMS)
    assert found() == {f"usr/local/lib/{name}"}
    assert f"/etc/{name}" in await install.install(tmp_path, files, PROGRAMS)
    assert found() == {f"etc/{name}"}
    await install.uninstall(tmp_path)
    assert below(tmp_path) == set()


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
        (tmp_path / "run/vramswap/devices").write_text("/dev/nbd0\n")
    before = below(tmp_path)
    if refused:
        with pytest.raises(VramswapError) as caught:
            await install.uninstall(tmp_path)
        assert caught.value.code is ErrorCode.BUSY and "vramswapctl off" in caught.value.remedy
        assert below(tmp_path) == before
    else:
        await install.uninstall(tmp_path)
        assert f"{install.MANIFEST}" not in below(tmp_path)


@pytest.mark.parametrize("whose", ["helper", "server"])
def test_without_systemd_each_ends_by_a_signal(
    whose: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    argument = {"helper": f"{tmp_path}/vramswap-helper", "server": "/run/vramswap/control.sock"}[whose]
    processes = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(2)]
    try:
        for process, named in zip(processes, (argument, f"{argument}2"), strict=True):
            folder = root / "proc" / str(process.pid)
            folder.mkdir(parents=True)
            (folder / "cmdline").write_text(f"python3\0-m\0{named}\0")
        asyncio.run((services.stop_helper if whose == "helper" else services.stop_server)(root / "proc"))
        assert processes[0].wait() == -signal.SIGTERM and processes[1].poll() is None
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Systemd:
    """Of the machine below ``root``: what it was asked for, and the sleep unit as it could read it then.

    ``stopping``: what happens meanwhile when it stops something, in sh.
    """

    def __init__(self, folder: Path, root: Path, stopping: str = ":") -> None:
        self._log, self._refused, self._state = folder / "asked", folder / "refused", folder / "state"
        self._root = root
        self.link = root / install._SLEEP_LINK
        program = folder / "systemctl"
        program.write_text(
            "#!/bin/sh\n"
            f"unit={root}/etc/systemd/system/vramswap-sleep.service link={self.link}\n"
            f'echo "$* $(sed -n s/^Description=//p $unit 2>/dev/null)" >>{self._log}\n'
            f'if [ -e {self._refused} ] && grep -qxF "$*" {self._refused}; then echo "it will not" >&2; exit 1; fi\n'
            'case "$1" in\n'
            "enable) mkdir -p ${link%/*}; ln -sf $unit $link ;;\n"
            "disable) rm -f $link; rmdir ${link%/*} ;;\n"
            f"stop) {stopping} ;;\n"
            f"show) cat {folder / 'state'} ;;\n"
            "esac\n"
        )
        program.chmod(0o755)
        self.state("running")

    def state(self, state: str) -> None:
        """The helper's unit's from now on (``SubState``)."""
        self._state.write_text(f"{state}\n")

    def refuse(self, *commands: str) -> None:
        """From now on it refuses these."""
        self._refused.write_text("".join(f"{command}\n" for command in commands))

    def asked(self) -> list[str]:
        """What it was asked for since the last call, questions apart."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return [line.rstrip() for line in lines if not line.startswith("show ")]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for the machine itself, without an init."""
    root, programs = tmp_path / "root", tmp_path / "programs"
    programs.mkdir()
    root.mkdir()
    monkeypatch.setattr(install, "_is_machine", lambda path: path == root)
    monkeypatch.setattr(install, "_require_root", lambda: None)
    monkeypatch.setattr(install, "require_safe", lambda *paths: None)
    for init in ("SYSTEMD", "OPENRC"):
        monkeypatch.setattr(services, init, tmp_path / init)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return root


@pytest.fixture
def systemd(root: Path, tmp_path: Path) -> Systemd:
    """It runs that machine."""
    (tmp_path / "SYSTEMD").mkdir()
    return Systemd(tmp_path / "programs", root)


@pytest.fixture
def version(tmp_path: Path) -> Callable[[str], Path]:
    """Makes the files of a version, of which the sleep unit bears the name."""

    def make(name: str) -> Path:
        unit = tmp_path / name / "lib/systemd/system/vramswap-sleep.service"
        unit.parent.mkdir(parents=True)
        unit.write_text(f"Description={name}\n")
        return tmp_path / name

    return make


async def test_an_administrator_who_disabled_the_sleep_unit_is_heeded(
    root: Path, systemd: Systemd, version: Callable[[str], Path]
) -> None:
    await install.install(root, version("old"), PROGRAMS)
    assert systemd.asked() == ["daemon-reload old", "enable vramswap-sleep.service old", "reload dbus.service old"]
    assert systemd.link.is_symlink()
    systemd.link.unlink()
    await install.install(root, version("new"), PROGRAMS)
    assert systemd.asked() == ["daemon-reload new", "reload dbus.service new"]
    await install.uninstall(root)
    await install.install(root, version("again"), PROGRAMS)
    assert systemd.link.is_symlink()


@pytest.mark.parametrize("before", ["nothing", "a link of somebody's", "old"])
async def test_what_the_services_refuse_leaves_all_as_it_was(
    before: str, root: Path, systemd: Systemd, version: Callable[[str], Path]
) -> None:
    """The sleep unit above all: it stays enabled if it was, whoever enabled it, and systemd reads what is there."""
    if before == "old":
        await install.install(root, version("old"), PROGRAMS)
    if before == "a link of somebody's":
        systemd.link.parent.mkdir(parents=True)
        systemd.link.symlink_to("/somewhere")
    state = everything(root)
    systemd.asked()
    for command in ("daemon-reload", "enable vramswap-sleep.service", "reload dbus.service"):
        systemd.refuse(command)
        if before == "old" and "enable" in command:
            continue
        with pytest.raises(VramswapError, match=f"systemctl {command} failed: it will not"):
            await install.install(root, version(f"new {command.split()[0]}"), PROGRAMS)
        assert everything(root) == state and systemd.link.is_symlink() == (before != "nothing")
        read = [line for line in systemd.asked() if line.startswith("daemon-reload")]
        assert read[-1] == ("daemon-reload old" if before == "old" else "daemon-reload")


@pytest.mark.parametrize("state", ["running", "dead", "auto-restart", "auto-restart-queued"])
async def test_a_helper_that_could_not_be_started_is_tried_again_at_once(
    state: str, root: Path, systemd: Systemd, version: Callable[[str], Path]
) -> None:
    systemd.state(state)
    await install.install(root, version("new"), PROGRAMS)
    tried = any(line.startswith("try-restart vramswap-helper.service") for line in systemd.asked())
    assert tried == state.startswith("auto-restart")


async def test_who_interrupts_it_finds_all_as_it_was(
    root: Path, systemd: Systemd, version: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = services.systemd

    async def interrupted(*arguments: str) -> None:
        await ask(*arguments)
        if arguments == ("reload", "dbus.service") and (root / install.MANIFEST).exists():
            raise asyncio.CancelledError

    monkeypatch.setattr(services, "systemd", interrupted)
    with pytest.raises(asyncio.CancelledError):
        await install.install(root, version("new"), PROGRAMS)
    assert not systemd.link.is_symlink() and not (root / install.MANIFEST).exists()
    assert systemd.asked()[-2:] == ["daemon-reload", "reload dbus.service"]


async def test_without_systemd_the_sleep_unit_is_enabled_when_systemd_has_come(
    root: Path, tmp_path: Path, version: Callable[[str], Path]
) -> None:
    await install.install(root, version("old"), PROGRAMS)
    systemd = Systemd(tmp_path / "programs", root)
    (tmp_path / "SYSTEMD").mkdir()
    await install.install(root, version("new"), PROGRAMS)
    assert systemd.link.is_symlink()
    (tmp_path / "SYSTEMD").rmdir()
    await install.uninstall(root)
    assert not systemd.link.is_symlink()


def test_the_sleep_unit_is_enabled_by_the_link_that_is_listed() -> None:
    wanted = (ROOT / "resources/systemd/vramswap-sleep.service").read_text().partition("[Install]\n")[2]
    target = install._SLEEP_LINK.split("/")[-2].removesuffix(".requires")
    assert wanted.strip() == f"RequiredBy={target}"


SWAPS = "Filename Type Size Used Priority\n"


@pytest.fixture
def landed(root: Path, tmp_path: Path) -> Path:
    """A file that is swap, for pages that fitted nowhere else. ``swapoff`` fails while there is a file ``full``."""
    file = root / "var/lib/vramswap/vramswap-landing-0/swap"
    file.parent.mkdir(parents=True)
    file.touch()
    (root / "proc").mkdir()
    (root / "proc/swaps").write_text(f"{SWAPS}{file} file 1024 4 -2\n")
    program = tmp_path / "programs/swapoff"
    program.write_text(
        "#!/bin/sh\n"
        f'if [ -e {tmp_path}/full ]; then echo "swapoff: Cannot allocate memory" >&2; exit 4; fi\n'
        f'grep -vF "$1 " {root}/proc/swaps >{tmp_path}/swaps; mv {tmp_path}/swaps {root}/proc/swaps\n'
    )
    program.chmod(0o755)
    return file


async def test_pages_that_landed_come_home_before_anything_goes(
    root: Path, landed: Path, systemd: Systemd, version: Callable[[str], Path], tmp_path: Path
) -> None:
    await install.install(root, version("new"), PROGRAMS)
    (root / "run/vramswap/ublk").mkdir(parents=True)
    (landed.parents[1] / "at_boot").write_text("on\n")
    systemd.asked()
    state = everything(root)
    (tmp_path / "full").touch()
    with pytest.raises(VramswapError, match=f"swapoff failed on {landed}: .*Cannot allocate memory") as caught:
        await install.uninstall(root)
    assert caught.value.problem is Problem.LANDED_STAYS and "close programs" in caught.value.remedy
    assert everything(root) == state and systemd.asked() == []
    (tmp_path / "full").unlink()
    await install.uninstall(root)
    assert (root / "proc/swaps").read_text() == SWAPS
    assert set(everything(root)) == {"proc", "proc/swaps", "run", "var", "var/lib"}


async def test_what_others_have_where_pages_land_stays(
    root: Path, landed: Path, systemd: Systemd, version: Callable[[str], Path]
) -> None:
    (landed.parents[1] / "notes").touch()
    await install.install(root, version("new"), PROGRAMS)
    await install.uninstall(root)
    assert below(landed.parents[1]) == {"notes"}


async def test_swap_that_was_turned_on_until_the_helper_was_stopped_stays(
    root: Path, tmp_path: Path, systemd: Systemd, version: Callable[[str], Path]
) -> None:
    await install.install(root, version("new"), PROGRAMS)
    state = below(root)
    for folder in ("proc", "run/vramswap"):
        (root / folder).mkdir(parents=True)
    Systemd(
        tmp_path / "programs",
        root,
        f"echo '/dev/nbd0 partition 1024 4 1000' >>{root}/proc/swaps; echo /dev/nbd0 >{root}/run/vramswap/devices",
    )
    (root / "proc/swaps").write_text(SWAPS)
    systemd.asked()
    with pytest.raises(VramswapError) as caught:
        await install.uninstall(root)
    assert caught.value.problem is Problem.SWAP_IS_ON and state <= below(root)
    assert systemd.asked() == [f"{verb} vramswap-helper.service new" for verb in ("stop", "start")]


async def test_what_was_started_while_the_files_went_is_stopped(
    root: Path, tmp_path: Path, systemd: Systemd, version: Callable[[str], Path]
) -> None:
    """A tray that is open has the bus start the helper, which makes its folder again."""
    await install.install(root, version("new"), PROGRAMS)
    Systemd(tmp_path / "programs", root, f"mkdir -p {root}/run/vramswap")
    systemd.asked()
    await install.uninstall(root)
    assert systemd.asked() == [
        "stop vramswap-helper.service new",
        "disable vramswap-sleep.service new",
        "kill --signal=TERM vramswap-server.service new",
        "reload dbus.service",
        "stop vramswap-helper.service",
        "daemon-reload",
    ]
    assert not (root / "run/vramswap").exists()


#: Of somebody who chose that the helper starts with the computer.
ENABLED = "etc/systemd/system/graphical.target.wants/vramswap-helper.service"


async def test_a_helper_that_comes_back_meanwhile_is_never_told_that_it_was_disabled(
    root: Path, tmp_path: Path, files: Path
) -> None:
    """It would write that into the settings, which the next installation finds. The real systemctl says what."""
    (tmp_path / "SYSTEMD").mkdir()
    real, said = shutil.which("systemctl"), tmp_path / "said"
    assert real, "systemctl is missing; run: apt-get install systemd"
    program = tmp_path / "programs/systemctl"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$1" in *able) {real} --quiet --root={root} "$@" 2>>{tmp_path}/errors ;; esac\n'
        f"{real} --root={root} is-enabled vramswap-helper.service >>{said} 2>&1\n:\n"
    )
    program.chmod(0o755)
    await install.install(root, files, PROGRAMS)
    await services.systemd("enable", "vramswap-helper.service")
    assert (root / ENABLED).is_symlink()
    said.unlink()
    await install.uninstall(root)
    assert "enabled\n" in said.read_text() and "disabled" not in said.read_text()
    assert below(root) == set()


async def test_openrc_forgets_the_helper_when_its_service_is_gone(files: Path, root: Path, tmp_path: Path) -> None:
    (tmp_path / "OPENRC").mkdir()
    (root / "sbin").mkdir()
    (root / "sbin/openrc-run").touch()
    service, log = root / "etc/init.d/vramswap-helper", tmp_path / "log"
    for name in ("rc-update", "rc-service"):
        program = tmp_path / "programs" / name
        program.write_text(f'#!/bin/sh\n[ -e {service} ] && is=there || is=gone\necho "{name} $* $is" >>{log}\n')
        program.chmod(0o755)
    await install.install(root, files, PROGRAMS)
    log.unlink()
    await install.uninstall(root)
    assert log.read_text().splitlines() == [
        "rc-service vramswap-helper stop there",
        "rc-service vramswap-server stop there",
        "rc-service vramswap-helper stop gone",
        "rc-update --all delete vramswap-helper gone",
    ]


async def test_what_has_the_helper_start_with_an_image_goes_too(files: Path, tmp_path: Path) -> None:
    """Below another root, where systemctl has no say."""
    await install.install(tmp_path, files, PROGRAMS)
    link = tmp_path / ENABLED
    link.parent.mkdir()
    link.symlink_to("/etc/systemd/system/vramswap-helper.service")
    await install.uninstall(tmp_path)
    assert below(tmp_path) == set()


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


def everything(root: Path) -> dict[str, bytes | None]:
    """All that is below a folder, with what is in it."""
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


class Broken:
    """A file system on which the change number ``at`` fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        for name in ("replace", "mkdir", "unlink", "write_bytes"):
            monkeypatch.setattr(Path, name, self._wrapped(getattr(Path, name)))

    def _wrapped(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def change(path: Path, *arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return do(path, *arguments, **named)

        return change


@pytest.mark.parametrize("before", ["nothing", "an older one"])
async def test_all_or_nothing(before: str, tmp_path: Path) -> None:
    """Whatever change fails, everything is as it was, and the next try succeeds."""
    old, new, root = tmp_path / "old", tmp_path / "new", tmp_path / "root"
    for folder, names in ((old, ("share/a/one", "lib/systemd/system/x.service", "share/gone/by")),
                          (new, ("share/a/one", "lib/systemd/system/x.service", "share/b/two"))):  # fmt: skip
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"Exec=vramswap of {folder.name}\n")
    root.mkdir()
    if before != "nothing":
        await install.install(root, old, PROGRAMS)
    state = everything(root)
    for at in range(1, 100):
        with pytest.MonkeyPatch.context() as patch:
            broken = Broken(patch, at)
            try:
                await install.install(root, new, PROGRAMS)
            except VramswapError as error:
                assert "Read-only file system. Nothing was changed." in error.message and error.remedy
            else:
                assert broken.left > 0
                break
        assert everything(root) == state, at
    assert at > 5
    assert not any(path.endswith("gone/by") for path in everything(root))
    assert await install.uninstall(root) and below(root) == set()


async def test_a_file_system_that_is_read_only(files: Path, tmp_path: Path) -> None:
    """The real thing, in a mount namespace of its own."""
    if os.geteuid():
        pytest.skip("needs root, who alone may mount")
    if not root_is_mounted():
        pytest.skip(NO_MOUNTS)
    root = tmp_path / "root"
    (root / "usr/share").mkdir(parents=True)
    script = (
        "import asyncio, pathlib, sys\n"
        "from vramswap_gui.ctl import install\n"
        "from vramswap_gui.errors import VramswapError\n"
        "root, files = map(pathlib.Path, sys.argv[2:4])\n"
        "work = install.install(root, files, root) if sys.argv[1] == 'install' else install.uninstall(root)\n"
        "try:\n    asyncio.run(work)\n"
        "except VramswapError as error:\n    sys.exit(str(error))\n"
    )

    def run(what: str, read_only: str) -> str:
        mount = f'mount --bind {read_only} {read_only} && mount -o remount,bind,ro {read_only} && exec "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", script, what, str(root), str(files)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done
        return done.stderr

    before = everything(root)
    said = run("install", str(root / "usr/share"))
    assert "/usr/share/polkit-1/" in said and "Read-only" in said and "package" in said
    assert everything(root) == before
    await install.install(root, files, PROGRAMS)
    said = run("uninstall", str(root / "usr/share"))
    assert "Read-only" in said and "are left" in said and "Traceback" not in said
    assert not (root / "etc/systemd/system/vramswap-helper.service").exists()
    # What there is goes when it can.
    assert await install.uninstall(root)
    assert set(everything(root)) == {"usr", "usr/share"}


async def test_a_way_that_others_may_change_is_refused(files: Path, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root, who alone may give files away")
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / "usr").mkdir(parents=True)
    (elsewhere / "deep").mkdir(parents=True)
    (root / "usr/local").symlink_to(elsewhere / "deep")
    await install.install(root, files, PROGRAMS)
    await install.uninstall(root)
    os.chown(elsewhere, 1234, 0)
    before = everything(tmp_path)
    with pytest.raises(VramswapError, match=f"may change {elsewhere}"):
        await install.install(root, files, PROGRAMS)
    assert everything(tmp_path) == before
    os.chown(elsewhere, 0, 0)
    (elsewhere / "deep").chmod(0o775)
    with pytest.raises(VramswapError, match="may change") as caught:
        await install.install(root, files, PROGRAMS)
    assert "chmod go-w" in caught.value.remedy


async def test_a_users_own_folders_are_safe_for_that_user(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a root that stands for a machine: whoever builds an image, or a package, does so as a user."""
    if os.geteuid():
        pytest.skip("needs root, who alone may give files away")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    for folder in (root, root / "etc"):
        os.chown(folder, 1234, 1234)
        folder.chmod(0o775)
    await install.install(root, files, PROGRAMS)
    for name in below(root):
        os.chown(root / name, 1234, 1234)
    await install.install(root, files, PROGRAMS)
    os.chown(root / "etc/systemd", 4321, 4321)
    with pytest.raises(VramswapError, match=f"may change {root}/etc/systemd"):
        await install.install(root, files, PROGRAMS)


def test_links_in_between_count(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root, who alone may give files away")
    program = tmp_path / "bin/program"
    program.parent.mkdir()
    program.touch()
    middle = tmp_path / "theirs"
    middle.mkdir()
    (middle / "hop").symlink_to(program)
    (tmp_path / "first").symlink_to(middle / "hop")
    install.require_safe(tmp_path / "first")
    os.chown(middle, 1234, 0)
    with pytest.raises(VramswapError, match=f"may change {middle}"):
        install.require_safe(tmp_path / "first")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(VramswapError, match="circles"):
        install.require_safe(tmp_path / "circle")


async def test_a_list_that_leads_elsewhere_removes_nothing_there(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    root = tmp_path / "root"
    manifest = root / install.MANIFEST
    manifest.parent.mkdir(parents=True)
    manifest.write_bytes(f"../victim\n{victim}\nusr/x\n\n".encode() + b"\xff\n")
    await install.uninstall(root)
    assert victim.exists()
