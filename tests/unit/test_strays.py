# SPDX-License-Identifier: MIT
"""When a device that no server knows is given up."""

from __future__ import annotations

from vramswap_gui.helper.strays import GRACE, Strays


def test_only_who_is_unknown_for_long_is_given_up() -> None:
    strays = Strays()
    found = {"a": "/dev/nbd0", "b": "/dev/nbd1"}
    assert strays.judge(found, {"/dev/nbd0"}, 100.0) == []
    assert strays.judge(found, {"/dev/nbd0"}, 100.0 + GRACE / 2) == []
    assert strays.judge(found, {"/dev/nbd0"}, 100.0 + GRACE) == ["/dev/nbd1"]


def test_known_in_between_is_known() -> None:
    strays = Strays()
    found = {"a": "/dev/nbd0"}
    assert strays.judge(found, set(), 0.0) == []
    assert strays.judge(found, {"/dev/nbd0"}, GRACE) == []
    assert strays.judge(found, set(), GRACE + 1) == []
    assert strays.judge(found, set(), 2 * GRACE + 1) == ["/dev/nbd0"]


def test_another_device_of_the_same_name_has_its_own_time() -> None:
    strays = Strays()
    assert strays.judge({"a": "/dev/nbd0"}, set(), 0.0) == []
    assert strays.judge({"b": "/dev/nbd0"}, set(), GRACE) == []
    assert strays.judge({}, set(), GRACE) == []
    assert strays.judge({"b": "/dev/nbd0"}, set(), 2 * GRACE) == []
