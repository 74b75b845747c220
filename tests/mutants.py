# SPDX-License-Identifier: MIT
# ruff: noqa: E501 - the changes are lines of code, which are better not broken.
"""Changes of the product that no simulator can see, and the tests that must fail with each: ``make mutants``.

Those of the state machines are in ``tests/sim/mutants.py``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
#: What a copy of the checkout needs for its tests.
_PARTS: Final = ("vramswap_gui", "tests", "resources", "packaging", "pyproject.toml", "setup.py", "vramswap.desktop")


@dataclass(frozen=True, slots=True)
class Mutant:
    """``old`` in a file becomes ``new``; one of ``tests`` notices."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS: Final = (
    Mutant("VRAM is not wiped", "vramswap_gui/server/engine/vram.py",
           '        _call(driver.cuMemsetD8, mapping.base, 0, mapping.size)\n', "",
           ("tests/integration/test_wiping.py",)),
    Mutant("an engine without a keeper does not wipe at its end", "vramswap_gui/server/engine/main.py",
           "                self._commands.quit()\n                if self._options.folder", "                if self._options.folder",
           ("tests/integration/test_wiping.py",)),
    Mutant("a new keeper takes nothing over", "vramswap_gui/server/supervisor/reexec.py",
           "    if not found:\n        return None\n    devices", "    if True:\n        return None\n    devices",
           ("tests/integration/test_helper_faults.py",)),
    Mutant("an upgrade hands no segments on", "vramswap_gui/server/supervisor/reexec.py",
           '        "segments": [asdict(segment) for segment in legacy.inheritance.segments],\n', '        "segments": [],\n',
           ("tests/integration/test_helper.py", "tests/integration/test_helper_faults.py")),
    Mutant("a device is let go of without a claim, also while it is swap", "vramswap_gui/server/exports/nbd_kernel.py",
           "                    with _claimed(nbd.path(device.number), self._proc):\n", "                    if True:\n",
           ("tests/system/test_kernel_nbd.py",)),
    Mutant("anybody may connect to the control socket", "vramswap_gui/server/exports/nbd_socket.py",
           "        before = os.umask(0o177)\n", "        before = os.umask(0)\n", ("tests/integration/test_helper.py",)),
    Mutant("anybody may say who owns a name", "vramswap_gui/bus/connection.py",
           "        if message.sender == BUS:\n", "        if True:\n",
           ("tests/integration/test_bus.py", "tests/integration/test_authorization.py")),
    Mutant("anybody may tell the status", "vramswap_gui/bus/connection.py",
           "                if peer.owner == message.sender:\n", "                if True:\n", ("tests/integration/test_bus.py",)),
    Mutant("what is kept for the next engine stays with the one that is forked meanwhile", "vramswap_gui/server/supervisor/memory_reserve.py",
           "        for part in self._held:\n            part.close()\n", "        return\n", ("tests/unit/test_memory_reserve.py",)),
)  # fmt: skip


def noticed(mutant: Mutant) -> bool:
    """Whether its tests fail with it; without it they pass, as every run of the tests shows."""
    with tempfile.TemporaryDirectory(prefix="vramswap-mutant-") as name:
        folder = Path(name)
        for part in _PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        source = (folder / mutant.file).read_text(encoding="utf-8")
        if source.count(mutant.old) != 1:
            raise SystemExit(f"“{mutant.name}”: its text stands {source.count(mutant.old)} times in {mutant.file}")
        (folder / mutant.file).write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *mutant.tests], cwd=folder,
            env=os.environ | {"PYTHONPATH": name}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return done.returncode == 1


def main() -> int:
    wanted = [mutant for mutant in MUTANTS if not sys.argv[1:] or sys.argv[1] in mutant.name]
    missed = 0
    for mutant in wanted:
        found = noticed(mutant)
        missed += not found
        print(f"{'found' if found else 'NOT FOUND':>9}  {mutant.name}", flush=True)
    print(f"{len(wanted) - missed} of {len(wanted)} found")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
