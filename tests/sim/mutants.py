# SPDX-License-Identifier: MIT
# ruff: noqa: E501 - the changes are lines of code, which are better not broken.
"""Changes of the product that break a law, and how many seeds the simulator needs to find each: ``make mutants``.

Each stands for something that was wrong once, or could be. One that is not found means that the simulator looks away.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType
from typing import Final

from tests.support import mutation
from tests.support.mutation import ROOT, Mutant

_KEEPER: Final = "vramswap_gui/server/supervisor/keeper.py"
_RECOVERY: Final = "vramswap_gui/server/supervisor/recovery.py"
_LIFE: Final = "vramswap_gui/server/engine/life.py"
_STEPS: Final = "vramswap_gui/helper/steps.py"
_POOL: Final = "vramswap_gui/helper/policy/pool.py"
_MAIN: Final = "vramswap_gui/server/main.py"
#: Seeds for each.
_MOST: Final = 10_000


MUTANTS: Final = (
    Mutant("the next engine serves when the last one was killed, not reaped", _KEEPER,
           "        return not others\n", "        return all(other.phase is Phase.FENCED for other in others)\n"),
    Mutant("the last engine is not ended before the next one serves", _KEEPER,
           "        if self._fence(engine):\n", "        if True:\n"),
    Mutant("connections that the kernel gave up stay dead", _KEEPER,
           "        self._tear(segment, event.gen)\n", ""),
    Mutant("those of a device that is to go stay dead", _KEEPER,
           "                self._tear(segment, segment.link_gen)\n", ""),
    Mutant("an engine is ended at once when the kernel finds it late", _KEEPER,
           "        if engine is None or not engine.ours or not self._is_serving(gen):\n", "        if True:\n"),
    Mutant("an engine that is late all the time goes on", _KEEPER,
           "            self._end_late(engine)\n            return\n        segment.torn", "            pass\n        segment.torn"),
    Mutant("who follows a late engine is given no more time", _RECOVERY, "        self._lates += 1\n", "        self._lates = 0\n"),
    Mutant("a hang-up that came while a device was to go is forgotten", _KEEPER,
           "        if segment.hung_at:\n", "        if False:\n"),
    Mutant("a device that is to go gets no connections, and whoever opens it waits for ever", _KEEPER,
           "            due = segment.stage in LINKED and segment.retry_at",
           "            due = segment.stage in (Stage.ATTACHED,) and segment.retry_at"),
    Mutant("devices keep the connections of a dead engine", _KEEPER,
           "            elif segment.link in (Link.PREPARED, Link.UP):\n                self._disconnect(segment)\n\n", "\n"),
    Mutant("what the next engine needs to start is kept from it", _KEEPER,
           "        self._look_who_serves()\n        question", "        question"),
    Mutant("the next engine opens the GPU that was chosen, which may be another one by now", _KEEPER,
           'str(self._gpu.get("uuid", self._choice))', "self._choice"),
    Mutant("a segment that could not be made stays", _KEEPER,
           "            self._fail(segment, event.error)\n            del self.segments[segment.index]\n            return\n",
           "            self._fail(segment, event.error)\n            return\n"),
    Mutant("an engine that hangs over a question is waited for", _KEEPER,
           "            elif engine.question is not None and engine.answer_by <= self._now:\n                self._end_late(engine)\n",
           ""),
    Mutant("an engine whose worker or cleaner hangs goes on", _KEEPER,
           "        if engine.moved_at and min(engine.moved_at) + self.patience(HANG_SECONDS) <= self._now:\n            self._end_late(engine)\n", ""),
    Mutant("an engine that hangs at its start is waited for", _KEEPER,
           "            if engine.phase is Phase.STARTING and engine.deadline <= self._now:\n", "            if False:\n"),
    Mutant("a status waits for an engine that hangs", _KEEPER,
           "        for waiting in [waiting for waiting in self._statuses if waiting.until <= self._now]:\n",
           "        for waiting in []:\n"),
    Mutant("a status forgets an extent that is to go and may have to stay", _KEEPER,
           "if extent.fd >= 0]\n", "if extent.stage is Stage.KEPT]\n"),
    Mutant("what is known of the pool goes with its keeper", _KEEPER,
           "        self._pool = PoolInfo.from_wire(event.inherited.pool)\n", ""),
    Mutant("an engine that is to tell a new keeper of the pool is told nothing itself", _KEEPER,
           "gpu, self._pool.to_wire(), self._records()", "gpu, {}, self._records()"),
    Mutant("VRAM is released without an engine to wipe it", _KEEPER,
           "        if self._serving() is None:\n            # It is gone for whoever asked; the next engine wipes it.\n"
           "            self._done(segment)\n",
           "        if self._serving() is None:\n            self._done(segment)\n            self._release(segment)\n"),
    Mutant("VRAM is wiped while its device is being taken away", _KEEPER,
           "            elif segment.stage is Stage.DETACHED and segment.link is Link.DOWN and segment.kind is not Kind.EXTENT:\n",
           "            elif segment.stage in (Stage.DETACHED, Stage.DETACHING):\n"),
    Mutant("the server ends with VRAM that nobody wiped", _KEEPER,
           "            if self._now < self._wipe_until:\n                return\n", ""),
    Mutant("a failed exec leaves the server busy for ever", _KEEPER,
           "        number, self._executing = self._executing, 0\n", "        number = self._executing\n"),
    Mutant("an engine that could not be forked is waited for", _KEEPER,
           "            # There is no process whose end could be reported.\n            self._forget(engine)\n",
           "            pass\n"),
    Mutant("a device that could not be made leaves its verb unanswered", _KEEPER,
           "        self._unlink(segment)\n        self._fail(segment, event.error)\n", "        self._unlink(segment)\n"),
    Mutant("a device that somebody took away is reconnected for ever", _KEEPER,
           "        if event.gone and segment.stage is Stage.ATTACHED:\n", "        if False:\n"),
    Mutant("a kernel that did not take connections is not asked again", _KEEPER,
           "        self._unlink(segment)\n        segment.retry_at = self._now + LINK_SECONDS\n        segment.trouble",
           "        segment.retry_at = self._now + LINK_SECONDS\n        segment.trouble"),
    Mutant("a device that could not be taken away counts as gone", _KEEPER,
           "        segment.stage = Stage.ATTACHED\n        segment.retry_at = self._now + (LEAVE_SECONDS",
           "        segment.stage = Stage.DETACHED\n        segment.retry_at = self._now + (LEAVE_SECONDS"),
    Mutant("an engine that opened a ublk device in vain goes on", _KEEPER,
           "        if event.spent:\n            self._end_engine(segment.link_gen)\n", ""),
    Mutant("what was made ready for an engine that is no more is given to the next one", _KEEPER,
           "        if not wanted or not self._is_serving(segment.link_gen):\n", "        if not wanted:\n"),
    Mutant("the GPU is given up at the first word against it", _RECOVERY, "PATIENCE: Final = 30.0", "PATIENCE: Final = 0.0"),
    Mutant("the GPU is never given up", _RECOVERY, "PATIENCE: Final = 30.0", "PATIENCE: Final = 1e9"),
    Mutant("an engine that lost its keeper looks at its connections alone", _LIFE,
           "eldest and not attached and not connections else", "eldest and not connections else"),
    Mutant("an engine that lost its keeper wipes at once", _LIFE,
           "eldest and not attached and not connections else", "eldest else"),
    Mutant("an engine that lost its keeper never ends", _LIFE, "        if self._idle >= LOOKS:\n", "        if False:\n"),
    Mutant("an engine that lost its keeper waits for the next one to give its devices connections", _LIFE,
           "        if self._bare >= LOOKS:\n", "        if False:\n"),
    Mutant("an engine that lost its keeper serves beside one that can still write", _LIFE,
           "self.orphaned and unserved and eldest else", "self.orphaned and unserved else"),
    Mutant("an engine has nothing before its keeper has it map that", _KEEPER,
           "self._pool.to_wire(), self._records()))", "self._pool.to_wire()))"),
    Mutant("what a helper left half made stays", _STEPS,
           "        return Remove(index) if world.server and index >= 0 else Disconnect(index)\n", "        continue\n"),
    Mutant("a segment goes with its pages", _STEPS,
           "            return SwapOff(index)\n", "            return Remove(index)\n"),
    Mutant("a swap file that a helper left half made stays", _STEPS,
           "        return UseFile(number) if number == goal.ground else RemoveFile(number)\n", "        if number == goal.ground:\n            return UseFile(number)\n"),
    Mutant("a swap file is removed with its pages", _STEPS,
           "            return EmptyFile(number)\n", "            return RemoveFile(number)\n"),
    Mutant("a swap file stays when nobody needs it", _STEPS,
           "    for number in goal.clear:\n", "    for number in ():\n"),
    Mutant("an extent that cannot go is asked for again and again", _STEPS,
           "    if world.extents > count and not world.stuck:\n", "    if world.extents > count:\n"),
    Mutant("no segment makes way for an extent that cannot go", _STEPS,
           "    if world.extents > count or goal.extents is None:\n", "    if goal.extents is None:\n"),
    Mutant("a server takes another driver than the one that has the devices which are there", _MAIN,
           "    if there is not None:\n", "    if False:\n"),
    Mutant("a segment is forgotten whose pages have no room in memory", _POOL,
           " and shortfall(area.used, memory, area.size) is None", ""),
    Mutant("nobody makes a place to land", _STEPS,
           "    if goal.land:\n", "    if False:\n"),
)  # fmt: skip


def _change(mutant: Mutant) -> None:
    """Have the program run with it."""
    name = mutant.file.removesuffix(".py").replace("/", ".")
    package, _, last = name.rpartition(".")
    module = ModuleType(name)
    module.__file__, module.__package__ = str(ROOT / mutant.file), package
    sys.modules[name] = module
    exec(compile(mutant.changed(), module.__file__, "exec"), module.__dict__)
    setattr(importlib.import_module(package), last, module)


def seeds(number: int) -> int:
    """How many it took until one of MUTANTS was found, 0 when it was not. The process is its own from then on."""
    _change(MUTANTS[number])
    run = importlib.import_module("tests.sim.run")
    for seed in range(_MOST):
        try:
            if run.try_seed(seed):
                return seed + 1
        except Exception:
            # It fell over instead of breaking a law.
            return seed + 1
    return 0


def _hunt(mutant: Mutant) -> str:
    found = _told(f"from tests.sim import mutants; print(mutants.seeds({MUTANTS.index(mutant)}))")
    if found == "0":
        return ""
    as_it_is = _told(f"from tests.sim.run import try_seed; print(try_seed({int(found) - 1}))")
    if as_it_is:
        # Such a seed says nothing of a mutant.
        raise SystemExit(f"seed {int(found) - 1} is broken as it is: {as_it_is}")
    return found


def _told(program: str) -> str:
    # A process each: nothing of one is left for the next.
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(mutation.main(MUTANTS, _hunt))
