# SPDX-License-Identifier: MIT
"""What the tray shows in each state, as a table; and that every text is as sizes and palettes need it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.errors import failure
from tests.support.scenes import ASLEEP, GPU, LENT, MEMORY, NO_HELPER, OFF, ON, OURS, SCENES, WONT_FIT
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Landing, State, Status
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import Config
from vramswap_gui.tray import view_model
from vramswap_gui.tray.readings import GpuView, Machine, MemoryView, PowerView, Reader
from vramswap_gui.tray.view_model import Fill, Look, View, problem
from vramswap_gui.units import GIB, MIB, MIN_PACKED, MIN_SIZE, SIZE_STEP, format_size


def view(status: Status | None, error: VramswapError | None, gpu: GpuView | None, memory: MemoryView | None) -> View:
    return view_model.view(status, error, Machine(gpu, memory))


def shown(name: str) -> View:
    scene = SCENES[name]
    return view(scene.status, scene.error, scene.gpu, scene.memory)


@pytest.mark.parametrize(
    ("scene", "look", "headline", "checked", "enabled"),
    [
        ("connecting", Look.BUSY, "Connecting…", False, False),
        ("no-helper", Look.UNAVAILABLE, "Helper unavailable", False, False),
        ("off", Look.OFF, "Off", False, True),
        ("off-asleep", Look.OFF, "Off", False, True),
        ("on", Look.ON, "On", True, True),
        ("on-automatic", Look.ON, "On", True, True),
        ("packed", Look.ON, "On", True, True),
        ("packed-nothing", Look.ON, "On", True, True),
        ("busy-starting", Look.BUSY, "Turning on…", True, False),
        ("busy-stopping", Look.BUSY, "Turning off…", False, False),
        ("waiting", Look.WAITING, "Waiting", True, True),
        ("failed", Look.FAILED, "Failed", False, True),
        ("waiting-plenty", Look.WAITING, "Waiting", True, True),
        ("no-gpu", Look.UNAVAILABLE, "No NVIDIA GPU", False, False),
        ("no-gpu-no-helper", Look.UNAVAILABLE, "No NVIDIA GPU", False, False),
        ("wont-fit", Look.ON, "On", True, True),
        ("simulated", Look.ON, "On", True, True),
        ("opened", Look.ON, "On", True, True),
        ("paused", Look.OFF, "Paused", False, True),
        ("battery", Look.OFF, "Off", False, True),
        ("no-tray", Look.OFF, "Off", False, True),
        ("landing", Look.ON, "On", True, True),
        ("damaged", Look.ON, "On", True, True),
    ],
)
def test_states(scene: str, look: Look, headline: str, checked: bool, enabled: bool) -> None:
    got = shown(scene)
    assert (got.look, got.headline, got.checked, not got.blocked) == (look, headline, checked, enabled)
    assert got.sentence and got.tooltip_title.startswith("VRAM swap: ")


def test_a_disk_in_the_clear_is_asked_about_while_it_matters() -> None:
    asked = shown("landing").landing
    assert asked is not None and "not encrypted" in asked.text
    assert shown("on").landing is None
    assert view(replace(OFF, landing=Landing.ASK), None, GPU, MEMORY).landing is None


def test_one_thing_is_said_at_a_time() -> None:
    """What failed comes before what has to be decided, and that before what is only to be known."""
    asked = replace(ON, landing=Landing.ASK, damaged=(3, 2))
    failed = view(asked, WONT_FIT, LENT, OURS)
    assert failed.problem is not None and failed.landing is None
    open_question = view(asked, None, LENT, OURS)
    assert open_question.problem is None and open_question.landing is not None
    decided = view(replace(asked, landing=Landing.READY), None, LENT, OURS)
    assert decided.problem is not None and decided.landing is None


def test_damage_is_told_unless_there_is_more() -> None:
    told = shown("damaged").problem
    assert told is not None and told.message == "2 page(s) came back damaged from VRAM."
    assert view(replace(ON, damaged=(3, 0)), None, LENT, OURS).problem is None
    more = view(replace(ON, damaged=(3, 2)), WONT_FIT, LENT, OURS).problem
    assert more is not None and "damaged" not in more.message


def test_what_landed_has_a_name() -> None:
    assert [bar.title for bar in shown("damaged").tiers][-1] == "Landed on the disk"


def test_every_scene_is_in_the_table() -> None:
    (mark,) = (mark for mark in test_states.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == set(SCENES)
    assert {shown(name).look for name in SCENES} == set(Look)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (OFF, "No VRAM is lent, and the GPU may sleep."),
        (replace(OFF, reason=Reason.of(ReasonCode.ON_BATTERY)), "The computer is on battery."),
        (replace(ON, state=State.STOPPING, bytes_left=GIB), "Bringing pages home, 1 GiB to go."),
        (replace(ON, state=State.RESIZING, reason=Reason.of(ReasonCode.RESIZING)), "Changing the size."),
        (replace(ON, state=State.FAILED), "4 GiB of VRAM are still in use as swap."),
        (replace(OFF, state=State.FAILED), "No VRAM is lent. Nothing else was changed."),
    ],
)
def test_sentence(status: Status, sentence: str) -> None:
    assert view(status, None, GPU, MEMORY).sentence == sentence


def test_a_pause_tells_its_day_when_that_is_another_one() -> None:
    noon = datetime.datetime(2026, 3, 5, 12).timestamp()

    def sentence(seconds: float) -> str:
        status = replace(SCENES["paused"].status or OFF, paused_until=round(noon + seconds))
        return view_model.view(status, None, Machine(GPU, MEMORY, now=noon)).sentence

    assert "Mar" not in sentence(3600)
    assert "6 Mar" in sentence(86400)


def test_swap_that_lost_its_server_can_be_turned_off() -> None:
    got = view(replace(ON, state=State.FAILED, error=failure(ErrorCode.SERVER_FAILED, "It ended.")), None, LENT, OURS)
    assert got.checked and not got.blocked
    assert got.problem is not None and got.problem.message == "It ended."


@pytest.mark.parametrize(
    ("simulated", "banner"),
    [((), ""), (("gpu",), "Simulated: GPU"), (("kernel",), "Simulated: kernel"),
     (("gpu", "kernel"), "Simulated: GPU, kernel"), (("gpu", "moon"), "Simulated: GPU, moon")],
)  # fmt: skip
def test_banner(simulated: tuple[str, ...], banner: str) -> None:
    got = view(replace(OFF, simulated=simulated), None, None, None)
    assert got.banner == banner
    assert banner in got.tooltip_text


@pytest.mark.parametrize(
    ("remedy", "text", "command"),
    [
        ("Run `modprobe nbd` as root.", "Run “modprobe nbd” as root.", "modprobe nbd"),
        ("See `a b` and `c`.", "See “a b” and “c”.", "a b"),
        ("Close programs.", "Close programs.", ""),
        ("", "", ""),
        ("A stray ` is no command.", "A stray ` is no command.", ""),
    ],
)
def test_problem(remedy: str, text: str, command: str) -> None:
    got = problem(failure(ErrorCode.NO_NBD, "It failed.", remedy))
    assert (got.message, got.remedy, got.command) == ("It failed.", text, command)


def test_problem_of_a_request_hides_that_of_the_state() -> None:
    failed = SCENES["failed"].status
    got = view(failed, WONT_FIT, GPU, MEMORY)
    assert got.problem is not None and got.problem.message == WONT_FIT.message
    assert view(ON, None, GPU, MEMORY).problem is None


def parts(got: View) -> dict[Fill, int]:
    assert got.vram is not None
    return {part.fill: part.size for part in got.vram.parts}


def test_vram_bar() -> None:
    used = sum(segment.used for segment in ON.segments)
    assert parts(view(ON, None, replace(LENT, programs=None), OURS)) == {
        Fill.USED: used, Fill.RESERVED: 4 * GIB - used, Fill.OTHER: GPU.used, Fill.FREE: LENT.total - LENT.used
    }  # fmt: skip
    assert set(parts(view(ON, None, None, OURS))) == {Fill.USED, Fill.RESERVED}
    assert view(OFF, None, None, OURS).vram is None
    asleep = view(OFF, None, ASLEEP, OURS)
    assert asleep.vram is None and "asleep" in asleep.vram_note


def test_what_is_packed_is_told_apart() -> None:
    """Of VRAM there is less than of swap, and pages take less of it than the kernel counts."""
    got = shown("packed")
    assert "1.8 GiB in 643 MiB of VRAM (2.8 : 1)" in got.sentence
    assert parts(got)[Fill.USED] == 643 * MIB
    assert parts(got)[Fill.USED] + parts(got)[Fill.RESERVED] == 3 * GIB
    assert ("VRAM", "1.8 of 4 GiB") in [(bar.title, bar.detail) for bar in got.tiers]
    assert got.size.text == "3 GiB"
    assert "of VRAM (" not in shown("on").sentence


def test_the_first_page_does_not_tell_how_well_pages_pack() -> None:
    """The kernel's own one, when the swap is made, has next to nothing in it: 85 to one."""
    said = shown("packed-nothing").sentence
    assert "compressed" in said and "of VRAM (" not in said
    empty = replace(SCENES["packed"].status or ON, packed=(3 * GIB, 0, 0))
    assert "of VRAM (" not in view(empty, None, LENT, OURS).sentence


def test_vram_bar_never_has_negative_parts() -> None:
    """The swap and NVML's numbers are not of the same moment."""
    assert min(parts(view(ON, None, replace(LENT, used=GIB, free=LENT.total - GIB), OURS)).values()) >= 0


def test_the_kernels_count_is_used_when_there_is_one() -> None:
    full = replace(OURS, swaps=tuple(replace(swap, used=swap.size) for swap in OURS.swaps))
    assert view(ON, None, LENT, full).ring == 1.0
    assert 0 < view(ON, None, LENT, None).ring < 1
    assert view(OFF, None, GPU, MEMORY).ring == 0.0


def test_tiers() -> None:
    got = [(bar.title, bar.detail) for bar in view(ON, None, LENT, OURS).tiers]
    assert got == [
        ("Memory", "13 of 16 GiB"), ("VRAM", "1.8 of 4 GiB"),
        ("Compressed memory (zram)", "1 of 4 GiB"), ("Swap file /swapfile", "0.3 of 8 GiB"),
    ]  # fmt: skip
    assert view(ON, None, LENT, None).tiers == ()


@given(
    maximum=st.integers(0, 200 * GIB).map(lambda size: size - size % SIZE_STEP),
    wanted=st.one_of(st.just(0), st.integers(MIN_SIZE, 300 * GIB)),
    total=st.integers(0, 200 * GIB),
)
def test_slider_range(maximum: int, wanted: int, total: int) -> None:
    status = replace(OFF, maximum=maximum, wanted=wanted)
    config = Config()
    choice = view_model.view(status, None, Machine(vram=total), config).size
    assert choice.kept in (0, total - choice.maximum)
    if not choice.known:
        assert maximum < MIN_SIZE and (maximum or total - config.headroom < MIN_SIZE + SIZE_STEP)
        assert choice.blocked and choice.text
        return
    assert MIN_SIZE <= choice.minimum <= choice.maximum
    assert choice.value <= choice.maximum and choice.maximum % SIZE_STEP == 0
    assert choice.step % SIZE_STEP == 0
    assert choice.minimum >= MIN_PACKED or choice.maximum < MIN_PACKED, "no place that is refused"
    assert choice.maximum // choice.step <= 200, "so fine a step cannot be hit with a mouse"


def test_a_size_can_be_chosen_while_the_gpu_sleeps() -> None:
    asleep = Machine(GpuView(asleep=True), vram=8 * GIB)
    never_asked = replace(OFF, maximum=0)
    assert not view_model.view(never_asked, None, asleep, None).size.known
    assert view_model.view(never_asked, None, asleep, Config()).size.maximum == 8 * GIB - 512 * MIB
    assert view_model.view(never_asked, None, asleep, Config(maximum=GIB)).size.maximum == GIB


def test_slider_says_what_is_wanted_and_what_is_so() -> None:
    assert view(replace(ON, wanted=6 * GIB), None, LENT, OURS).size.text == "6 GiB, now 4 GiB"
    assert view(replace(ON, wanted=0), None, LENT, OURS).size.text == "Automatic, now 4 GiB"
    assert view(OFF, None, GPU, MEMORY).size.text == "4 GiB"
    assert view(replace(ON, state=State.RESIZING), None, LENT, OURS).size.blocked
    unknown = view(Status(), None, ASLEEP, MEMORY).size
    assert unknown.text == "Automatic" and "awake" in unknown.note and "awake" in unknown.blocked


def test_presets() -> None:
    got = view(OFF, None, GPU, MEMORY).presets
    assert [preset.size for preset in got] == [0, GIB, 2 * GIB, 4 * GIB, 6 * GIB, OFF.maximum]
    assert [preset.text for preset in got if preset.checked] == ["4 GiB"]
    odd = view(replace(OFF, wanted=1300 * MIB), None, GPU, MEMORY).presets
    assert [preset.text for preset in odd if preset.checked] == [format_size(1300 * MIB)]
    assert view(None, NO_HELPER, GPU, MEMORY).presets == ()


def test_quitting_says_that_the_swap_stays() -> None:
    assert "stays on" in view(ON, None, LENT, OURS).quit_text
    assert "stays on" not in view(OFF, None, GPU, MEMORY).quit_text


def test_reader_without_gpu_or_proc(tmp_path: Path) -> None:
    reader = Reader(tmp_path, tmp_path)
    assert reader.read_memory() is None
    gpu = reader.read_gpu("", False)
    assert gpu is not None and gpu.absent


def test_reader_leaves_a_sleeping_gpu_alone(tmp_path: Path) -> None:
    device = tmp_path / "bus/pci/devices/0000:01:00.0"
    (device / "power").mkdir(parents=True)
    for name, text in (("vendor", "0x10de"), ("class", "0x030000"), ("power/runtime_status", "suspended")):
        (device / name).write_text(text + "\n")
    reader = Reader(Path("/proc"), tmp_path)
    assert reader.read_gpu("", False) == ASLEEP
    memory = reader.read_memory()
    assert memory is not None and memory.total > 0


@pytest.mark.parametrize(
    ("status", "power", "said"),
    [
        (OFF, PowerView(True), "The GPU is asleep."),
        (OFF, PowerView(False), "The GPU is awake."),
        (OFF, PowerView(False, ("a", "b", "c", "d")), "The GPU is kept awake by a, b, c."),
        (ON, PowerView(False, ("a",)), "The GPU is awake, because its memory is lent."),
        (replace(ON, simulated=("gpu",)), PowerView(True), ""),
        (OFF, None, ""),
    ],
)
def test_whether_the_gpu_sleeps(status: Status, power: PowerView | None, said: str) -> None:
    assert view_model.view(status, None, Machine(power=power)).power == said
