# SPDX-License-Identifier: MIT
"""One seed from beginning to end: faults for a while, then quiet, then all is turned off and nothing may be left.

``python -m tests.sim.run SEED`` shows a seed's history; ``--seeds N [--first M]`` runs many.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.sim.machine import EIO, PAGES, Gpu, Kernel, number_of
from tests.sim.server import EXTENT, Faults, KeeperProcess, Server
from tests.sim.ublk import UblkKernel, UblkServer
from tests.sim.world import Answer, Broken, Script, World
from vramswap_gui.api.control import PoolInfo
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.policy import landing, pool, sizing
from vramswap_gui.helper.policy.landing import Ground
from vramswap_gui.helper.policy.sizing import Area, Room
from vramswap_gui.helper.steps import (
    Add,
    Disconnect,
    EmptyFile,
    Extend,
    Goal,
    MakeFile,
    Quit,
    Remove,
    RemoveFile,
    Shrink,
    Step,
    SwapOff,
    SwapOn,
    UseFile,
    done,
    failed,
    next_step,
)
from vramswap_gui.helper.steps import (
    World as Situation,
)
from vramswap_gui.helper.strays import Strays
from vramswap_gui.system.disk import Disk
from vramswap_gui.units import GIB, MIB, SIZE_STEP

#: Seconds of faults, of quiet, and until everything must be off.
ROUGH: Final = 40.0
QUIET: Final = 60.0
OFF: Final = 240.0
MOST: Final = 3
MOST_EXTENTS: Final = 4
#: Seeds of one task.
PART: Final = 100
#: What a page stands for where the product counts in bytes.
PAGE: Final = 64 * MIB
#: Pages that memory and disk have room for, and the disk's own size in pages.
PLENTY: Final = 1000
LITTLE: Final = (6, 2, 0)


class Simulation:
    """All of it."""

    def __init__(self, seed: int, keep_history: bool = False, overrides: Mapping[str, float] | None = None) -> None:
        self.world = world = World(seed, keep_history)
        rng = world.rng

        # Each seed has its own mixture, so that rare faults meet alone as well as in company.
        def some(most: float) -> float:
            return rng.choice((0.0, 0.0, most / 4, most))

        faults = {
            "engine_dies": some(0.06), "engine_hangs": some(0.03), "worker_hangs": some(0.01),
            "keeper_dies": some(0.006),
            "fork_fails": some(0.2), "start_fails": some(0.3), "start_hangs": some(0.1), "question_fails": some(0.1),
            "late_death": some(0.5), "pairs_fail": some(0.1), "attach_fails": some(0.2), "exec_fails": some(0.5),
            "file_fails": some(0.3), "stopped": some(0.05),
            "gpu_lost": rng.choice((0.0,) * 9 + (1.0,)), "snatched": rng.choice((0.0,) * 9 + (1.0,)),
        }  # fmt: skip
        faults.update(overrides or {})
        self.gpu = Gpu(world)
        memory = rng.choice((PLENTY, PLENTY, *LITTLE))
        # Every other kernel has another driver beside NBD's.
        self.kernel = (UblkKernel if seed % 2 else Kernel)(world, self.gpu, memory, PLENTY)
        self.server = (UblkServer if seed % 2 else Server)(world, self.gpu, self.kernel, Faults(**faults))
        if seed % 3 == 2:
            self.server.compression = "lz4"
        self._helpers = 0
        #: What the helper was told of the pool; and whether it was refused to give an extent of it back.
        self._pool = PoolInfo()
        self._stuck = False
        self._off = False
        self._done = False

    def run(self) -> None:
        """Raises Broken."""
        world = self.world
        world.play(self._helper(), self._is_helper())
        world.play(self._guard())
        world.play(self._programs())
        world.play(self._watcher())
        if self.server.faults.gpu_lost:
            world.after(world.rng.uniform(5, ROUGH), self._lose_gpu)
        if self.server.faults.snatched:
            world.after(world.rng.uniform(5, ROUGH), self._snatch)
        world.run(ROUGH)
        world.note("quiet from here on")
        world.rough = False
        world.run(ROUGH + QUIET)
        self._settled()
        self._off = True
        until = world.now + OFF
        while world.now < until and not self._done:
            world.run(world.now + 5)
        world.require(self._done, "law 5: it could not be turned off")
        # What is orphaned sees that nobody is left.
        world.run(world.now + 30)
        self._nothing_left()

    def _lose_gpu(self) -> None:
        self.world.note("the GPU is gone")
        self.gpu.lost = True
        for vram in self.gpu.allocated:
            vram.pages[:] = [-2] * len(vram.pages)

    def _snatch(self) -> None:
        """Somebody disconnects one of our devices that is no swap."""
        for device in list(self.kernel.devices.values()):
            if not device.swap and not device.looked_at:
                self.world.note("somebody disconnects", device.number)
                self.kernel.disconnect(device.number)
                return

    def _settled(self) -> None:
        keeper = self.server.keeper
        if keeper is None or not keeper.alive or keeper.finished:
            return
        state = keeper.core.state()
        self.world.require(state == "running" or self.gpu.lost, f"law 5: the server is {state} after a quiet time")
        if not self.gpu.lost:
            waiting = sum(len(device.waiting) for device in self.kernel.devices.values())
            self.world.require(not waiting, "law 6: programs wait for pages after a quiet time")

    def _nothing_left(self) -> None:
        require = self.world.require
        require(not [d for d in self.kernel.devices.values() if d.connected], "law 5: a device is left")
        require(not [e for e in self.server.engines if e.alive], "law 5: an engine is left")
        require(not self.gpu.allocated, "law 5: VRAM is left")
        require(not self.kernel.files, "law 5: a swap file is left")

    # The others on the machine

    def _programs(self) -> Script:
        while not self._done:
            yield self.world.rng.random() * (0.4 if self.world.rough else 3.0)
            self.kernel.use()

    def _watcher(self) -> Script:
        """Somebody asks for the status now and then, or installs a new version in the middle of whatever goes on."""
        while not self._done:
            yield self.world.rng.random() * 6
            keeper = self.server.keeper
            if keeper is None or not keeper.alive:
                continue
            if self.world.chance(self.server.faults.stopped):
                keeper.terminate()
            else:
                keeper.ask("upgrade" if self.world.chance(0.1) else "status")

    def _is_helper(self) -> Callable[[], bool]:
        self._helpers += 1
        number = self._helpers
        return lambda: number == self._helpers

    def _server(self) -> KeeperProcess | None:
        keeper = self.server.keeper
        return keeper if keeper is not None and keeper.alive and not keeper.finished else None

    def _helper(self) -> Script:
        """Turns the swap on, changes its size, has the server upgraded; adopts what it finds."""
        devices: dict[int, str] = {}
        adopted: KeeperProcess | None = None
        # What an earlier one left.
        files = set(self.kernel.files)
        while not self._done:
            keeper = self._server()
            if keeper is None and not self._swapped(devices):
                devices.clear()
            if files and (keeper is not None or not devices):
                yield from self._tidy(keeper, devices, files)
            if keeper is None:
                if self._off and devices:
                    # Its server ended, with the GPU, before it: what is left is swap without anything behind it.
                    yield from self._reach(None, devices, Goal(tuple(sorted(devices, reverse=True))), files)
                yield 0.2
                continue
            if keeper is not adopted:
                # It is another server, or another helper.
                found = yield keeper.ask("status")
                if not isinstance(found, dict):
                    yield 0.2
                    continue
                devices = {s["index"]: s["device"] for s in found["segments"]}
                self._pool = PoolInfo.from_wire(found["pool"])
                adopted = keeper
            if self._off:
                last_first = tuple(sorted(devices, reverse=True))
                yield from self._reach(keeper, devices, Goal(last_first, end=True), files)
                for _ in range(400):
                    if devices or keeper.finished or not keeper.alive:
                        break
                    yield 0.5
            elif self.world.rough:
                yield from self._whim(keeper, devices, files)
            else:
                yield from self._reach(keeper, devices, Goal(), files)
            yield self.world.rng.random() * 1.0

    def _whim(self, keeper: KeeperProcess, devices: dict[int, str], files: set[int]) -> Script:
        wish = self.world.rng.random()
        if self.server.compression and self.world.rng.random() < 0.3:
            # Without any no segment can stay, so that each has to make way.
            yield from self._resize(keeper, devices, self.world.rng.randint(0, MOST_EXTENTS), files)
        if self.server.compression and self.world.rng.random() < 0.2:
            yield from self._tend(keeper, devices, files)
        if wish < 0.45 and len(devices) < MOST:
            yield from self._reach(keeper, devices, Goal(come=(SIZE_STEP,) * self.world.rng.randint(1, 2)), files)
        elif wish < 0.6 and devices:
            yield from self._reach(keeper, devices, Goal(leave=(self.world.rng.choice(list(devices)),)), files)
        elif wish < 0.65 and devices:
            yield from self._reach(keeper, devices, Goal(tuple(sorted(devices, reverse=True)), end=True), files)
        elif wish < 0.75:
            yield keeper.ask("upgrade")
        elif wish < 0.8:
            # This helper dies; the next one finds what is there.
            self.world.play(self._helper(), self._is_helper())
        elif wish < 0.83 and (swapped := sorted(self._swapped(devices))):
            refused = yield keeper.ask("remove", index=swapped[0])
            still = self.kernel.devices.get(number_of(devices[swapped[0]]))
            in_use = still is not None and still.swap and still.connected
            self.world.require(not isinstance(refused, dict) or not in_use, "law 9: swap was removed")
        elif wish < 0.86 and (swapped := sorted(self._swapped(devices))):
            # Somebody else turns it off.
            yield self.kernel.swapoff(number_of(devices[swapped[0]]))
        else:
            yield self.world.rng.random() * 3

    def _swapped(self, devices: Mapping[int, str]) -> frozenset[int]:
        found = self.kernel.devices
        return frozenset(i for i, d in devices.items() if number_of(d) in found and found[number_of(d)].swap)

    def _tidy(self, keeper: KeeperProcess | None, devices: dict[int, str], files: set[int]) -> Script:
        """As helper/lifecycle.py does it."""
        kernel, spare = self.kernel, []
        for number in sorted(files):
            file = kernel.files.get(number)
            # Of memory a little is always in use by what was never swapped.
            room = Room((kernel.memory + 1) * PAGE, kernel.available * PAGE)
            if file is not None and file.swap and landing.may_go(file.used * PAGE, room, 0):
                spare.append(number)
        yield from self._reach(keeper, devices, Goal(clear=tuple(spare)), files)

    def _make_room(self, leaving: tuple[int, ...], devices: Mapping[int, str], files: set[int]) -> int | None:
        """How large the file has to be that the pages of those that leave fit; 0: none is needed, None: it may not be.

        As helper/segments.py does it.
        """
        kernel = self.kernel
        swapped = self._swapped(devices)
        used = sum(len(kernel.devices[number_of(devices[i])].contents) for i in leaving if i in swapped)
        free = sum(file.size - file.used for file in kernel.files.values() if file.swap)
        short = sizing.shortfall(used * PAGE, Room(kernel.memory * PAGE, kernel.available * PAGE, free * PAGE))
        if short is None:
            return 0
        taken = sum(file.size for file in kernel.files.values())
        disk = Disk("ext4", kernel.disk * PAGE, (kernel.disk - taken) * PAGE + GIB, encrypted=True)
        try:
            return landing.size("auto", Ground(Path("/"), disk), len(files), short, MOST * PAGES * PAGE)
        except VramswapError:
            return None

    def _resize(self, keeper: KeeperProcess, devices: dict[int, str], count: int, files: set[int]) -> Script:
        """Have so many extents of VRAM, as helper/segments.py does it."""
        for least in (0, *(1,) * MOST):
            found = {index: self.kernel.devices[number_of(devices[index])] for index in self._swapped(devices)}
            areas = [
                Area(index, SIZE_STEP, len(device.contents) * SIZE_STEP // PAGES) for index, device in found.items()
            ]
            goal = Goal(pool.leaving(areas, self._pool, count, least), extents=count, extent=EXTENT)
            if least and not goal.leave:
                return
            if not (yield from self._reach(keeper, devices, goal, files)) or self._pool.extents == count:
                return
        self.world.require(False, "law 5: the VRAM does not become what is wanted")

    def _tend(self, keeper: KeeperProcess, devices: dict[int, str], files: set[int]) -> Script:
        """While nobody asks for anything, as helper/lifecycle.py does it."""
        kernel = self.kernel
        found = {index: kernel.devices[number_of(devices[index])] for index in self._swapped(devices)}
        areas = [Area(index, SIZE_STEP, len(device.contents) * SIZE_STEP // PAGES) for index, device in found.items()]
        # Segments are small beside their extents, so that there would be little to gain.
        info = replace(self._pool, size=SIZE_STEP)
        page = SIZE_STEP // PAGES
        index = pool.rotation(areas, info, Room(kernel.memory * page, kernel.available * page))
        if any(device.busy for device in found.values()):
            # Somebody moves something.
            return
        if index is None:
            if pool.compaction(areas, self._pool, None) is not None:
                yield keeper.ask("compact", size=0)
            return
        before = kernel.no_room
        yield from self._reach(keeper, devices, Goal((index,)), files)
        self.world.require(kernel.no_room == before, "law 10: a segment was to be forgotten whose pages have no room")

    def _reach(
        self, keeper: KeeperProcess | None, devices: dict[int, str], goal: Goal, files: set[int]
    ) -> Generator[float | Answer, Any, bool]:
        """As helper/segments.py does it, with the product's own steps. Whether the goal was reached."""
        land = self._make_room(goal.leave, devices, files)
        if land is None:
            return False
        self._stuck = False
        goal = replace(goal, land=land)
        began_empty = not self._swapped(devices)
        last: tuple[Situation, Step] | None = None
        for _ in range(40):
            world = self._situation(keeper, devices, files)
            step = next_step(world, goal)
            if step is None:
                return True
            if (world, step) == last:
                return False
            last = world, step
            result: list[int | None] = []
            if isinstance(step, MakeFile | UseFile | EmptyFile | RemoveFile):
                yield from self._carry_out_on_disk(step, files, result)
            else:
                yield from self._carry_out(keeper, devices, step, result)
            if not result:
                back = failed(step, self._situation(keeper, devices, files), began_empty)
                if back is not None:
                    yield from self._reach(keeper, devices, back, files)
                return False
            goal = done(goal, step, result[0])
        self.world.require(False, "law 5: a goal is not reached by any number of steps")
        return False

    def _situation(self, keeper: KeeperProcess | None, devices: Mapping[int, str], files: set[int]) -> Situation:
        obeys = keeper is not None and keeper.alive and not keeper.finished
        landed = frozenset(n for n in files if n in self.kernel.files and self.kernel.files[n].swap)
        extents, swapped = self._pool.extents, self._swapped(devices)
        return Situation(obeys, dict(devices), swapped, frozenset(files), landed, extents, self._stuck)

    def _carry_out_on_disk(
        self, step: MakeFile | UseFile | EmptyFile | RemoveFile, files: set[int], result: list[int | None]
    ) -> Script:
        kernel, fails = self.kernel, self.world.chance(self.server.faults.file_fails)
        match step:
            case MakeFile(size):
                # A helper that dies here leaves a file that it never heard of.
                made = None if fails else kernel.make_file(-(-size // PAGE))
                yield self.world.rng.random()
                if made is not None:
                    files.add(made)
                    result.append(made)
            case UseFile(number):
                yield self.world.rng.random() * 0.2
                if not fails:
                    kernel.files[number].swap = True
                    result.append(None)
            case EmptyFile(number):
                if (yield kernel.swapoff_file(number)):
                    result.append(None)
            case RemoveFile(number):
                files.discard(number)
                if number in kernel.files:
                    kernel.remove_file(number)
                result.append(None)
                yield 0.01

    def _carry_out(
        self, keeper: KeeperProcess | None, devices: dict[int, str], step: Step, result: list[int | None]
    ) -> Script:
        """``result`` gets the number of what was made, or None; it stays empty when the step failed."""
        match step:
            case SwapOn(index):
                number = number_of(devices[index])
                written = yield self.kernel.submit(number, 0, 7)
                if written != EIO and self.kernel.swapon(number):
                    result.append(None)
            case SwapOff(index):
                left = yield self.kernel.swapoff(number_of(devices[index]))
                if left:
                    result.append(None)
            case Disconnect(index):
                self.kernel.disconnect(number_of(devices.pop(index)))
                result.append(None)
            case Quit() if keeper is not None:
                yield from self._end(keeper, result)
            case Add() | Remove() | Extend() | Shrink() if keeper is not None:
                yield from self._order(keeper, devices, step, result)
                if self.server.compression and result:
                    told = yield keeper.ask("status")
                    if isinstance(told, dict):
                        self._pool = PoolInfo.from_wire(told["pool"])
                    else:
                        result.clear()

    def _order(
        self,
        keeper: KeeperProcess,
        devices: dict[int, str],
        step: Add | Remove | Extend | Shrink,
        result: list[int | None],
    ) -> Script:
        """What the server does."""
        answer: Any
        match step:
            case Add(size):
                answer = yield keeper.ask("add", size=size)
                if isinstance(answer, dict):
                    devices[answer["index"]] = answer["device"]
                    result.append(answer["index"])
            case Remove(index):
                answer = yield keeper.ask("remove", index=index)
                if isinstance(answer, dict):
                    devices.pop(index, None)
                    self._stuck = False
                    result.append(None)
            case Extend(size):
                if isinstance((yield keeper.ask("extend", size=size)), dict):
                    result.append(None)
            case Shrink():
                answer = yield keeper.ask("shrink")
                self._stuck = isinstance(answer, VramswapError) and answer.problem is Problem.POOL_IN_USE
                if isinstance(answer, dict) or self._stuck:
                    result.append(None)

    @staticmethod
    def _end(keeper: KeeperProcess, result: list[int | None]) -> Script:
        answer = yield keeper.ask("quit")
        if isinstance(answer, dict):
            result.append(None)
            # The helper waits for its end.
            for _ in range(400):
                if keeper.finished or not keeper.alive:
                    break
                yield 0.5

    def _guard(self) -> Script:
        """The helper's other half: it never waits for a device."""
        strays = Strays()
        while not self._done:
            yield 0.3 if self.world.rough else 1.0
            keeper = self._server()
            if keeper is None:
                yield from self._without_server()
                continue
            told = yield keeper.ask("status")
            if not isinstance(told, dict):
                continue
            known = {segment["device"] for segment in told["segments"]}
            there = [device for device in self.kernel.devices.values() if self.kernel.attached(device.ident)]
            found = {device.ident: device.path for device in there}
            for name in strays.judge(found, known, self.world.now):
                # The server that made it is gone, and so is whoever served it.
                self.world.note("helper: nobody serves", name)
                self.kernel.excused = self.kernel.excused or self.kernel.devices[number_of(name)].swap
                self.kernel.disconnect(number_of(name))

    def _without_server(self) -> Script:
        alive = [engine for engine in self.server.engines if engine.alive]
        if not alive:
            self.kernel.sweep()
        devices = [device for device in self.kernel.devices.values() if self.kernel.attached(device.ident)]
        if self._off and not alive and not devices and not self.kernel.files:
            self._done = True
            return
        if not alive and devices:
            # Keeper and engine are gone: the pages are lost, and whoever waits for one is told.
            self.kernel.excused = True
            self.world.note("helper: the pages are lost")
            for device in devices:
                self.kernel.disconnect(device.number)
            for number in list(self.kernel.devices):
                yield self.kernel.swapoff(number)
            self.kernel.excused = any(device.swap for device in self.kernel.devices.values())
            return
        yield 0.1
        if any(engine.alive and engine.keeper is not None for engine in self.server.engines) or (
            self._off and not alive
        ):
            return
        keeper = self.server.start()
        yield keeper.ready
        yield 0.01


def try_seed(seed: int, **overrides: float) -> str:
    """What a seed breaks; empty when it breaks nothing."""
    try:
        Simulation(seed, overrides=overrides).run()
    except Broken as broken:
        return str(broken)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def try_seeds(seeds: range) -> list[tuple[int, str]]:
    """Those that break something, and what."""
    return [(seed, law) for seed in seeds if (law := try_seed(seed))]


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulate the life cycle.")
    parser.add_argument("seed", nargs="?", type=int, help="show the history of one seed")
    parser.add_argument("--seeds", type=int, default=0, help="run so many")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if options.seed is not None:
        simulation = Simulation(options.seed, keep_history=True)
        try:
            simulation.run()
        finally:
            print("\n".join(simulation.world.history or []))
        return 0
    began = time.monotonic()
    parts = [
        range(options.first + start, min(options.first + start + PART, options.first + options.seeds))
        for start in range(0, options.seeds, PART)
    ]
    broken = 0
    with ProcessPoolExecutor() as pool:
        for found in pool.map(try_seeds, parts):
            broken += len(found)
            for seed, law in found:
                print(f"seed {seed}: {law}", flush=True)
    print(f"{options.seeds} seeds, {broken} broken, {time.monotonic() - began:.1f} s")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
