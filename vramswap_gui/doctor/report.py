# SPDX-License-Identifier: MIT
"""``vramswapctl report``: what a bug report needs, as one text, and nothing that tells whose machine it is.

Everything that is collected goes through :func:`redact`; nothing is sent anywhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import pwd
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vramswap_gui import __version__
from vramswap_gui.client import Client
from vramswap_gui.doctor import checks
from vramswap_gui.errors import VramswapError
from vramswap_gui.paths import HELPER_UNIT, SERVER_UNIT, SLEEP_UNIT
from vramswap_gui.plain import plain
from vramswap_gui.settings import SETTINGS
from vramswap_gui.system import run, smallfile
from vramswap_gui.text.language import ENGLISH

_UNITS: Final = (HELPER_UNIT, SERVER_UNIT, SLEEP_UNIT)
_LINES: Final = 200
_LONGEST: Final = 2000
#: Nothing that hangs keeps the rest of the report back.
_SECONDS: Final = 20.0
#: The kernel's lines that have to do with swap, its devices and the driver.
_KERNEL: Final = r"nbd|ublk|swap|NVRM|nvidia|oom-kill|Out of memory"
#: Where people's accounts begin, and the one that stands for nobody (login.defs(5)).
_FIRST_PERSON, _NOBODY = 1000, 65534

#: What gives a machine or a person away whoever it is, and what stands in its place.
_PATTERNS: Final = (
    (re.compile(r"/home/[^/\s:\"']+"), "<home>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE), "<id>"),
)


def redact(text: str, names: Mapping[str, str]) -> str:
    """``text`` without home folders, UUIDs, hardware addresses, machine IDs and ``names``, each with what replaces it.

    A name is found in any case, and as a part of a longer one: after a dash or an underscore, and with its dashes
    doubled as LVM does in the names of devices.
    """
    spelt = {form: place for name, place in names.items() if name for form in (name, name.replace("-", "--"))}
    # Paths first: they have names in them.
    for name in sorted((name for name in spelt if name.startswith("/")), key=len, reverse=True):
        text = re.sub(re.escape(name) + r"(?![\w.-])", spelt[name], text)
    for pattern, place in _PATTERNS:
        text = pattern.sub(place, text)
    for name in sorted((name for name in spelt if not name.startswith("/")), key=len, reverse=True):
        text = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", spelt[name], text, flags=re.IGNORECASE)
    return text


def private_names() -> dict[str, str]:
    """The names that this machine and its people have, and what stands in their place."""
    host = platform.node()
    names = {host: "<host>", host.partition(".")[0]: "<host>"}
    for variable in ("USER", "LOGNAME", "SUDO_USER"):
        names[os.environ.get(variable, "")] = "<user>"
    for account in pwd.getpwall():
        if _FIRST_PERSON <= account.pw_uid != _NOBODY:
            names |= {account.pw_name: "<user>", account.pw_gecos.partition(",")[0]: "<user>", account.pw_dir: "<home>"}
    # Root is on every machine, and says nothing.
    for common in ("", "root", "localhost", "/", "/root"):
        names.pop(common, None)
    return names


async def compose() -> str:
    """The whole report. What cannot be found out is said to be so; nothing is raised."""
    parts = {
        "versions": await _versions(),
        "doctor": "\n".join(f"{check.verdict:<8} {check.name}: {ENGLISH.say(check.found)}" for check in checks.look()),
        "status and settings": await _helper(),
        "/proc/swaps": _text("/proc/swaps"),
        "/proc/meminfo": _text("/proc/meminfo"),
        "/proc/pressure/memory": _text("/proc/pressure/memory"),
        "journal of vramswap": await _journal(*(word for unit in _UNITS for word in ("--unit", unit))),
        "journal of the kernel": await _journal("--dmesg", f"--grep={_KERNEL}"),
    }
    text = "\n".join(f"== {title}\n{body.strip() or '(nothing)'}\n" for title, body in parts.items())
    # What the kernel and others say may be anything: it becomes text that can be shown and pasted, line by line.
    return "\n".join(plain(line.expandtabs(), _LONGEST) for line in redact(text, private_names()).split("\n"))


async def _versions() -> str:
    kernel = platform.uname()
    system = await _run("systemctl", "--version")
    release = dict(line.split("=", 1) for line in _text("/etc/os-release").splitlines() if "=" in line)
    lines = {
        "vramswap": __version__,
        "Python": platform.python_version(),
        "kernel": f"{kernel.release} {kernel.machine}",
        "distribution": release.get("PRETTY_NAME", "unknown").strip('"'),
        "systemd": system.output.partition("\n")[0] or "none",
        "desktop": " ".join(os.environ.get(name, "") for name in ("XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE")),
    }
    return "\n".join(f"{name:<14}{value}" for name, value in lines.items())


async def _helper() -> str:
    client = Client()
    try:
        async with asyncio.timeout(_SECONDS):
            status = await client.connect()
            config = await client.get_config()
    except TimeoutError:
        return f"no answer within {_SECONDS:.0f} seconds"
    except VramswapError as error:
        return str(error)
    finally:
        await client.close()
    settings = "\n".join(f"{key} = {declared.show(getattr(config, key))}" for key, declared in SETTINGS.items())
    return f"{json.dumps(status.as_dict(), indent=2, ensure_ascii=False)}\n{settings}"


async def _journal(*selection: str) -> str:
    """The last lines of this boot."""
    done = await _run(
        "journalctl", "--no-pager", "--boot", "--no-hostname", f"--lines={_LINES}", "--output=short-precise", *selection
    )
    return f"{done.errors}\n{done.output}"


async def _run(*command: str) -> run.Finished:
    """A program, which is given some time."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await run.run(*command)
    except (TimeoutError, OSError) as error:
        return run.Finished(1, "", f"{command[0]} did not answer ({type(error).__name__})")


def _text(path: str) -> str:
    try:
        return smallfile.decode(smallfile.data(Path(path)))
    except OSError:
        return "(cannot be read)"
