# SPDX-License-Identifier: MIT
"""A model of the helper: the product's decisions in a shell that can die at any step, beside which its server may."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.sim.machine import EIO, PAGES, Device, Kernel, number_of
from tests.sim.server import EXTENT, KeeperProcess, Server
from tests.sim.world import Answer, Script, World
from vramswap_gui.api.control import PoolInfo
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import takeover
from vramswap_gui.helper.policy import landing, pool, sizing
from vramswap_gui.helper.policy.landing import Ground
from vramswap_gui.helper.policy.sizing import Area, Room, Steps
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
    numbered,
    with_made,
)
from vramswap_gui.helper.steps import (
    World as Situation,
)
from vramswap_gui.helper.strays import Strays
from vramswap_gui.system.disk import Disk
from vramswap_gui.units import GIB, MIB, SIZE_STEP

MOST: Final = 3
MOST_EXTENTS: Final = 4
#: What a page stands for where the product counts in bytes.
PAGE: Final = 64 * MIB
#: Seconds between two tries to have a new server take over.
_AGAIN: Final = 5.0


class HelperProcess:
    """Turns the swap on, changes its size, has the server upgraded; adopts what it finds, and sees to it that somebody
    serves. ``always``: it is to be on while nothing else is asked for."""

    def __init__(self, world: World, server: Server, kernel: Kernel, always: bool) -> None:
        self.world, self.server, self.kernel = world, server, kernel
        self.alive = True
        self._always = always
        #: The server that it is connected to.
        self._keeper: KeeperProcess | None = None
        self._quitting = False
        self._devices: dict[int, str] = {}
        # What an earlier one left.
        self._files = set(kernel.files)
        #: What it was told of the pool; and whether it was refused to give an extent of it back.
        self._pool = PoolInfo()
        self._stuck = False
        #: A verb is under way, which another one waits for.
        self._busy = False
        self._recovering = False
        self.off = False
        self.is_off = False

    def start(self) -> None:
        """It begins."""
        for script in (self._live(), self._guard()):
            self._play(script)

    def _play(self, script: Script) -> None:
        self.world.play(script, lambda: self.alive)

    # Its server

    @property
    def _connected(self) -> bool:
        return self._keeper is not None and self._keeper.alive and not self._keeper.finished

    def _adopt(self) -> bool:
        """Connect to a server that runs."""
        if not self._connected:
            keeper = self.server.keeper
            there = keeper is not None and keeper.alive and not keeper.finished and keeper.ready.ready
            self._keeper = keeper if there else None
            self._quitting = False
            if keeper is not None and there:
                keeper.connected.append(self._hung_up)
        return self._connected

    def _start_server(self) -> Generator[float | Answer, Any, bool]:
        if self._adopt():
            return True
        yield self.server.start()
        yield 0.01
        return self._adopt()

    def _ask(self, verb: str, **arguments: int) -> Generator[float | Answer, Any, Any]:
        """None when there is nobody to answer."""
        keeper = self._keeper
        if keeper is None or not self._connected:
            yield 0.01
            return None
        answer = yield keeper.ask(verb, **arguments)
        if verb == "status" and isinstance(answer, dict):
            # Whoever asked.
            self._pool = PoolInfo.from_wire(answer["pool"])
        return answer

    def _hung_up(self) -> None:
        """The connection to the server ended."""
        if self.alive and not self._connected and not self._quitting:
            self._server_lost()

    def _server_lost(self) -> None:
        """As in helper/recovery.py."""
        if not self._recovering:
            # Beside the verbs: one of them may wait for a page that nobody serves.
            self._recovering = True
            self._play(self._recover())

    def _recover(self) -> Script:
        while not (yield from self._take_over()):
            yield _AGAIN
        self._recovering = False

    def _take_over(self) -> Generator[float | Answer, Any, bool]:
        """As helper/recovery.py does it, with the product's own steps."""
        in_vain, known = False, None
        while True:
            step = takeover.next_step(self._left(known, in_vain))
            self.world.note("helper: recovers by", step.name)
            match step:
                case takeover.Step.START:
                    in_vain = not (yield from self._start_server())
                case takeover.Step.END_STRAYS:
                    yield 0.3
                    strays = self.server.end_strays()
                    if strays and not self._busy:
                        self._know({})
                    return strays
                case takeover.Step.ASK:
                    found = yield from self._ask("status")
                    if not isinstance(found, dict):
                        return False
                    known = {s["index"]: s["device"] for s in found["segments"]}
                case takeover.Step.ADOPT:
                    self._know(known or {})
                    return True
                case takeover.Step.GIVE_UP:
                    yield from self._give_up(known or {})
                    if not known or self._connected:
                        return True
                    known = None
                case takeover.Step.CLEAR:
                    return (yield from self._clear(known or {}))
                case _:
                    if not self._busy:
                        self._know({})
                    return True

    def _know(self, known: Mapping[int, str]) -> None:
        """As helper/segments.py does it."""
        unlost = frozenset(device for index, device in self._devices.items() if index >= 0)
        for device in takeover.lost(unlost, known.values()):
            self.world.note("helper: nobody has the pages of", device)
            self.kernel.take_away(number_of(device))
        self._devices = numbered(known, [self._devices[index] for index in self._swapped(self._devices)])

    def _served(self) -> frozenset[str]:
        return frozenset(self._devices[index] for index in self._swapped(self._devices) if index >= 0)

    def _left(self, known: Mapping[int, str] | None, in_vain: bool) -> takeover.Left:
        found = frozenset(known.values()) if known is not None and self._connected else None
        return takeover.Left(self._served(), self._there(), self._connected, found, in_vain)

    def _there(self) -> frozenset[str]:
        there = frozenset(device.path for device in self.kernel.devices.values() if device.usable)
        return there - {device for index, device in self._devices.items() if index < 0}

    def _give_up(self, known: Mapping[int, str]) -> Script:
        self._know(known)
        if not known:
            yield from self._end([])

    def _clear(self, known: Mapping[int, str]) -> Generator[float | Answer, Any, bool]:
        self._know(known)
        if self._busy:
            return False
        yield from self._begin_verb()
        ended = yield from self._reach(Goal(end=True))
        self._busy = False
        return ended or self._connected

    def _begin_verb(self) -> Script:
        while self._busy:
            yield 0.05
        self._busy = True

    # What it does

    def _live(self) -> Script:
        """Raises Broken."""
        yield from self._begin_verb()
        yield from self._find()
        self._busy = False
        while True:
            yield from self._begin_verb()
            if self.off:
                yield from self._turn_off()
            elif self.world.rough:
                yield from self._whim()
            else:
                yield from self._follow()
            self._busy = False
            yield self.world.rng.random() * (1.0 if self.world.rough else 3.0)

    def _find(self) -> Script:
        """As a helper that starts adopts what an earlier one left."""
        swap = [device.path for device in self.kernel.devices.values() if device.swap]
        self._devices = dict(enumerate(swap))
        found = (yield from self._ask("status")) if self._adopt() else None
        if not isinstance(found, dict):
            if swap or self._connected:
                self._server_lost()
            return
        self._know({s["index"]: s["device"] for s in found["segments"]})
        if (yield from self._reach(Goal())) and not self._devices:
            yield from self._end([])

    def _turn_on(self, sizes: int) -> Script:
        if not self._connected:
            if self._devices or not (yield from self._start_server()):
                return
            found = yield from self._ask("status")
            if not isinstance(found, dict):
                return
            # What an earlier one left half made.
            self._know({s["index"]: s["device"] for s in found["segments"]})
            if not (yield from self._reach(Goal())) or self._devices:
                return
        if self.server.compression and not self._pool.extents:
            yield from self._resize(self.world.rng.randint(1, MOST_EXTENTS))
        yield from self._reach(Goal(come=(SIZE_STEP,) * sizes))

    def _learn(self) -> Generator[float | Answer, Any, bool]:
        """What the server says of its pool."""
        return isinstance((yield from self._ask("status")), dict)

    def _follow(self) -> Script:
        """What the policy wants."""
        if self._devices and not self._connected:
            return
        yield from self._tidy()
        if len(self._devices) > len(self._swapped(self._devices)):
            yield from self._reach(Goal())
        elif self._always and not self._devices:
            yield from self._turn_on(1)

    def _turn_off(self) -> Script:
        yield from self._tidy()
        last_first = tuple(sorted(self._devices, reverse=True))
        yield from self._reach(Goal(last_first, end=True))
        self.is_off = not self._devices and not self._connected and not self._recovering

    def _whim(self) -> Script:
        wish = self.world.rng.random()
        devices = self._devices
        if self.server.compression and self._connected and self.world.rng.random() < 0.3:
            # Without any no segment can stay, so that each has to make way.
            yield from self._resize(self.world.rng.randint(0, MOST_EXTENTS))
        if self.server.compression and self._connected and self.world.rng.random() < 0.2:
            yield from self._tend()
        if wish < 0.45 and len(devices) < MOST:
            yield from self._turn_on(self.world.rng.randint(1, 2))
        elif wish < 0.6 and devices:
            yield from self._reach(Goal(leave=(self.world.rng.choice(list(devices)),)))
        elif wish < 0.65 and devices:
            yield from self._reach(Goal(tuple(sorted(devices, reverse=True)), end=True))
        elif wish < 0.75:
            yield from self._ask("upgrade")
        elif wish < 0.83 and (swapped := sorted(self._swapped(devices))):
            device = devices[swapped[0]]
            segment = self._keeper.core.segments.get(swapped[0]) if self._keeper is not None else None
            refused = yield from self._ask("remove", index=swapped[0])
            still = self.kernel.devices.get(number_of(device))
            # What neither keeper nor engine holds is lost already, and no segment of theirs.
            in_use = still is not None and still.swap and still.connected and still.vram.holders
            # A helper that has just begun numbers what it finds by itself.
            in_use = in_use and segment is not None and segment.device == device
            self.world.require(not isinstance(refused, dict) or not in_use, "law 9: swap was removed")
        elif wish < 0.86 and (swapped := sorted(self._swapped(devices))):
            # Somebody else turns it off.
            yield self.kernel.swapoff(number_of(devices[swapped[0]]))
        elif wish < 0.9:
            yield from self._follow()
        else:
            yield self.world.rng.random() * 3

    def _swapped(self, devices: Mapping[int, str]) -> frozenset[int]:
        found = self.kernel.devices
        return frozenset(i for i, d in devices.items() if number_of(d) in found and found[number_of(d)].swap)

    def _tidy(self) -> Script:
        """As helper/lifecycle.py does it."""
        kernel, spare = self.kernel, []
        for number in sorted(self._files):
            file = kernel.files.get(number)
            # Of memory a little is always in use by what was never swapped.
            room = Room((kernel.memory + 1) * PAGE, kernel.available * PAGE)
            if file is not None and file.swap and landing.may_go(file.used * PAGE, room, 0):
                spare.append(number)
        if self._files:
            yield from self._reach(Goal(clear=tuple(spare)))

    def _short(self, leaving: tuple[int, ...]) -> sizing.Shortfall | None:
        """What is in the way of the pages of those that leave."""
        kernel = self.kernel
        swapped = self._swapped(self._devices)
        used = sum(len(kernel.devices[number_of(self._devices[i])].contents) for i in leaving if i in swapped)
        room = Room(kernel.memory * PAGE, kernel.available * PAGE, kernel.landing * PAGE)
        return sizing.shortfall(used * PAGE, room)

    def _make_room(self, leaving: tuple[int, ...]) -> int | None:
        """How large the file has to be that the pages of those that leave fit; 0: none is needed, None: it may not be.

        As helper/segments.py does it.
        """
        kernel, short = self.kernel, self._short(leaving)
        if short is None:
            return 0
        taken = sum(file.size for file in kernel.files.values())
        disk = Disk("ext4", kernel.disk * PAGE, (kernel.disk - taken) * PAGE + GIB, encrypted=True)
        try:
            return landing.size("auto", Ground(Path("/"), disk), len(self._files), short, MOST * PAGES * PAGE)
        except VramswapError:
            return None

    def _resize(self, count: int) -> Script:
        """Have so many extents of VRAM, as helper/segments.py does it."""
        for least in (0, *(1,) * MOST):
            goal = Goal(pool.leaving(self._areas(), self._pool, count, least), extents=count, extent=EXTENT)
            if least and not goal.leave:
                return
            if not (yield from self._reach(goal)) or self._pool.extents == count:
                return
        self.world.require(False, "law 5: the VRAM does not become what is wanted")

    def _found(self) -> dict[int, Device]:
        return {index: self.kernel.devices[number_of(self._devices[index])] for index in self._swapped(self._devices)}

    def _areas(self) -> list[Area]:
        found = self._found().items()
        return [Area(index, SIZE_STEP, len(device.contents) * SIZE_STEP // PAGES) for index, device in found]

    def _tend(self) -> Script:
        """While nobody asks for anything, as helper/lifecycle.py does it."""
        kernel, areas, page = self.kernel, self._areas(), SIZE_STEP // PAGES
        # Segments are small beside their extents, so that there would be little to gain.
        info = replace(self._pool, size=SIZE_STEP)
        steps = pool.rotation(areas, info, Room(kernel.memory * page, kernel.available * page), MOST)
        if any(device.busy for device in self._found().values()):
            # Somebody moves something.
            return
        if steps == Steps():
            if pool.compaction(areas, self._pool, None) is not None:
                yield from self._ask("compact", size=0)
            return
        pages = sum(area.used for area in areas if area.index in steps.remove) // page
        fit = pages <= kernel.available
        self.world.require(fit, "law 10: a segment is to be forgotten whose pages have no room")
        yield from self._reach(Goal(steps.remove, (SIZE_STEP,) * len(steps.add)))

    def _reach(self, goal: Goal) -> Generator[float | Answer, Any, bool]:
        """As helper/segments.py does it, with the product's own steps. Whether the goal was reached."""
        land = self._make_room(goal.leave)
        if land is None:
            return False
        if self.server.compression:
            yield from self._learn()
        self._stuck = False
        goal = replace(goal, land=land)
        began_empty = not self._swapped(self._devices)
        last: tuple[Situation, Step] | None = None
        extended = 0
        for _ in range(40):
            world = self._situation()
            step = next_step(world, goal)
            if step is None:
                return True
            if (world, step) == last:
                # Somebody undid it at once, but for what nobody but us does: a request to extend that came late.
                undone = step != Shrink() or self.server.extended > extended
                self.world.require(undone, "law 5: an extent that cannot go is asked for again")
                return False
            last, extended = (world, step), self.server.extended
            if isinstance(step, SwapOff) and self._short(goal.leave) is not None:
                land = self._make_room(goal.leave)
                if not land:
                    return False
                goal = replace(goal, land=land)
                continue
            result: list[int | None] = []
            if isinstance(step, MakeFile | UseFile | EmptyFile | RemoveFile):
                yield from self._carry_out_on_disk(step, result)
            else:
                yield from self._carry_out(step, result)
            if not result:
                back = failed(step, self._situation(), began_empty)
                if back is not None:
                    yield from self._reach(back)
                return False
            goal = done(goal, step, result[0])
        self.world.require(False, "law 5: a goal is not reached by any number of steps")
        return False

    def _situation(self) -> Situation:
        landed = frozenset(n for n in self._files if n in self.kernel.files and self.kernel.files[n].swap)
        extents, swapped = self._pool.extents, self._swapped(self._devices)
        return Situation(
            self._connected, dict(self._devices), swapped, frozenset(self._files), landed, extents, self._stuck
        )

    def _carry_out_on_disk(self, step: MakeFile | UseFile | EmptyFile | RemoveFile, result: list[int | None]) -> Script:
        kernel, fails = self.kernel, self.world.chance(self.server.faults.file_fails)
        match step:
            case MakeFile(size):
                # A helper that dies here leaves a file that it never heard of.
                made = None if fails else kernel.make_file(-(-size // PAGE))
                yield self.world.rng.random()
                if made is not None:
                    self._files.add(made)
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
                self._files.discard(number)
                if number in kernel.files:
                    kernel.remove_file(number)
                result.append(None)
                yield 0.01

    def _carry_out(self, step: Step, result: list[int | None]) -> Script:
        """``result`` gets the number of what was made, or None; it stays empty when the step failed."""
        match step:
            case SwapOn(index):
                number = number_of(self._devices[index])
                written = yield self.kernel.submit(number, 0, 7)
                if written != EIO and self.kernel.swapon(number):
                    result.append(None)
            case SwapOff(index):
                number = number_of(self._devices[index])
                fit = len(self.kernel.devices[number].contents) <= self.kernel.available + self.kernel.landing
                self.world.require(fit, "law 10: pages are brought home that have no room")
                left = yield self.kernel.swapoff(number)
                if left:
                    result.append(None)
            case Disconnect(index):
                self.kernel.take_away(number_of(self._devices[index]))
                self._devices.pop(index, None)
                result.append(None)
            case Quit():
                yield from self._end(result)
            case Add() | Remove() | Extend() | Shrink():
                yield from self._order(step, result)
                if self.server.compression and result and not (yield from self._learn()):
                    result.clear()

    def _order(self, step: Add | Remove | Extend | Shrink, result: list[int | None]) -> Script:
        """What the server does."""
        answer: Any
        match step:
            case Add(size):
                answer = yield from self._ask("add", size=size)
                if isinstance(answer, dict):
                    self._know(with_made(self._devices, answer["index"], answer["device"]))
                    result.append(answer["index"])
            case Remove(index):
                answer = yield from self._ask("remove", index=index)
                if isinstance(answer, dict):
                    self._devices.pop(index, None)
                    self._stuck = False
                    result.append(None)
            case Extend(size):
                if isinstance((yield from self._ask("extend", size=size)), dict):
                    result.append(None)
            case Shrink():
                answer = yield from self._ask("shrink")
                self._stuck = isinstance(answer, VramswapError) and answer.problem is Problem.POOL_IN_USE
                if isinstance(answer, dict) or self._stuck:
                    result.append(None)

    def _end(self, result: list[int | None]) -> Script:
        self._quitting = True
        keeper = self._keeper
        answer = yield from self._ask("quit")
        if isinstance(answer, VramswapError):
            self._quitting = False
            return
        result.append(None)
        # The helper waits for its end.
        for _ in range(400):
            if keeper is None or keeper.finished or not keeper.alive:
                break
            yield 0.3

    def _guard(self) -> Script:
        """It never waits for a device."""
        strays = Strays()
        while True:
            yield 0.3 if self.world.rough else 2.0
            if not self._connected:
                if not self._recovering and not self._busy and (self._adopt() or self._there()):
                    # Systemd has started it; or a server that is gone left something.
                    self._recovering = True
                    self._play(self._recover())
                continue
            there = [device for device in self.kernel.devices.values() if self.kernel.attached(device.ident)]
            if not there and self.world.rng.random() < 0.9:
                continue
            told = yield from self._ask("status")
            if not isinstance(told, dict):
                continue
            known = {segment["device"] for segment in told["segments"]}
            if known - set(self._devices.values()) and not self._busy:
                yield from self._begin_verb()
                again = yield from self._ask("status")
                if isinstance(again, dict):
                    self._know({s["index"]: s["device"] for s in again["segments"]})
                self._busy = False
            found = {device.ident: device.path for device in there}
            for name in strays.judge(found, known, self.world.now):
                # The server that made it is gone, and so is whoever served it.
                self.world.note("helper: nobody serves", name)
                self.kernel.take_away(number_of(name))
