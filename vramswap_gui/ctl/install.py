"""Places the system files of an installation with pip or pipx, and removes exactly those again.

A wheel has them in its folder ``files``, laid out as below /usr (packaging/stage.py). A distribution's package has no
such folder: there the package manager does this. Nothing here is of use to somebody who is not root.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.system import ours, run

FILES: Final = Path(__file__).parent / "files"
#: Below the root: the paths that were placed, one a line, folders that were made for them with a slash at the end.
MANIFEST: Final = "usr/local/share/vramswap/installed"

#: What a path below /usr begins with, and what becomes of it below /: an administrator's place, where its reader looks
#: there too. polkit (before version 124) and many dbus-daemons read no policy in /usr/local.
_PLACES: Final = (
    ("share/dbus-1/system.d/", "etc/dbus-1/system.d/"),
    ("share/polkit-1/", "usr/share/polkit-1/"),
    ("lib/systemd/", "etc/systemd/"),
    ("share/zsh/vendor-completions/", "usr/local/share/zsh/site-functions/"),
    ("", "usr/local/"),
)
#: The files that name a program, and where in a line they do.
_STARTERS: Final = (".service", ".desktop")
_PROGRAM: Final = re.compile(r"^(Exec\w*=[-+!@:]*)(?:/usr/(?:bin|libexec)/)?(?=vramswap)", re.MULTILINE)
_ENABLED: Final = "vramswap-sleep.service"
_HELPER: Final = "vramswap-helper.service"
_SERVER: Final = "vramswap-server.service"


def placed(name: str) -> str:
    """Where a file goes, below /, that would be at ``name`` below /usr."""
    return next(place + name.removeprefix(start) for start, place in _PLACES if name.startswith(start))


async def install(root: Path = Path("/"), files: Path = FILES, programs: Path | None = None) -> list[str]:
    """Place the files below ``root`` and, when that is the machine itself, have systemd and D-Bus take note.

    ``programs``: the folder of the programs that the files start; this installation's if it is None. Returns the paths.
    Raises VramswapError before anything is changed, or when systemd refuses.
    """
    programs = programs or Path(sysconfig.get_path("scripts"))
    if _is_machine(root):
        _require_root()
        require_safe(programs / "vramswap-helper", Path(__file__), Path(sys.executable))
    paths = _place(root, files, programs)
    if _is_machine(root):
        await _systemd("daemon-reload")
        await _systemd("enable", _ENABLED)
        await _systemd("reload", "dbus.service")
    return [f"/{path}" for path in paths]


def _place(root: Path, files: Path, programs: Path) -> list[str]:
    if not files.is_dir():
        raise _impossible("There are no system files in this installation.", "Install a package, or a wheel with pip.")
    before = _manifest(root)
    wanted = {placed(str(path.relative_to(files))): path for path in sorted(files.rglob("*")) if path.is_file()}
    foreign = [path for path in wanted if path not in before and os.path.lexists(root / path)]
    if foreign:
        raise _impossible(f"/{foreign[0]} is there already and not from here.", "Remove the other installation first.")
    folders = [path for path in before if path.endswith("/")] + list(_missing(root, [*wanted, MANIFEST]))
    for folder in folders:
        (root / folder).mkdir(mode=0o755, exist_ok=True)
    # Before the first file, so that an installation that breaks off can be taken back.
    _write_manifest(root, [*folders, *{*before, *wanted} - {*folders}])
    for path, source in wanted.items():
        data = source.read_bytes()
        if source.suffix in _STARTERS:
            data = _PROGRAM.sub(rf"\g<1>{programs}/", data.decode()).encode()
        (root / path).write_bytes(data)
        (root / path).chmod(0o644)
    _remove(root, [path for path in before if not path.endswith("/") and path not in wanted])
    _write_manifest(root, [*folders, *wanted])
    return list(wanted)


async def uninstall(root: Path = Path("/")) -> list[str]:
    """Remove what :func:`install` placed. Returns the paths. Raises VramswapError before anything is changed."""
    paths = _manifest(root)
    if not paths:
        raise _impossible("`vramswapctl install` placed nothing here.", "A package is removed by its package manager.")
    if _is_machine(root):
        _require_root()
    if _lending(root):
        raise VramswapError(
            ErrorCode.BUSY, "Swap in video memory is on, and its pages would be lost.",
            "Turn it off, then try again: `vramswapctl off`",
        )  # fmt: skip
    if _is_machine(root):
        with contextlib.suppress(VramswapError):
            await _systemd("disable", _ENABLED, _HELPER)
        for command in (("stop", _HELPER), ("kill", "--signal=TERM", _SERVER)):
            # Neither need run.
            with contextlib.suppress(VramswapError):
                await _systemd(*command)
        if not _booted():
            _end_helper()
    _remove(root, [*paths, MANIFEST])
    if _is_machine(root):
        await _systemd("daemon-reload")
        await _systemd("reload", "dbus.service")
    return [f"/{path}" for path in paths if not path.endswith("/")]


def require_safe(*paths: Path) -> None:
    """Raises VramswapError when others than root may change what root is to run: a path, or a folder above it."""
    for path in paths:
        for real in {path.absolute(), path.resolve()}:
            for part in (real, *real.parents):
                found = part.lstat()
                sticky = found.st_mode & stat.S_ISVTX
                writable = found.st_mode & 0o022 and not sticky and not stat.S_ISLNK(found.st_mode)
                if found.st_uid or writable:
                    raise _impossible(
                        f"Others than root may change {part}, and with it what the helper runs as root.",
                        "Install for everybody: `sudo pipx install --global`, or as root in a venv below /opt.",
                    )


def _is_machine(root: Path) -> bool:
    return root.resolve() == Path("/")


def _booted() -> bool:
    """Whether systemd runs this machine (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def _require_root() -> None:
    if os.geteuid():
        raise VramswapError(
            ErrorCode.NOT_AUTHORIZED, "Only root may place system files.", f"sudo {Path(sys.argv[0]).absolute()} …"
        )


def _lending(root: Path) -> bool:
    return bool(ours.areas(root / "run/vramswap", root / "proc", root / "sys"))


def _manifest(root: Path) -> list[str]:
    try:
        return (root / MANIFEST).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _write_manifest(root: Path, paths: list[str]) -> None:
    (root / MANIFEST).write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")


def _end_helper() -> None:
    """Without systemd the bus started it, and nobody else ends it."""
    program = bytes(Path(sysconfig.get_path("scripts")) / "vramswap-helper")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if program in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGTERM)


def _missing(root: Path, paths: list[str]) -> Iterator[str]:
    """The folders that are not there, the outer before the inner, each with a slash."""
    folders = {folder for path in paths for folder in Path(path).parents}
    return (f"{folder}/" for folder in sorted(folders) if not (root / folder).is_dir())


def _remove(root: Path, paths: list[str]) -> None:
    for path in paths:
        if not path.endswith("/"):
            (root / path).unlink(missing_ok=True)
    for path in sorted(paths, reverse=True):
        if path.endswith("/"):
            # Others may have put something there since.
            with contextlib.suppress(OSError):
                (root / path).rmdir()


async def _systemd(*arguments: str) -> None:
    """Raises VramswapError. Without systemd there is nothing to tell."""
    if not _booted():
        return
    done = await run.run("systemctl", *arguments)
    if done.status:
        raise VramswapError(
            ErrorCode.INTERNAL, f"systemctl {' '.join(arguments)} failed: {done.complaint}.", "Try it by hand, as root."
        )


def _impossible(message: str, remedy: str) -> VramswapError:
    return VramswapError(ErrorCode.INVALID_ARGUMENT, message, remedy)
