# SPDX-License-Identifier: MIT
"""A pytest plugin: makes a run independent of who starts it, in one place and before anything is collected.

A shell's ``&`` and nohup(1) leave signals ignored, cron and CI have no terminal and another umask, a desktop exports
its buses and its displays, a unit its sockets, and make(1) its flags. All of that would be inherited by every program
that a test starts.
"""

from __future__ import annotations

import locale
import os
import resource
import signal
import sys
from typing import Final

#: Variables, by name or by the beginning of it, that tell of a session, a terminal, a language or a caller.
FOREIGN: Final = (
    "LC_", "LANGUAGE", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR",
    "DISPLAY", "WAYLAND_", "XAUTHORITY", "XDG_", "QT_", "GTK_", "GDK_", "DBUS_", "DESKTOP_", "GNOME_", "KDE_",
    "NOTIFY_SOCKET", "LISTEN_", "JOURNAL_STREAM", "INVOCATION_ID", "WATCHDOG_", "SYSTEMD_",
    "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS", "SOURCE_DATE_EPOCH", "DEB_", "DH_",
    "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "PYTHONSAFEPATH", "PYTHONOPTIMIZE",
    "POSIXLY_CORRECT", "MANPAGER", "MANWIDTH", "PAGER",
    "VRAMSWAP_", "FAKEGPU_",
)  # fmt: skip
LANGUAGE: Final = "C.UTF-8"

#: As a login has them: what may be used of each resource, unless the hard limit is lower; None: as much as it allows.
LIMITS: Final[dict[int, int | None]] = {
    resource.RLIMIT_AS: None,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_CPU: None,
    resource.RLIMIT_DATA: None,
    resource.RLIMIT_FSIZE: None,
    resource.RLIMIT_MEMLOCK: None,
    resource.RLIMIT_NOFILE: 1024,
    resource.RLIMIT_NPROC: None,
    resource.RLIMIT_STACK: 8 << 20,
}


def _reset_signals() -> None:
    """Python ignores SIGPIPE and SIGXFSZ itself, and gives both back to the programs that it starts."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _reset_limits() -> None:
    for which, wanted in LIMITS.items():
        _, hard = resource.getrlimit(which)
        if wanted is None or (hard != resource.RLIM_INFINITY and wanted > hard):
            wanted = hard
        resource.setrlimit(which, (wanted, hard))


def _reset_environment() -> None:
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    # The readline library, which pytest loads, sets these without Python's knowledge.
    for name in ("COLUMNS", "LINES"):
        os.unsetenv(name)
    os.environ |= {"LANG": LANGUAGE, "TERM": "xterm"}
    # This process has read the old ones already: it decodes what programs write, and keeps what it compiles. Images of
    # containers have Python keep nothing, and then each of the thousands of programs would be compiled as it starts.
    locale.setlocale(locale.LC_ALL, LANGUAGE)
    sys.dont_write_bytecode, sys.pycache_prefix = False, None


def reset() -> None:
    """Have this process, and so all that it starts, inherit nothing that matters."""
    os.umask(0o022)
    _reset_signals()
    _reset_limits()
    _reset_environment()


reset()
