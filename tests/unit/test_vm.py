# SPDX-License-Identifier: MIT
"""What the virtual machine of ``make vm-test`` gets is enough for its steps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.vm import image, run


def test_the_steps_can_be_loaded_there(tmp_path: Path) -> None:
    for name in run.FROM_TREE:
        source, target = image.ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    # As there: Python's own library, and nothing of this one's environment.
    subprocess.run(
        [sys.executable, "-S", "-B", "-c", "import tests.vm.steps, tests.vm.steps_openrc"],
        cwd=tmp_path,
        env={},
        check=True,
    )
