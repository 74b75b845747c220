"""From the command to pages in VRAM and back, under a real kernel with the real helper and polkitd."""

from __future__ import annotations

import pytest

from tests.system import uml


@pytest.mark.system
@pytest.mark.timeout(600)
def test_the_whole_way_on_a_real_kernel() -> None:
    result = uml.run("tests.system.whole_scenario", timeout=540, memory=416, vram=256)
    assert result.status == 0, result.output
    assert "all done" in result.output
