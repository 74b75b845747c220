# SPDX-License-Identifier: MIT
"""Who may do what, decided by the real polkitd: every method, as root and as a user without a session."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from typing import Final
from xml.etree import ElementTree

import pytest

from tests.demo.stack import Stack
from vramswap_gui.api.dbus import BUS_NAME, INTERFACE, OBJECT_PATH, VERBS, Access
from vramswap_gui.api.status import PROPERTIES

#: A user of every Debian who owns nothing; it has no session, so an action's ``allow_any`` holds for it.
USER: Final = "daemon"

#: Arguments for each method of ours, so that a refusal is not about them.
ARGUMENTS: Final = {
    "Start": (), "Stop": (), "Cancel": (), "Upgrade": (), "Sleep": (), "Wake": (), "GetConfig": (), "GetActivity": (),
    "Resize": ("uint64 536870912",), "SetConfig": ("@a{sv} {}",), "SetMode": ("on-demand",), "MakeWay": ("true",),
    "Pause": ("uint32 60",), "UseBattery": ("true",),
}  # fmt: skip
PUBLIC: Final = {name for name, verb in VERBS.items() if verb.access is Access.PUBLIC}

ALLOW_CONTROL: Final = f"""
polkit.addRule(function(action, subject) {{
    if (action.id == "org.vramswap.control" && subject.user == "{USER}") return polkit.Result.YES;
}});
"""


def call(stack: Stack, user: str, method: str, *arguments: str, path: str = OBJECT_PATH) -> tuple[int, str]:
    """A D-Bus call by a user, with arguments in GVariant's notation; the exit status and what came back."""
    done = subprocess.run(
        ["setpriv", "--reuid", user, "--regid", "daemon", "--clear-groups", "gdbus", "call", "--system",
         "--dest", BUS_NAME, "--object-path", path, "--method", method, *arguments],
        env=stack.environment, capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def ours(stack: Stack) -> list[str]:
    """The names of our methods, as the bus tells them."""
    status, xml = call(stack, USER, "org.freedesktop.DBus.Introspectable.Introspect")
    assert status == 0, xml
    (xml,) = ast.literal_eval(xml)
    root = ElementTree.fromstring(xml[xml.index("<node>") :])
    interface = root.find(f"interface[@name='{INTERFACE}']")
    assert interface is not None
    assert {p.attrib["name"]: p.attrib["type"] for p in interface.iter("property")} == {
        name: declared.signature for name, declared in PROPERTIES.items()
    }
    return [method.attrib["name"] for method in interface.iter("method")]


def test_a_user_without_a_session_may_look_and_do_nothing(stack: Stack) -> None:
    assert set(ours(stack)) == set(ARGUMENTS)
    for name in ours(stack):
        status, text = call(stack, USER, f"{INTERFACE}.{name}", *ARGUMENTS[name])
        if name in PUBLIC:
            assert status == 0, text
        else:
            assert status == 1
            assert "org.vramswap.Error.NotAuthorized" in text, (name, text)
    status, text = call(stack, USER, "org.freedesktop.DBus.Properties.GetAll", INTERFACE)
    assert status == 0
    assert "off" in text
    assert stack.fake.devices() == []


def test_other_programs_read_the_interface_and_the_actions(stack: Stack) -> None:
    shown = subprocess.run(
        ["busctl", "--system", "introspect", BUS_NAME, OBJECT_PATH, INTERFACE],
        env=stack.environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = {line.split()[0].removeprefix(".") for line in shown.splitlines()[1:]}
    assert names == ARGUMENTS.keys() | PROPERTIES.keys()
    # As polkitd has read them.
    shown = subprocess.run(
        ["pkaction", "--verbose", "--action-id", "org.vramswap.configure"],
        env=stack.environment | {"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for line in ("Change the settings of VRAM swap for everyone", "auth_admin_keep"):
        assert line in shown


def test_nobody_sets_properties(stack: Stack) -> None:
    for user in (USER, "root"):
        status, text = call(
            stack, user, "org.freedesktop.DBus.Properties.Set",
            INTERFACE, "State", "<'on'>",
        )  # fmt: skip
        assert status == 1
        assert "PropertyReadOnly" in text


def test_a_user_whom_polkit_allows_to_control_may_do_that_alone(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(ALLOW_CONTROL)
    for method, arguments in (("Start", ()), ("Resize", ("uint64 536870912",)), ("Stop", ()), ("Start", ())):
        assert call(stack, USER, f"{INTERFACE}.{method}", *arguments)[0] == 0
    assert stack.fake.devices()
    status, text = call(stack, USER, f"{INTERFACE}.SetConfig", "@a{sv} {}")
    assert (status, "NotAuthorized" in text) == (1, True)
    # What the system puts to sleep the system wakes.
    assert call(stack, "root", f"{INTERFACE}.Sleep")[0] == 0
    for method in ("Wake", "Sleep"):
        status, text = call(stack, USER, f"{INTERFACE}.{method}")
        assert (status, "NotAuthorized" in text) == (1, True)
    status, text = call(stack, USER, f"{INTERFACE}.Start")
    assert (status, "going to sleep" in text) == (1, True)
    assert call(stack, "root", f"{INTERFACE}.Wake")[0] == 0
    assert stack.fake.devices()
    assert call(stack, USER, f"{INTERFACE}.Stop")[0] == 0
    assert stack.fake.devices() == []


def test_without_polkit_root_alone_may(stack: Stack) -> None:
    stack.kill("polkit")
    status, text = call(stack, USER, f"{INTERFACE}.Start")
    assert status == 1
    assert "AuthorizationUnavailable" in text
    assert "polkit, which decides who may do this, does not answer" in text
    assert stack.fake.devices() == []
    for name, arguments in ARGUMENTS.items():
        status, text = call(stack, "root", f"{INTERFACE}.{name}", *arguments)
        assert status == 0, (name, text)
    assert call(stack, USER, f"{INTERFACE}.GetConfig")[0] == 0


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        (f"{INTERFACE}.Resize", (), "InvalidArgs"),
        (f"{INTERFACE}.Resize", ("uint64 18446744073709551615",), "InvalidArgument"),
        (f"{INTERFACE}.Resize", ("uint64 1",), "InvalidArgument"),
        (f"{INTERFACE}.Format", (), "UnknownMethod"),
        ("org.example.Other.Start", (), "AccessDenied"),
        ("org.freedesktop.DBus.Properties.Get", (INTERFACE, "Secret"), "UnknownProperty"),
    ],
)
def test_a_wrong_call_gets_a_typed_error(stack: Stack, method: str, arguments: tuple[str, ...], error: str) -> None:
    user = USER if error == "AccessDenied" else "root"
    status, text = call(stack, user, method, *arguments)
    assert status == 1
    assert error in text


def test_the_object_can_be_found_from_the_root(stack: Stack) -> None:
    status, text = call(stack, USER, "org.freedesktop.DBus.Introspectable.Introspect", path="/org")
    assert status == 0
    assert '<node name="vramswap"/>' in text
