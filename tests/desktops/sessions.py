# SPDX-License-Identifier: MIT
"""The desktops that are tried: how each is started, made dark and light, and what shows its icons.

All run on an X server without a screen. Those that are Wayland compositors run in a window of it.
What they are told of the screen is in ``$WIDTH``, ``$HEIGHT`` (dots) and ``$SCALE``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: What all of them need, by Debian's names.
COMMON: Final = (
    "dbus", "dbus-x11", "at-spi2-core", "fonts-dejavu-core", "fonts-noto-core", "adwaita-icon-theme",
    "hicolor-icon-theme", "dconf-gsettings-backend", "procps", "python3", "x11-utils",
    "gir1.2-atspi-2.0", "python3-gi", "orca", "speech-dispatcher", "xdg-desktop-portal-gtk",
    # What Qt recommends, and so people have.
    "qt6-gtk-platformtheme", "qt6-svg-plugins", "qt6-wayland",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Headless:
    """How a desktop draws a screen of its own that is in no window, so that it has the scale, and nobody's hands."""

    program: str
    scale: str
    #: Keeps a picture in ``$PICTURE``.
    picture: str


@dataclass(frozen=True, slots=True)
class Desktop:
    """One desktop. Commands are for a shell in the session."""

    packages: tuple[str, ...]
    #: What XDG_CURRENT_DESKTOP says.
    name: str
    #: Started one after the other; the last one shows the panel, and can be ended and started again.
    programs: tuple[str, ...]
    dark: str
    light: str
    #: What all programs find besides, and what only those do that come after the desktop's own.
    variables: dict[str, str] = field(default_factory=dict)
    guests: dict[str, str] = field(default_factory=dict)
    #: Before the first program.
    prepare: str = "true"
    #: Whether the panel is a program of its own, which can end without the session.
    apart: bool = True
    #: A key that leads from what is seen at first to an empty desktop.
    key: str = ""
    #: Whether it gives windows their places and sizes, side by side.
    tiles: bool = False
    #: In place of all ``programs``, where the screen has a scale that a window does not show.
    headless: Headless | None = None


def _lxqt(theme: str, palette: str) -> str:
    """What LXQt's own dialogue of its appearance writes, when a theme and its palette are chosen."""
    return (
        "mkdir -p .config/lxqt; cd .config/lxqt;"
        f" (printf '[General]\\ntheme={theme}\\nicon_theme=breeze\\n\\n[Qt]\\nstyle=Fusion\\n\\n';"
        f" cat /usr/share/lxqt/palettes/{palette}) >new; mv new lxqt.conf"
    )


#: KWin goes by what it remembers of a screen, and else by what it thinks of its dots, rather than by what it is told.
_KWIN_SCREEN: Final = """\
mkdir -p .config; cat >.config/kwinoutputconfig.json <<END
[{"name": "outputs", "data": [{"connectorName": "X11-0", "scale": $SCALE,
  "mode": {"width": $WIDTH, "height": $HEIGHT, "refreshRate": 60000}}]},
 {"name": "setups", "data": [{"lidClosed": false, "outputs": [
  {"enabled": true, "outputIndex": 0, "position": {"x": 0, "y": 0}, "priority": 0}]}]}]
END
"""
_GNOME_SCREEN: Final = {
    "MUTTER_DEBUG_DUMMY_MODE_SPECS": "${WIDTH}x$HEIGHT",
    "MUTTER_DEBUG_DUMMY_MONITOR_SCALES": "$SCALE",
}
#: No greeting; scales between whole ones.
_GNOME_FIRST: Final = (
    "gsettings set org.gnome.shell welcome-dialog-last-shown-version 99;"
    " gsettings set org.gnome.mutter experimental-features \"['scale-monitor-framebuffer']\""
)
_GNOME_HEADLESS: Final = Headless(
    "gnome-shell --headless --wayland --unsafe-mode --virtual-monitor ${WIDTH}x$HEIGHT",
    "gdctl set --logical-monitor --primary --monitor Meta-0 --scale $SCALE",
    "gdbus call --session --dest org.gnome.Shell.Screenshot --object-path /org/gnome/Shell/Screenshot"
    " --method org.gnome.Shell.Screenshot.Screenshot false false $PICTURE",
)
_GNOME_EXTENSION: Final = "ubuntu-appindicators@ubuntu.com"

# fmt: off
DESKTOPS: Final[dict[str, Desktop]] = {
    "plasma": Desktop(
        (
            "plasma-desktop", "plasma-workspace", "kwin-x11", "kwin-wayland", "breeze", "breeze-icon-theme",
            "plasma-integration",
        ),
        "KDE",
        ("kwin_x11", "kded6", "plasmashell"),
        "plasma-apply-colorscheme BreezeDark && plasma-apply-desktoptheme breeze-dark",
        "plasma-apply-colorscheme BreezeLight && plasma-apply-desktoptheme default",
        {"KDE_FULL_SESSION": "true", "KDE_SESSION_VERSION": "6", "QT_SCALE_FACTOR": "$SCALE"},
    ),
    "plasma-wayland": Desktop(
        ("kwin-wayland", "plasma-desktop", "plasma-workspace", "breeze", "plasma-integration"),
        "KDE",
        (
            "kwin_wayland --x11-display $DISPLAY --width 1366 --height 768 --scale $SCALE --no-lockscreen",
            "kded6", "plasmashell",
        ),
        "plasma-apply-colorscheme BreezeDark && plasma-apply-desktoptheme breeze-dark",
        "plasma-apply-colorscheme BreezeLight && plasma-apply-desktoptheme default",
        {"KDE_FULL_SESSION": "true", "KDE_SESSION_VERSION": "6", "KWIN_COMPOSE": "Q"},
        {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland", "QT_QPA_PLATFORM": "wayland"},
        _KWIN_SCREEN,
    ),
    "gnome": Desktop(
        ("gnome-shell", "gnome-shell-extension-appindicator", "mutter", "gnome-settings-daemon"),
        "GNOME",
        ("gnome-shell --nested",),
        "gsettings set org.gnome.desktop.interface color-scheme prefer-dark",
        "gsettings set org.gnome.desktop.interface color-scheme default",
        _GNOME_SCREEN,
        {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"},
        f"gsettings set org.gnome.shell enabled-extensions \"['{_GNOME_EXTENSION}']\"; {_GNOME_FIRST}",
        apart=False,
        key="Escape",
        headless=_GNOME_HEADLESS,
    ),
    "gnome-without-icons": Desktop(
        ("gnome-shell", "mutter", "gnome-settings-daemon"),
        "GNOME",
        ("gnome-shell --nested",),
        "gsettings set org.gnome.desktop.interface color-scheme prefer-dark",
        "gsettings set org.gnome.desktop.interface color-scheme default",
        _GNOME_SCREEN,
        {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"},
        _GNOME_FIRST,
        apart=False,
        key="Escape",
        headless=_GNOME_HEADLESS,
    ),
    "xfce": Desktop(
        ("xfce4-panel", "xfwm4", "xfce4-settings", "xfdesktop4", "greybird-gtk-theme"),
        "XFCE",
        ("xfsettingsd --disable-wm-check", "xfwm4", "xfce4-panel"),
        "xfconf-query -c xsettings -p /Net/ThemeName -n -t string -s Greybird-dark",
        "xfconf-query -c xsettings -p /Net/ThemeName -n -t string -s Greybird",
    ),
    "mate": Desktop(
        ("mate-panel", "marco", "mate-settings-daemon", "mate-themes", "caja", "mate-indicator-applet"),
        "MATE",
        ("/usr/libexec/mate-settings-daemon", "marco", "mate-panel"),
        "gsettings set org.mate.interface gtk-theme BlackMATE",
        "gsettings set org.mate.interface gtk-theme Menta",
    ),
    "lxqt": Desktop(
        ("lxqt-panel", "lxqt-qtplugin", "lxqt-themes", "openbox", "lxqt-session"),
        "LXQt",
        ("openbox", "lxqt-panel"),
        _lxqt("dark", "Dark"),
        _lxqt("light", "Light"),
        # As startlxqt has it; without, the panel knows no theme and has nothing in it.
        {
            "XDG_CONFIG_DIRS": "/etc:/etc/xdg:/usr/share", "QT_QPA_PLATFORMTHEME": "lxqt", "XDG_MENU_PREFIX": "lxqt-",
            "QT_SCALE_FACTOR": "$SCALE",
        },
    ),
    "sway": Desktop(
        ("sway", "waybar"),
        "sway",
        ("sway -c /tmp/sway.conf", "waybar -c /tmp/waybar.json"),
        "true",
        "true",
        {"WLR_BACKENDS": "x11", "WLR_RENDERER": "pixman"},
        {"WAYLAND_DISPLAY": "wayland-1", "XDG_SESSION_TYPE": "wayland", "QT_QPA_PLATFORM": "wayland"},
        # Of its default, which has many a module that would move when the icon comes, what is needed; the colours stay.
        "echo \"output * bg #335577 solid_color resolution ${WIDTH}x$HEIGHT scale $SCALE\" >/tmp/sway.conf;"
        ' echo \'{"height": 24, "modules-left": ["clock"], "modules-right": ["tray"]}\' >/tmp/waybar.json',
        tiles=True,
    ),
}
# fmt: on
