# SPDX-License-Identifier: MIT
"""The helper as a service of OpenRC: who starts it, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import helper_service

#: Makes the programs ``rc-service`` and ``rc-update``, of which the commands given fail; returns what they were asked.
Programs = Callable[..., Callable[[], list[str]]]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    def make(*failing: str) -> Callable[[], list[str]]:
        log = tmp_path / "log"
        log.touch()
        for name in ("rc-service", "rc-update", "systemctl"):
            program = tmp_path / name
            cases = "".join(f'*" {word} "*) echo "* it will not {word}" >&2; exit 1 ;;\n' for word in failing)
            program.write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\ncase " $* " in\n{cases}*) ;;\nesac\n')
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return lambda: log.read_text().splitlines()

    return make


@pytest.fixture
def openrc(tmp_path: Path) -> Path:
    folder = tmp_path / "openrc"
    folder.mkdir()
    return folder


@pytest.fixture
def by_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_STARTER_BUS_TYPE", "system")


@pytest.mark.usefixtures("by_bus")
async def test_what_the_bus_starts_hands_over(openrc: Path, programs: Programs) -> None:
    asked = programs()
    assert await helper_service.hand_over(openrc)
    assert asked() == ["rc-service vramswap-helper start", "rc-service vramswap-helper status"]


@pytest.mark.usefixtures("by_bus")
@pytest.mark.parametrize("failing", ["start", "status"])
async def test_it_serves_itself_where_the_service_does_not(failing: str, openrc: Path, programs: Programs) -> None:
    programs(failing)
    assert not await helper_service.hand_over(openrc)


async def test_the_service_itself_serves(openrc: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_STARTER_BUS_TYPE", raising=False)
    asked = programs()
    assert not await helper_service.hand_over(openrc)
    assert asked() == []


@pytest.mark.usefixtures("by_bus")
async def test_without_openrc_the_bus_starts_it(tmp_path: Path, programs: Programs) -> None:
    asked = programs()
    assert not await helper_service.hand_over(tmp_path / "none")
    assert asked() == []


@pytest.mark.usefixtures("by_bus")
async def test_on_the_way_down_nobody_starts_it(openrc: Path, programs: Programs) -> None:
    asked = programs()
    (openrc / "rc.stopping").mkdir()
    with pytest.raises(VramswapError) as caught:
        await helper_service.hand_over(openrc)
    assert caught.value.problem is Problem.GOING_DOWN and asked() == []


@pytest.mark.parametrize(("wanted", "command"), [(True, "add"), (False, "delete")])
async def test_at_boot(wanted: bool, command: str, openrc: Path, programs: Programs, tmp_path: Path) -> None:
    asked = programs()
    await helper_service.start_at_boot(wanted, openrc, tmp_path / "none")
    assert asked() == [f"rc-update {command} vramswap-helper default"]
    # systemd, where both are installed, is asked when it runs the machine.
    await helper_service.start_at_boot(wanted, openrc, tmp_path)
    assert asked()[1:] == [f"systemctl {'enable' if wanted else 'disable'} vramswap-helper.service"]


@pytest.mark.parametrize(
    ("said", "status", "found"),
    [("enabled", 0, True), ("disabled", 1, False), ("masked", 1, None), ("not-found", 4, None), ("", 1, None)],
)
async def test_systemd_says_whether_it_is_at_boot(
    said: str, status: int, found: bool | None, programs: Programs, tmp_path: Path
) -> None:
    asked = programs()
    (tmp_path / "systemctl").write_text(
        f'#!/bin/sh\necho "systemctl $*" >>{tmp_path}/log\necho {said}\nexit {status}\n'
    )
    assert await helper_service.is_at_boot(tmp_path / "none", tmp_path) is found
    assert asked() == ["systemctl is-enabled vramswap-helper.service"]


@pytest.mark.parametrize(
    ("said", "status", "found"),
    [
        ("                 dbus | default\\n      vramswap-helper | default", 0, True),
        ("     vramswap-helper2 | default\\n      vramswap-helper |        ", 0, False),
        # As during a removal, when the link that has it started may still be there.
        ("     vramswap-helper2 | default", 0, None),
        ("", 0, None),
        ("", 1, None),
    ],
)
async def test_openrc_says_whether_it_is_at_boot(
    said: str, status: int, found: bool | None, openrc: Path, programs: Programs, tmp_path: Path
) -> None:
    programs()
    (tmp_path / "rc-update").write_text(
        f'#!/bin/sh\n[ "$*" = "--verbose show default" ] || exit 9\nprintf "{said}\\n"\nexit {status}\n'
    )
    assert await helper_service.is_at_boot(openrc, tmp_path / "none") is found


async def test_what_openrc_refuses_is_told(openrc: Path, programs: Programs, tmp_path: Path) -> None:
    programs("add")
    with pytest.raises(VramswapError, match=r"was not enabled: .* it will not add"):
        await helper_service.start_at_boot(True, openrc, tmp_path / "none")
