# SPDX-License-Identifier: MIT
"""The configuration file, which the helper writes, and an administrator too: settings, comments and mistakes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import re
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import Argument
from vramswap_gui.settings import SETTINGS, Config, config_from, config_of_another
from vramswap_gui.system import smallfile

_HEADER: Final = "# Settings of vramswap: vramswap.toml(5). `vramswapctl config KEY VALUE` changes them too.\n"
#: Seconds for which a file that somebody emptied or moved away is waited for.
WRITING: Final = 1.0
#: Seconds for which whoever writes it may leave it as it is before it counts so.
OPEN: Final = 10.0


class ConfigFile:
    """The file at ``path``; one that does not exist means the defaults.

    ``kept``: where the last good settings are kept for the next helper, until the machine starts anew.
    """

    def __init__(self, path: Path, kept: Path | None = None) -> None:
        self._path = path
        self._kept = kept
        self._data: bytes | None = None
        self._good: Config | None = None
        #: What is wrong with the file as it is, or only strange to this version; None while nothing is.
        self.trouble: VramswapError | None = None

    @property
    def folder(self) -> Path:
        """Where the file is, or would be."""
        return self._path.parent

    def load(self) -> Config:
        """The settings in force: those of the file, or the last good ones while it has a mistake (:attr:`trouble`).

        What this version does not know as a setting is passed over, and told: an older one or a newer one wrote it.

        Raises VramswapError CONFIG_INVALID, naming the file, the line and what is wrong there, when there never were
        good ones.
        """
        try:
            data, whole = self._read()
            if not (whole and data) and self._age() < (WRITING if whole else OPEN):
                self._good = self._good or self._recall()
                if self._good is not None:
                    return self._good
            if data != self._data or self._good is None:
                self._good, self.trouble = self._parse(data)
                self._data = data
                self._keep(self._good)
        except VramswapError as error:
            self.trouble, self._data = error, None
            if self._good is None:
                self._good = self._recall()
        if self._good is None:
            assert self.trouble is not None
            raise self.trouble
        return self._good

    def save(self, config: Config) -> None:
        """Write what is new in ``config`` into the file, at once or not at all; the rest of it stays as it is.

        Raises VramswapError: CONFIG_INVALID while there is a mistake in the file that this does not mend.
        """
        before = self.load()
        text = _edited(self._text(self._read()[0]), before, config, self._broken)
        if self._parse(text.encode())[0] != config:
            raise self._broken(Problem.CONFIG_PENDING)
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            # An administrator may keep the file elsewhere.
            _replace(self._path.resolve(), text)
        except (OSError, RuntimeError) as error:
            why = str(getattr(error, "strerror", None) or error)
            raise VramswapError(Problem.CONFIG_NOT_WRITTEN, path=str(self._path), why=why) from None
        self.load()

    def _age(self) -> float:
        """Seconds since the file was written, or moved away. Many editors empty it or move it, and then write."""
        for path in (self._path, self._path.parent):
            with contextlib.suppress(OSError):
                return abs(time.time() - path.stat().st_mtime)
        return math.inf

    def _read(self) -> tuple[bytes, bool]:
        """The file, and whether it is all there; nothing when there is none. Raises VramswapError."""
        try:
            data, whole = smallfile.settled(self._path, smallfile.LIMIT + 1)
        except FileNotFoundError:
            return b"", True
        except OSError as error:
            raise self._broken(Problem.CONFIG_UNREADABLE, why=str(error.strerror)) from None
        if len(data) > smallfile.LIMIT:
            raise self._broken(Problem.CONFIG_TOO_LARGE)
        return data, whole

    def _text(self, data: bytes) -> str:
        """Raises VramswapError. Editors of other systems begin a file with a byte order mark."""
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = 1 + data.count(b"\n", 0, error.start)
            raise self._broken(Problem.CONFIG_NOT_UTF8, line=line) from None

    def _parse(self, data: bytes) -> tuple[Config, VramswapError | None]:
        """The settings, and what in the file is none in this version. Raises VramswapError."""
        text = self._text(data)
        try:
            values = tomllib.loads(text)
        except RecursionError:
            raise self._broken(Problem.CONFIG_NESTED) from None
        except ValueError as error:
            place = re.fullmatch(
                r"(.*)\s\(at\s(?:line\s(\d+),\scolumn\s\d+|end\sof\sdocument)\)", str(error), re.DOTALL
            )
            if place is None:
                raise self._broken(Problem.CONFIG_BROKEN, why=str(error)) from None
            if place[2] is None:
                raise self._broken(Problem.CONFIG_CUT_OFF, why=place[1]) from None
            raise self._broken(Problem.CONFIG_NO_TOML, line=int(place[2]), why=place[1]) from None
        strange = ", ".join(key for key in values if key not in SETTINGS)
        known = {key: value for key, value in values.items() if key in SETTINGS}
        for key, value in known.items():
            try:
                config_from({key: value})
            except VramswapError as error:
                line = _line_of(key, text)
                if line is None:
                    raise self._broken(Problem.CONFIG_SETTING, why=error) from None
                raise self._broken(Problem.CONFIG_SETTING_IN_LINE, line=line, why=error) from None
        return config_from(known), self._broken(Problem.CONFIG_STRANGE, keys=strange) if strange else None

    def _keep(self, config: Config) -> None:
        """Leave the settings for a helper that takes over; a full /run costs no more than that."""
        if self._kept is not None:
            with contextlib.suppress(OSError):
                self._kept.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                _replace(self._kept, json.dumps(dataclasses.asdict(config)))

    def _recall(self) -> Config | None:
        """What the helper before left."""
        if self._kept is None:
            return None
        try:
            return config_of_another(json.loads(smallfile.data(self._kept)))
        except (OSError, ValueError, RecursionError, TypeError, AttributeError):
            return None

    def _broken(self, problem: Problem, **arguments: Argument) -> VramswapError:
        return VramswapError(problem, path=str(self._path), **arguments)


def changed(config: Config, values: dict[str, object]) -> Config:
    """``config`` with ``values`` in it, as far as the values suit each other. Raises VramswapError."""
    new = config_from(values, config)
    if new.maximum and new.size > new.maximum:
        if "size" in values:
            raise VramswapError(Problem.SIZE_ABOVE_MAXIMUM, size=new.size, maximum=new.maximum)
        new = dataclasses.replace(new, size=new.maximum)
    return new


def _edited(text: str, before: Config, config: Config, broken: Callable[..., VramswapError]) -> str:
    """``text`` with what differs between ``before`` and ``config`` written into it. Raises VramswapError."""
    # Only a write needs it.
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text or _HEADER)
        for key, setting in SETTINGS.items():
            value = getattr(config, key)
            if key in document:
                if value != getattr(before, key):
                    document[key] = value
            elif value != setting.default:
                document.add(key, value)
        return tomlkit.dumps(document)
    except (TOMLKitError, RecursionError, ValueError) as error:
        raise broken(Problem.CONFIG_BROKEN, why=str(error)) from None


def _line_of(key: str, text: str) -> int | None:
    """The line in which a key is set."""
    found = re.search(rf"^[ \t]*\[*[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[=.\]]", text, re.MULTILINE)
    return None if found is None else 1 + text.count("\n", 0, found.start())


def _replace(path: Path, text: str) -> None:
    """At once or not at all. Who may read it stays as it is; nobody but its owner may write it. Raises OSError."""
    mode = 0o644
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode & 0o755
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".config-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
