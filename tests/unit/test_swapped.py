# SPDX-License-Identifier: MIT
"""Who has memory in swap, on a /proc and on desktop files that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from vramswap_gui.system import swapped
from vramswap_gui.system.swapped import Process
from vramswap_gui.tray.desktop_files import Application, Applications
from vramswap_gui.units import MIB

USER = "0::/user.slice/user-1000.slice/user@1000.service/app.slice"


@pytest.mark.parametrize(
    ("cgroup", "application"),
    [
        (f"{USER}/app-gnome-org.mozilla.firefox-12345.scope", "org.mozilla.firefox"),
        (f"{USER}/app-gnome-google\\x2dchrome-4711.scope", "google-chrome"),
        (f"{USER}/app-org.kde.konsole-9c4f0c5e1d8b.scope", "org.kde.konsole"),
        (f"{USER}/app-org.kde.kate@0f2d.service", "org.kde.kate"),
        (f"{USER}/app-gnome-gnome\\x2dterminal@autostart.service", "gnome-terminal"),
        (f"{USER}/app-flatpak-org.gimp.GIMP-2718.scope", "org.gimp.GIMP"),
        (f"{USER}/app-org.gnome.Terminal.slice/vte-spawn-7f4d.scope", ""),
        (f"{USER}/app-org.kde.konsole-12ab.scope/tab(99).scope", "org.kde.konsole"),
        (f"{USER}/snap.firefox.firefox-9b0c1f3a.scope", "firefox_firefox"),
        ("0::/user.slice/user-1000.slice/session-2.scope", ""),
        ("0::/system.slice/apport.service", ""),
        ("", ""),
    ],
)
def test_the_application_of_a_cgroup(cgroup: str, application: str) -> None:
    assert swapped.application(cgroup) == application


def test_a_users_processes_with_memory_in_swap(tmp_path: Path) -> None:
    def process(pid: int, uid: int, swap: str, name: str = "x") -> None:
        (tmp_path / str(pid)).mkdir()
        text = f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
        (tmp_path / str(pid) / "status").write_bytes((text + (f"VmSwap:\t  {swap} kB\n" if swap else "")).encode())

    process(10, 1000, "2048", "firefox")
    (tmp_path / "10/cgroup").write_text(f"{USER}/app-gnome-firefox-10.scope\n")
    process(11, 1000, "0")
    process(12, 0, "9999")
    # A thread of the kernel has no memory.
    process(13, 1000, "")
    process(14, 1000, "lots")
    (tmp_path / "15").mkdir()
    assert swapped.read(1000, tmp_path) == (Process(10, "firefox", "firefox", 2 * MIB),)
    assert swapped.read(1000, tmp_path / "nothing") == ()


@pytest.fixture
def applications(tmp_path: Path) -> Applications:
    files = {
        "home/firefox.desktop": "[Desktop Entry]\nType=Application\nName=My Firefox\nIcon=ff\nExec=firefox %u\n",
        "usr/firefox.desktop": "[Desktop Entry]\nType=Application\nName=Firefox\nIcon=firefox\nExec=firefox %u\n",
        "usr/kde/kate.desktop": "# A note\n[Desktop Entry]\nName=Kate\nName[de]=Käthe\nType=Application\n"
        "Exec=/usr/bin/kate-of-a-long-name -b\n[Desktop Action new]\nName=New\nIcon=new\n",
        "usr/link.desktop": "[Desktop Entry]\nType=Link\nName=No program\n",
        "usr/broken.desktop": "\x00\xff",
        "usr/empty.desktop": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Applications([tmp_path / "home", tmp_path / "missing", tmp_path / "usr"], ["de_AT", "de"])


@pytest.mark.parametrize(
    ("identity", "program", "found"),
    [
        ("firefox", "Web Content", Application("My Firefox", "ff")),
        ("", "firefox", Application("My Firefox", "ff")),
        ("kde-kate", "", Application("Käthe", "")),
        ("", "kate-of-a-long-", Application("Käthe", "")),
        ("unknown", "unknown", None),
        ("link", "", None),
        ("broken", "", None),
    ],
)
def test_desktop_files(applications: Applications, identity: str, program: str, found: Application | None) -> None:
    assert applications.find(identity, program) == found


def test_where_desktop_files_are(tmp_path: Path) -> None:
    (tmp_path / ".local/share/applications").mkdir(parents=True)
    entry = "[Desktop Entry]\nType=Application\nName=A\n"
    (tmp_path / ".local/share/applications/a.desktop").write_text(entry)
    found = Applications.of({"XDG_DATA_DIRS": "relative"}, tmp_path, "de_AT")
    assert found.find("a", "") == Application("A", "")
