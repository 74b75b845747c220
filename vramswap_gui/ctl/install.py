# SPDX-License-Identifier: MIT
"""Places the system files of an installation with pip or pipx, and removes exactly those again.

A wheel has them in its folder ``files``, laid out as below /usr (packaging/stage.py). A distribution's package has no
such folder: there the package manager does this. Nothing here is of use to somebody who is not root.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from vramswap_gui.ctl import services
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import Phrase, say
from vramswap_gui.helper.landing import LandingPlace
from vramswap_gui.paths import AT_BOOT, ELOGIND, HELPER_UNIT, RUNTIME, SLEEP_UNIT, STATE, below
from vramswap_gui.settings import LANDING_AUTO
from vramswap_gui.system import ours, ownership, smallfile, swaps

FILES: Final = Path(__file__).parent / "files"
#: Below the root: the paths that were placed, one a line, folders that were made for them with a slash at the end.
MANIFEST: Final = "usr/local/share/vramswap/installed"

#: What enables the sleep unit (its ``RequiredBy=``), below the root. It is listed once this has enabled it: whether it
#: is enabled from then on is the administrator's affair.
_SLEEP_LINK: Final = f"etc/systemd/system/sleep.target.requires/{SLEEP_UNIT}"
#: Where the links are that enable the helper's, below the root. They go after the unit: a helper that a tray brought
#: back in between would take that for an administrator's word, and write it into the settings (helper/at_boot.py).
_WANTING: Final = "etc/systemd/system/*"

_ELOGIND: Final = str(ELOGIND.relative_to("/"))
#: What a path below /usr begins with, and what becomes of it below /: an administrator's place, where its reader looks
#: there too. polkit (before version 124) and many dbus-daemons read no policy in /usr/local, and eudev no rules.
_PLACES: Final = (
    ("share/dbus-1/system.d/", "etc/dbus-1/system.d/"),
    ("share/polkit-1/", "usr/share/polkit-1/"),
    ("lib/systemd/", "etc/systemd/"),
    ("lib/udev/", "etc/udev/"),
    ("share/zsh/vendor-completions/", "usr/local/share/zsh/site-functions/"),
    ("share/vramswap/openrc/", "etc/init.d/"),
    ("share/vramswap/elogind/vramswap.conf", f"{_ELOGIND}/sleep.conf.d/vramswap.conf"),
    ("share/vramswap/elogind/", f"{_ELOGIND}/system-sleep/"),
    ("", "usr/local/"),
)
#: What is placed only where somebody reads it: the start of its place, and what that one has below the root.
_READERS: Final = (("etc/init.d/", "sbin/openrc-run"), (f"{_ELOGIND}/", _ELOGIND))
#: The files that name a program, and where in a line they do. A script may name one anywhere.
_STARTERS: Final = (".service", ".desktop")
_PROGRAM: Final = re.compile(rb"^(Exec\w*=[-+!@:]*)(?:/usr/(?:bin|libexec)/)?(?=vramswap)", re.MULTILINE)
_IN_SCRIPT: Final = re.compile(rb"()/usr/(?:bin|libexec)/(?=vramswap)")
_SCRIPT: Final = b"#!"


def placed(name: str) -> str:
    """Where a file goes, below /, that would be at ``name`` below /usr."""
    return next(place + name.removeprefix(start) for start, place in _PLACES if name.startswith(start))


async def install(root: Path = Path("/"), files: Path = FILES, programs: Path | None = None) -> list[str]:
    """Place the files below ``root`` and, when that is the machine itself, have its services take note.

    ``programs``: the folder of the programs that the files start; this installation's if it is None. Returns the paths.
    Raises VramswapError; then everything is as it was before.
    """
    programs = programs or Path(sysconfig.get_path("scripts"))
    if _is_machine(root):
        _require_root()
        require_safe(programs / "vramswap-helper", Path(__file__), Path(sys.executable))
    contents = {path: data for path, data in _contents(files, programs).items() if _is_read(root, path)}
    before = _manifest(root)
    _require_free(root, [path for path in contents if path not in before])
    for path in (*contents, MANIFEST):
        _require_safe_way(root, path)
    with contextlib.ExitStack() as undo:
        _place(root, contents, before, undo)
        if _is_machine(root):
            await _take_note(root, undo)
        undo.pop_all()
    if _is_machine(root):
        await services.try_helper_again()
    return [f"/{path}" for path in contents]


def _require_free(root: Path, paths: Iterable[str]) -> None:
    """Raises VramswapError when somebody else has placed one of them."""
    foreign = next((path for path in paths if os.path.lexists(root / path)), None)
    if foreign is not None:
        raise VramswapError(Problem.INSTALL_FOREIGN, path=f"/{foreign}")


def _is_read(root: Path, path: str) -> bool:
    """Whether there is somebody who reads what is placed there."""
    return all((root / reader).exists() for start, reader in _READERS if path.startswith(start))


def _contents(files: Path, programs: Path) -> dict[str, bytes]:
    """Each file to be there, below the root, and what is in it. Raises VramswapError."""
    try:
        found = {placed(str(path.relative_to(files))): path for path in sorted(files.rglob("*")) if path.is_file()}
        contents = {place: (path.suffix in _STARTERS, path.read_bytes()) for place, path in found.items()}
    except OSError as error:
        raise VramswapError(Problem.INSTALL_BROKEN, path=str(error.filename), why=str(error.strerror)) from None
    if not contents:
        raise VramswapError(Problem.INSTALL_EMPTY)
    program = os.fsencode(programs) + b"/"

    def started(starts: bool, data: bytes) -> bytes:
        pattern = _PROGRAM if starts else _IN_SCRIPT if data.startswith(_SCRIPT) else None
        return data if pattern is None else pattern.sub(lambda match: match[1] + program, data)

    return {place: started(*content) for place, content in contents.items()}


def _place(root: Path, contents: Mapping[str, bytes], before: Sequence[str], undo: contextlib.ExitStack) -> None:
    """Place all files, each with a way back in ``undo``. Raises VramswapError."""
    folders = [path for path in before if path.endswith("/")] + list(_missing(root, [*contents, MANIFEST]))
    lasting = [*folders, *contents, *(path for path in before if path == _SLEEP_LINK)]
    gone = [path for path in before if path not in lasting]
    doing = MANIFEST
    try:
        for doing in folders:
            if not (root / doing).is_dir():
                (root / doing).mkdir(mode=0o755)
                undo.callback(_try, (root / doing).rmdir)
        # Before the first file, so that an installation that is killed can be taken back.
        _put(root / MANIFEST, _listed([*lasting, *gone]), undo)
        for doing, data in contents.items():
            _put(root / doing, data, undo)
        for doing in gone:
            _put(root / doing, None, undo)
        _put(root / MANIFEST, _listed(lasting), undo)
    except OSError as error:
        raise _unwritable(f"/{doing}", error, say("Nothing was changed.")) from None


def _put(path: Path, data: bytes | None, undo: contextlib.ExitStack) -> None:
    """Give a file another content, at once or not at all, or remove it (None). Raises OSError."""
    try:
        old = path.read_bytes()
    except FileNotFoundError:
        old = None
    undo.callback(_try, lambda: _write(path, old))
    _write(path, data)


def _write(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(f".{path.name}.vramswap")
    try:
        fresh.write_bytes(data)
        fresh.chmod(0o755 if data.startswith(_SCRIPT) else 0o644)
        fresh.replace(path)
    except OSError:
        _try(lambda: fresh.unlink(missing_ok=True))
        raise


def _try(do: Callable[[], object]) -> None:
    """What is done on the way back, as far as it can be."""
    with contextlib.suppress(OSError):
        do()


async def _take_note(root: Path, undo: contextlib.ExitStack) -> None:
    """Have those take note who read the files. Whatever is raised, VramswapError among it, all is as before then."""
    before = _manifest(root)
    first = _SLEEP_LINK not in before
    enables = first and not _is_there(root / _SLEEP_LINK)
    try:
        await services.systemd("daemon-reload")
        if first and services.booted():
            await services.systemd("enable", SLEEP_UNIT)
            _note(root, [*before, _SLEEP_LINK], undo)
        await services.systemd("reload", "dbus.service")
        # Else the first caller on the bus would wait for it.
        await services.openrc("rc-update", "--update")
    except BaseException:
        if enables:
            await services.try_systemd("disable", SLEEP_UNIT)
        undo.close()
        # What they have read is not there any more.
        await services.try_systemd("daemon-reload")
        await services.try_systemd("reload", "dbus.service")
        raise


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _note(root: Path, paths: Iterable[str], undo: contextlib.ExitStack) -> None:
    """Raises VramswapError."""
    try:
        _put(root / MANIFEST, _listed(paths), undo)
    except OSError as error:
        raise _unwritable(f"/{MANIFEST}", error, say("Nothing was changed.")) from None


async def uninstall(root: Path = Path("/")) -> list[str]:
    """Remove what :func:`install` placed, as far as it is there. Returns the paths.

    Raises VramswapError while all of it is there and runs, or with what could not be removed when the rest is gone.
    """
    paths = _manifest(root)
    if not paths:
        raise VramswapError(Problem.INSTALL_ABSENT)
    if _is_machine(root):
        _require_root()
    _require_unlent(root)
    if _is_machine(root):
        await _bring_landed_home(root)
        await _stop_all(root)
    left = _remove(root, paths)
    if _is_machine(root):
        # A tray that is open has the bus start it again and again, until the bus knows nothing of it.
        await services.try_systemd("reload", "dbus.service")
        await services.stop_helper(root / "proc")
        if not left:
            await services.forget_helper()
        await services.try_systemd("daemon-reload")
        _remove_places(root)
    if left:
        path, error = next(iter(left.items()))
        outcome = say("{left:number} of {count:number} paths are left.", left=len(left), count=len(paths))
        raise _unwritable(path, error, outcome)
    return [f"/{path}" for path in paths if not path.endswith("/")]


def _require_unlent(root: Path) -> None:
    """Raises VramswapError while pages may be in VRAM."""
    if _is_lent(root):
        raise VramswapError(Problem.SWAP_IS_ON)


def _is_lent(root: Path) -> bool:
    return bool(ours.areas(below(root, RUNTIME), root / "proc", root / "sys"))


async def _bring_landed_home(root: Path) -> None:
    """Pages that landed on a disk, which nobody else brings home. Raises VramswapError."""
    place = LandingPlace(below(root, STATE), below(root, RUNTIME), root / "proc", root / "sys", outside=False)
    try:
        await place.find(LANDING_AUTO)
        used = place.areas(swaps.read(root / "proc"))
    except OSError:
        # A kernel without swap.
        return
    for number in list(place.files):
        if number in used:
            try:
                await place.empty(number)
            except VramswapError as error:
                raise VramswapError(Problem.LANDED_STAYS, why=error) from None
        await place.remove(number)


async def _stop_all(root: Path) -> None:
    """Raises VramswapError, and all goes on, when the helper had its reasons to lend before it was stopped."""
    await services.stop_helper(root / "proc")
    try:
        _require_unlent(root)
    except VramswapError:
        await services.start_helper()
        raise
    await services.disable_sleep()
    await services.stop_server(root / "proc")


def _remove_places(root: Path) -> None:
    """What is left but for settings. A server that serves on is found there by the next helper."""
    if not _is_lent(root):
        shutil.rmtree(below(root, RUNTIME), ignore_errors=True)
    state = below(root, STATE)
    # That the unit is disabled with the rest says nothing of the setting.
    _try(lambda: (state / AT_BOOT).unlink(missing_ok=True))
    _try(state.rmdir)


def require_safe(*paths: Path) -> None:
    """Raises VramswapError when others than root may change what root is to run, or a folder or link on the way."""
    for path in paths:
        for part in _way(path.absolute()):
            if _is_foreign(part):
                raise VramswapError(Problem.INSTALL_OPEN_PROGRAM, path=str(part))


def _require_safe_way(root: Path, path: str) -> None:
    """Raises VramswapError when others may change a folder or link on the way to what is to be placed.

    Others than root, that is, and than the user who places it below another root.
    """
    outside = set(_way(root.resolve()))
    for part in _way(root.resolve() / path):
        if part not in outside and os.path.lexists(part) and _is_foreign(part) and not _is_own(part):
            raise VramswapError(Problem.INSTALL_OPEN_FOLDER, path=str(part))


def _is_own(part: Path) -> bool:
    """Whether it is that of a user who runs this. Root's own may still be open to others."""
    user = os.geteuid()
    return bool(user) and part.lstat().st_uid == user


def _is_foreign(part: Path) -> bool:
    """Whether others than root may change it. Raises VramswapError."""
    try:
        return ownership.is_foreign(part)
    except OSError as error:
        raise VramswapError(Problem.INSTALL_BROKEN, path=str(part), why=str(error.strerror)) from None


def _way(path: Path) -> Iterator[Path]:
    """Everything on the way to a path. Raises VramswapError."""
    try:
        yield from ownership.way(path)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise VramswapError(Problem.INSTALL_CIRCLE, path=str(path)) from None


def _is_machine(root: Path) -> bool:
    return root.resolve() == Path("/")


def _require_root() -> None:
    if os.geteuid():
        raise VramswapError(Problem.NOT_ROOT, program=str(Path(sys.argv[0]).absolute()))


def _manifest(root: Path) -> list[str]:
    """What was placed; nothing that leads elsewhere."""
    lines = smallfile.text(root / MANIFEST).split("\n")
    return [path for path in lines if path and not path.startswith("/") and ".." not in Path(path).parts]


def _listed(paths: Iterable[str]) -> bytes:
    return "".join(f"{path}\n" for path in dict.fromkeys(paths)).encode()


def _missing(root: Path, paths: list[str]) -> Iterator[str]:
    """The folders that are not there, the outer before the inner, each with a slash."""
    folders = {folder for path in paths for folder in Path(path).parents}
    return (f"{folder}/" for folder in sorted(folders) if not (root / folder).is_dir())


def _remove(root: Path, paths: Sequence[str]) -> dict[str, OSError]:
    """Remove files, then the folders that are empty, the list of them last. Returns what is left, and why."""
    left: dict[str, OSError] = {}
    for path in (path for path in paths if not path.endswith("/")):
        try:
            (root / path).unlink(missing_ok=True)
        except OSError as error:
            left[f"/{path}"] = error
    if not left:
        _remove_links(root)
        try:
            (root / MANIFEST).unlink(missing_ok=True)
        except OSError as error:
            left[f"/{MANIFEST}"] = error
    for path in sorted(paths, reverse=True):
        if path.endswith("/"):
            # Others may have put something there since.
            _try((root / path).rmdir)
    return left


def _remove_links(root: Path) -> None:
    """As systemctl does it while there is a unit to disable."""
    for folder in root.glob(_WANTING):
        with contextlib.suppress(OSError):
            (folder / HELPER_UNIT).unlink()
            folder.rmdir()


def _unwritable(path: str, error: OSError, outcome: Phrase) -> VramswapError:
    problems = {
        errno.EROFS: Problem.INSTALL_READ_ONLY,
        errno.ENOSPC: Problem.INSTALL_NO_SPACE,
        errno.EDQUOT: Problem.INSTALL_NO_SPACE,
    }
    problem = problems.get(error.errno or 0, Problem.INSTALL_NOT_WRITTEN)
    return VramswapError(problem, path=path, why=str(error.strerror or error), outcome=outcome)
