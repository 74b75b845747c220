# SPDX-License-Identifier: MIT
"""What a server that resumes has to bring back from the swap that it is about to serve."""

from __future__ import annotations

from pathlib import Path

from vramswap_gui.server.memlock import paged_out

_SMAPS = """\
55d0a0000000-55d0a0021000 rw-p 00000000 00:00 0                          [heap]
Size:                132 kB
Rss:                  80 kB
Swap:                 52 kB
SwapPss:              52 kB
VmFlags: rd wr mr mw me ac lo lf
7f1c00000000-7f1c00400000 r-xp 00000000 fe:00 131  /usr/lib/a name: with a colon
Size:               4096 kB
Swap:                  0 kB
7ffd10000000-7ffd10021000 rw-p 00000000 00:00 0                          [stack]
Swap:                  4 kB
"""


def test_only_mappings_with_pages_in_swap_are_brought_back() -> None:
    assert paged_out(_SMAPS) == [
        (0x55D0A0000000, 0x55D0A0021000, 52 << 10),
        (0x7FFD10000000, 0x7FFD10021000, 4 << 10),
    ]


def test_the_real_file_is_understood() -> None:
    smaps = Path("/proc/self/smaps").read_text(encoding="utf-8")
    assert all(start < end and swapped for start, end, swapped in paged_out(smaps))
