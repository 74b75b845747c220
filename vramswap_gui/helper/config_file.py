"""The configuration file, which the helper alone writes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import tomllib
from pathlib import Path

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import SETTINGS, Config, config_from


class ConfigFile:
    """The file at ``path``; one that does not exist means the defaults."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Config:
        """Raises VramswapError CONFIG_INVALID, naming the file and what is wrong in it."""
        try:
            values = tomllib.loads(self._path.read_text(encoding="utf-8"))
            return config_from(values)
        except FileNotFoundError:
            return Config()
        except (OSError, ValueError) as error:
            raise self._invalid(str(error)) from None
        except VramswapError as error:
            raise self._invalid(error.message) from None

    def save(self, config: Config) -> None:
        """Replace the file at once or not at all; settings at their default are left out. Raises VramswapError."""
        lines = ["# Written by vramswap-helper. Change it with `vramswapctl config KEY VALUE`."]
        for key, setting in SETTINGS.items():
            value = getattr(config, key)
            if value != setting.default:
                # A JSON string of printable characters is a TOML string too.
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._replace("\n".join(lines) + "\n")
        except OSError as error:
            raise VramswapError(
                ErrorCode.INTERNAL,
                f"{self._path} could not be written: {error.strerror}.",
                "Check the file system; the old settings are in force.",
            ) from None

    def _replace(self, text: str) -> None:
        fd, name = tempfile.mkstemp(dir=self._path.parent, prefix=".config-")
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fchmod(fd, 0o644)
                os.fsync(fd)
            Path(name).replace(self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def _invalid(self, why: str) -> VramswapError:
        return VramswapError(
            ErrorCode.CONFIG_INVALID,
            f"{self._path}: {why}",
            "Mend the file, or remove it to go back to the defaults.",
        )


def changed(config: Config, values: dict[str, object]) -> Config:
    """``config`` with ``values`` in it, as far as the values suit each other. Raises VramswapError."""
    new = config_from(values, config)
    if new.maximum and new.size > new.maximum:
        if "size" in values:
            raise VramswapError(
                ErrorCode.INVALID_ARGUMENT,
                f"{SETTINGS['size'].show(new.size)} is more than the largest size allowed here, "
                f"{SETTINGS['maximum'].show(new.maximum)}.",
                "Choose a smaller size, or have an administrator raise the setting “maximum”.",
            )
        new = dataclasses.replace(new, size=new.maximum)
    return new
