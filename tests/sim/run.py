# SPDX-License-Identifier: MIT
"""One seed from beginning to end: faults for a while, then quiet, then all is turned off and nothing may be left.

``python -m tests.sim.run SEED`` shows a seed's history; ``--seeds N [--first M] [--seconds S]`` runs many.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.sim.helper import HelperProcess
from tests.sim.machine import CONNECTIONS, Device, Gpu, Kernel
from tests.sim.server import Faults, Server
from tests.sim.ublk import UblkDevice, UblkKernel, UblkServer
from tests.sim.world import Broken, Script, World

#: Seconds of faults, of quiet, and until everything must be off.
ROUGH: Final = 40.0
QUIET: Final = 60.0
OFF: Final = 240.0
#: Seconds for which a GPU can be away that comes back.
AWAY: Final = 20.0
#: Seeds of one task.
PART: Final = 100
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
            "engine_dies": some(0.06), "engine_hangs": some(0.03), "worker_hangs": some(0.01), "stalls": some(0.3),
            "keeper_dies": some(0.006),
            "fork_fails": some(0.2), "start_fails": some(0.3), "start_hangs": some(0.1), "question_fails": some(0.1),
            "late_death": some(0.5), "late_answer": some(0.1), "pairs_fail": some(0.1),
            "attach_fails": some(0.2), "exec_fails": some(0.5),
            "file_fails": some(0.3), "stopped": some(0.05),
            "gpu_lost": rng.choice((0.0,) * 9 + (1.0,)), "gpu_away": rng.choice((0.0,) * 9 + (1.0,)),
            "snatched": rng.choice((0.0,) * 9 + (1.0,)),
            # The second by NBD alone: of ublk's requests none is late, so the worker's heartbeat is what is looked at.
            "short": float(seed % 5 == 1), "claims_stay": 0.01 * (seed % 14 == 4),
            "paged_out": float(seed % 4 >= 2),
        }  # fmt: skip
        faults.update(overrides or {})
        self.gpu = Gpu(world)
        memory = rng.choice((PLENTY, PLENTY, *LITTLE))
        # Every other kernel has another driver beside NBD's.
        self.kernel = (UblkKernel if seed % 2 else Kernel)(world, self.gpu, memory, PLENTY)
        self.server = (UblkServer if seed % 2 else Server)(world, self.gpu, self.kernel, Faults(**faults))
        if seed % 3 == 2:
            self.server.compression = "lz4"
        #: Every other machine's servers are systemd's, which starts one anew that was killed; the swap of some is to be
        #: on always.
        self._by_systemd = rng.random() < 0.5
        self._always = rng.random() < 0.5
        self._helper = HelperProcess(world, self.server, self.kernel, self._always)
        self._off = False
        self._done = False

    def run(self) -> None:
        """Raises Broken."""
        # Little of what a seed leaves is garbage for the collector, which would look at all of it again and again.
        collects = gc.isenabled()
        gc.disable()
        try:
            self._run()
        finally:
            if collects:
                gc.enable()

    def _run(self) -> None:
        world = self.world
        self._helper.start()
        for script in (self._helpers(), self._sentry(), self._programs(), self._watcher()):
            world.play(script)
        if self._by_systemd:
            world.play(self._systemd())
        if self.server.faults.gpu_away:
            world.after(world.rng.uniform(5, ROUGH), self._miss_gpu)
        if self.server.faults.gpu_lost:
            world.after(world.rng.uniform(5, ROUGH), self._lose_gpu)
        if self.server.faults.snatched:
            world.after(world.rng.uniform(5, ROUGH), self._snatch)
        if self.server.faults.short:
            world.after(world.rng.uniform(2, ROUGH / 2), self._run_short)
        world.run(ROUGH)
        world.note("quiet from here on")
        world.rough = False
        world.run(ROUGH + QUIET)
        self._settled()
        self._off = self._helper.off = True
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

    def _miss_gpu(self) -> None:
        """The driver resets it, or it fell asleep: no context works any more, and none can be made for a while. What is
        in VRAM is whole."""
        self.world.note("the GPU is away")
        self.gpu.epoch += 1
        self.gpu.back_at = self.world.now + self.world.rng.uniform(0.5, AWAY)

    def _run_short(self) -> None:
        """Programs take all memory there is, until the quiet time."""
        self.world.note("memory is short")
        self.kernel.short = True
        self.world.at(ROUGH, setattr, self.kernel, "short", False)

    def _snatch(self) -> None:
        """Somebody disconnects one of our devices, which may be swap."""
        for device in list(self.kernel.devices.values()):
            if device.usable and not device.looked_at and not (device.swap and isinstance(device, UblkDevice)):
                self.world.note("somebody disconnects", device.number)
                device.forsaken = device.swap
                self.kernel.disconnect(device.number)
                return
        if self.world.rough:
            self.world.after(0.1, self._snatch)

    def _settled(self) -> None:
        keeper = self.server.keeper
        require, gone = self.world.require, self.gpu.lost
        if not gone:
            waiting = sum(len(device.waiting) for device in self.kernel.devices.values())
            require(not waiting, "law 6: programs wait for pages after a quiet time")
        if keeper is None or not keeper.alive or keeper.finished:
            swap = [device for device in self.kernel.devices.values() if device.swap and device.usable]
            require(not swap or gone, "law 6: nobody watches over an engine after a quiet time")
            return
        state = keeper.core.state()
        require(state == "running" or gone, f"law 5: the server is {state} after a quiet time")
        for segment in keeper.core.segments.values():
            device = self.kernel.attached(segment.ident)
            require(device is None or gone or self._whole(device), "law 6: a connection stays dead")

    @staticmethod
    def _whole(device: Device) -> bool:
        """Whether it has all that it was made with."""
        up = sum(connection.up and connection.engine.alive for connection in device.connections)
        return device.live if isinstance(device, UblkDevice) else up == CONNECTIONS

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
            yield self.world.rng.random() * (6 if self.world.rough else 20)
            keeper = self.server.keeper
            if keeper is None or not keeper.alive:
                continue
            if self.world.chance(self.server.faults.stopped):
                keeper.terminate()
            else:
                keeper.ask("upgrade" if self.world.chance(0.1) else "status")

    def _helpers(self) -> Script:
        """One dies now and then, and the next one comes when it is needed."""
        while self.world.rough:
            yield 0.5
            if self.world.chance(0.01):
                self.world.note("the helper dies")
                self._helper.alive = False
                yield self.world.rng.random() * 10
                self._helper = HelperProcess(self.world, self.server, self.kernel, self._always)
                self._helper.off = self._off
                self._helper.start()

    def _while(self) -> float:
        """Until something is seen that happened."""
        return self.world.rng.random() * (0.4 if self.world.rough else 2.0)

    def _sentry(self) -> Script:
        """Once neither keeper nor engine is left, whoever waits for a page is told."""
        while not self._done:
            yield self._while()
            if not self.server.is_gone():
                continue
            self.server.end_strays()
            if self._off and self._helper.is_off and not self.kernel.devices and not self.kernel.files:
                self._done = True

    def _systemd(self) -> Script:
        """It starts a server anew that was killed, after what the unit has for its end."""
        while not self._done:
            yield self._while()
            keeper = self.server.keeper
            if keeper is not None and keeper.killed and not self.server.coming:
                yield 0.3 + self.world.rng.random()
                self.server.end_strays()
                yield 0.1
                if self.server.keeper is keeper and not self.server.coming:
                    self.server.start()


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
    parser.add_argument("--seconds", type=float, default=float("inf"))
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
    tried = broken = 0
    with ProcessPoolExecutor() as pool:
        for part, found in zip(parts, pool.map(try_seeds, parts), strict=True):
            tried += len(part)
            broken += len(found)
            for seed, law in found:
                print(f"seed {seed}: {law}", flush=True)
            if time.monotonic() - began > options.seconds:
                pool.shutdown(cancel_futures=True)
                break
    print(f"{tried} seeds, {broken} broken, {time.monotonic() - began:.1f} s")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
