# SPDX-License-Identifier: MIT
"""How much may be lent: one rule, which everybody who asks for, offers or decides a size uses."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.api.limits import Hold, Vram
from vramswap_gui.api.status import Mode
from vramswap_gui.errors import VramswapError
from vramswap_gui.helper.policy import sizing
from vramswap_gui.helper.policy.lending import decide
from vramswap_gui.helper.policy.limits import of, require_possible
from vramswap_gui.helper.policy.types import GpuObservation, Memory, Observation, PolicyState, PowerObservation, rules
from vramswap_gui.settings import Config
from vramswap_gui.system.gpu import Power
from vramswap_gui.units import GIB, MIB, MIN_SIZE, SIZE_STEP

ASLEEP = Vram(8 * GIB, None, 0)


@pytest.mark.parametrize(
    ("name", "config", "vram", "largest", "now", "holds"),
    [
        ("asleep", Config(), ASLEEP, 8 * GIB - 512 * MIB, None, {Hold.HEADROOM: 512 * MIB}),
        ("a display", Config(), Vram(8 * GIB, 8 * GIB, 0, display=True), 7 * GIB, 7 * GIB,
         {Hold.HEADROOM: 512 * MIB, Hold.DISPLAY: 512 * MIB}),
        ("others", Config(headroom=0), Vram(8 * GIB, 3 * GIB, GIB), 8 * GIB, 4 * GIB, {Hold.OTHERS: 4 * GIB}),
        ("the driver", Config(headroom=0), Vram(8 * GIB, 8 * GIB - 300 * MIB, 0, beside=300 * MIB), 8 * GIB - 300 * MIB,
         8 * GIB - 300 * MIB, {Hold.DRIVER: 300 * MIB}),
        ("an administrator", Config(maximum=GIB), ASLEEP, GIB, None,
         {Hold.HEADROOM: 512 * MIB, Hold.MAXIMUM: 6 * GIB + 512 * MIB}),
        ("a limit that is none", Config(maximum=9 * GIB, headroom=0), ASLEEP, 8 * GIB, None, {}),
        ("a card that is too small", Config(), Vram(512 * MIB, 512 * MIB, 0), 0, 0, {Hold.HEADROOM: 512 * MIB}),
    ],
)  # fmt: skip
def test_limits(name: str, config: Config, vram: Vram, largest: int, now: int | None, holds: dict[Hold, int]) -> None:
    found = of(config, vram)
    assert (found.largest, found.now, dict(found.holds)) == (largest, now, holds)
    assert found.headroom == holds.get(Hold.HEADROOM, 0) + holds.get(Hold.DISPLAY, 0)


CARDS = st.builds(
    Vram,
    st.integers(0, 32).map(lambda size: size * 512 * MIB),
    st.none() | st.integers(0, 16 * GIB),
    st.just(0),
    st.booleans(),
)
CONFIGS = st.builds(
    Config,
    mode=st.just("always"),
    size=st.just(0) | st.integers(8, 4096).map(lambda steps: steps * SIZE_STEP),
    headroom=st.integers(0, 4 * GIB),
    maximum=st.just(0) | st.integers(8, 4096).map(lambda steps: steps * SIZE_STEP),
)


@given(CONFIGS, CARDS)
def test_what_may_be_chosen_is_what_is_lent(config: Config, vram: Vram) -> None:
    """The three that answer "how much" agree: what is offered, what a command accepts, what the policy aims at."""
    found = of(config, vram)
    assert found.largest == 0 or MIN_SIZE <= found.largest <= vram.total - found.headroom
    observation = Observation(
        Memory(16 * GIB, 8 * GIB),
        GpuObservation(Power.SUSPENDED, vram.total, display_attached=vram.display),
        PowerObservation(True),
    )
    for size in (0, MIN_SIZE, found.largest, found.largest + SIZE_STEP):
        wanted = dataclasses.replace(config, size=size)
        try:
            require_possible(wanted, vram)
        except VramswapError:
            assert size > found.largest
            continue
        assert size <= found.largest
        alone = sizing.target(wanted, Vram(vram.total, vram.total, 0, vram.display)) if found.largest else 0
        assert decide(observation, PolicyState(), rules(wanted), 0.0)[0].size == alone
        assert alone == (size or found.largest)
        assert rules(wanted).mode is Mode.ALWAYS
