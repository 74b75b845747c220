# SPDX-License-Identifier: MIT
"""Models of the machine: VRAM with contents, the kernel's NBD driver and its devices, programs that swap on them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from tests.sim.world import Answer, World
from vramswap_gui.paths import NBD
from vramswap_gui.server.messages import Kind

if TYPE_CHECKING:
    from tests.sim.server import EngineProcess

#: Pages of a segment, connections of a device, and the kernel's request timeout in seconds (nbd_kernel.py).
PAGES: Final = 3
CONNECTIONS: Final = 2
TIMEOUT: Final = 3.0
#: Seconds in which an engine that gives the kernel connections itself waits for it to take them.
TAKE_SECONDS: Final = 2.0
#: Seconds between two looks whether anybody still relies on a connection that timed out.
FENCED_SECONDS: Final = 0.5
#: What is in VRAM that nobody has wiped yet, in a page that was wiped or forgotten, and what a read gets that fails.
GARBAGE: Final = -1
NOTHING: Final = 0
EIO: Final = -5
ENOSPC: Final = -28


@dataclass(slots=True, eq=False)
class Vram:
    """One allocation. It lives as long as anybody holds it."""

    pages: list[int]
    holders: int = 0
    #: Wiped after it was last written.
    clean: bool = False
    #: Nobody could wipe it, and that was told.
    excused: bool = False


class Packed:
    """The contents of a segment that has none of its own: which extent has each page."""

    def __init__(self) -> None:
        self.where: list[Extent | None] = [None] * PAGES

    def __len__(self) -> int:
        return PAGES

    def __getitem__(self, page: int) -> int:
        extent = self.where[page]
        return 0 if extent is None else extent.log.get((self, page), GARBAGE)

    def put(self, page: int, value: int, extent: Extent | None) -> None:
        """A page lies there now, and nowhere else."""
        before = self.where[page]
        if before is not None:
            before.log.pop((self, page), None)
        self.where[page] = extent
        if extent is not None:
            extent.log[self, page] = value
            extent.clean = False

    def __setitem__(self, pages: slice, values: list[int]) -> None:
        for page in range(PAGES):
            extent = self.where[page]
            if extent is not None and any(values):
                extent.log[self, page] = values[page]
            elif extent is not None:
                self.put(page, 0, None)


@dataclass(slots=True, eq=False)
class Index(Vram):
    """The entries of a packed segment's pages: memory that lives as long as anybody holds it, and needs no wiping."""

    pages: Packed = field(default_factory=Packed)  # type: ignore[assignment]
    clean: bool = True


@dataclass(slots=True, eq=False)
class Extent(Vram):
    """VRAM of the pool."""

    #: By segment and page.
    log: dict[tuple[Packed, int], int] = field(default_factory=dict)


class Gpu:
    """The card."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.lost = False
        #: No context of an earlier one works any more, and until then none can be made.
        self.epoch = 0
        self.back_at = 0.0
        self.allocated: set[Vram] = set()

    def allocate(self, kind: Kind = Kind.PLAIN) -> Vram:
        vram = Index() if kind is Kind.PACKED else (Extent if kind is Kind.EXTENT else Vram)([GARBAGE] * PAGES)
        self.allocated.add(vram)
        return vram

    def hold(self, vram: Vram) -> None:
        vram.holders += 1

    def let_go(self, vram: Vram, *, by_death: bool, both_dead: bool = False) -> None:
        """The last holder gives it back. Orderly only after it was wiped; a process that is killed has no choice.

        ``both_dead``: of keeper and engine the other one is dead already, and nobody could have kept it."""
        vram.holders -= 1
        if not vram.holders:
            self.allocated.discard(vram)
            fine = vram.clean or by_death or self.lost or vram.excused
            self._world.require(fine, "law 11: VRAM was given back unwiped")
            if isinstance(vram, Extent):
                # Pages that are said to lie there are lost. The next engine sees that the extent is not there.
                vram.log = dict.fromkeys(vram.log, EIO if both_dead else GARBAGE)


@dataclass(slots=True, eq=False)
class Connection:
    """A socketpair between a device and an engine."""

    #: Whether it says that there is somebody who may ask for a page.
    tells: ClassVar[bool] = True
    index: int
    engine: EngineProcess
    #: The kernel believes in it, the engine has it open.
    up: bool = True
    open: bool = True
    device: Device | None = None
    #: Which of the engine's workers serves it.
    worker: int = 0
    #: Who hears of its end at the keeper's side.
    watcher: Callable[[], None] | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One page to be read (``value`` None), written, or forgotten (NOTHING)."""

    device: Device
    page: int
    value: int | None
    done: Answer
    attempt: int = 0
    connection: Connection | None = None


@dataclass(slots=True, eq=False)
class Device:
    """/dev/nbdN."""

    number: int
    ident: str
    vram: Vram
    connections: list[Connection]
    connected: bool = True
    swap: bool = False
    leaving: bool = False
    #: Somebody who looks at it has it open, and locked.
    looked_at: int = 0
    waiting: list[Request] = field(default_factory=list)
    #: What programs have swapped out: the page's value, which is known once it is written.
    contents: dict[int, int] = field(default_factory=dict)
    #: What was written last, also where nobody wants it any more.
    written: dict[int, int] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    #: Pages that the kernel has forgotten, and told.
    forgotten: set[int] = field(default_factory=set)
    #: Somebody disconnected it with swap on it: its pages were lost, or it was somebody else.
    forsaken: bool = False

    @property
    def path(self) -> str:
        return f"{NBD}{self.number}"

    @property
    def usable(self) -> bool:
        return self.connected


def number_of(path: str) -> int:
    """A device's number. Those of both drivers have different ones."""
    return int("".join(filter(str.isdigit, path)))


@dataclass(slots=True)
class File:
    """A swap file on a disk, in pages."""

    size: int
    used: int = 0
    swap: bool = False


class Kernel:
    """The NBD driver, the swap on its devices, and where else pages can be: ``memory`` and ``disk``, in pages."""

    def __init__(self, world: World, gpu: Gpu, memory: int, disk: int) -> None:
        self._world = world
        self.memory = memory
        self.disk = disk
        #: Of memory what pages take that came home.
        self.home = 0
        self.files: dict[int, File] = {}
        self._gpu = gpu
        self.devices: dict[int, Device] = {}
        #: So little of memory is free that whoever asks for some waits.
        self.short = False
        self.errors = 0
        #: Pages were written anew that got worse, so that the pool may be full.
        self.worse = False

    # The driver

    def connect(self, ident: str, vram: Vram, connections: list[Connection]) -> Device:
        """NBD_CMD_CONNECT."""
        number = next(n for n in range(64) if n not in self.devices)
        device = self.devices[number] = Device(number, ident, vram, connections)
        for connection in connections:
            self._take_end(device, connection)
        self._world.note("kernel: device", number, ident)
        self._world.soon(self.look, number, most=0.01)
        return device

    def open(self, connection: Connection) -> bool:
        """An engine takes what it is to serve through."""
        return True

    def reconfigure(self, number: int, ident: str, connections: list[Connection]) -> bool | None:
        """NBD_CMD_RECONFIGURE: True when all are taken, None when there is no such device, or it is another one now."""
        device = self.devices.get(number)
        if device is None or not device.connected or device.ident != ident:
            return None
        for connection in connections:
            if connection.device is not None:
                continue
            dead = next((i for i, old in enumerate(device.connections) if not old.up), None)
            if dead is None:
                return False
            device.connections[dead] = connection
            self._take_end(device, connection)
        waiting, device.waiting = device.waiting, []
        for request in waiting:
            self._send(request)
        return True

    def _take_end(self, device: Device, connection: Connection) -> None:
        """That nobody is at its other end any more is noticed once it is listened to."""
        connection.device = device
        if not connection.engine.alive:
            self._world.soon(self._hang_up, connection, most=0.05)

    def disconnect(self, number: int) -> None:
        """NBD_CMD_DISCONNECT: whoever waits for a page gets an error."""
        device = self.devices.get(number)
        if device is None or not device.connected:
            return
        self._world.note("kernel: disconnect", number)
        device.connected = False
        if device.swap:
            lost = device.forsaken or self._gpu.lost or not device.vram.holders
            self._world.require(lost, "law 9: a device was disconnected while its pages could be had")
            device.forsaken = True
        waiting, device.waiting = device.waiting, []
        for request in waiting:
            self._fail(request)
        for connection in device.connections:
            self._hang_up(connection)
        for engine in {connection.engine for connection in device.connections}:
            engine.closed(device)
        if not device.swap:
            del self.devices[number]

    def take_away(self, number: int) -> None:
        """As helper/swap_area.py does it."""
        self.disconnect(number)

    def give_up(self, kept: Collection[str]) -> None:
        """As a server that begins does with all devices but those ``kept``. Of NBD's nobody knows who serves them."""

    def is_unserved(self, device: Device, index: int, engine: EngineProcess) -> bool:
        """Whether an engine that has no keeper is to see to its device. That others serve it is not said."""
        return not any(end.index == index and end.open and end.up for end in engine.connections)

    def serve(self, device: Device, index: int, engine: EngineProcess) -> None:
        """As server/engine/driver.py does it."""
        ends = [Connection(index, engine, worker=n) for n in range(CONNECTIONS)]
        engine.connect(index, ends)
        until = self._world.now + TAKE_SECONDS

        def hand_in() -> None:
            taken = self.reconfigure(device.number, device.ident, ends) if engine.alive else None
            if taken is False and self._world.now < until:
                self._world.after(0.01, engine.do, hand_in)
                return
            for end in ends:
                if end.device is None:
                    end.up = end.open = False

        self._world.soon(engine.do, hand_in)

    def attached(self, ident: str) -> Device | None:
        """The device of this identity that programs can use (/sys/block/nbdN/backend)."""
        return next((device for device in self.devices.values() if device.ident == ident and device.usable), None)

    def sweep(self) -> None:
        """The server is gone: what it made and did not come to start is forgotten."""

    def dies(self, engine: EngineProcess) -> None:
        """A process ended, and its sockets with it. The driver's own workers notice when they come to run."""
        for device in self.devices.values():
            for connection in device.connections:
                if connection.engine is engine:
                    self._world.soon(self._hang_up, connection, most=0.05)

    def _hang_up(self, connection: Connection) -> None:
        if not connection.up:
            return
        connection.up = connection.open = False
        if connection.watcher is not None:
            self._world.soon(connection.watcher, most=0.005)

    # Requests

    def submit(self, number: int, page: int, value: int | None) -> Answer:
        done = Answer()
        device = self.devices.get(number)
        if device is None:
            done.set(EIO)
            return done
        self._send(Request(device, page, value, done))
        return done

    def _send(self, request: Request) -> None:
        device = request.device
        request.attempt += 1
        if not device.connected:
            self._fail(request)
            return
        up = [connection for connection in device.connections if connection.up]
        if not up:
            request.connection = None
            device.waiting.append(request)
            return
        request.connection = self._world.rng.choice(up)
        self._world.after(TIMEOUT, self._late, request, request.attempt)
        request.connection.engine.receive(request, request.attempt)

    def _late(self, request: Request, attempt: int) -> None:
        """A request that was not answered: its connection is given up, and it is sent again."""
        if request.done.ready or request.attempt != attempt or request.connection is None:
            return
        self._world.note("kernel: timeout on", request.device.number, "page", request.page)
        self._hang_up(request.connection)
        self._is_fenced(request.connection, self._world.now)
        self._send(request)

    def _is_fenced(self, connection: Connection, since: float) -> None:
        """An engine was late. A keeper of its own has to see to that, unless the device is gone."""
        device, engine = connection.device, connection.engine
        keeper = engine.keeper
        if device is None or not device.connected or connection not in device.connections or keeper is None:
            return
        relied_on = keeper.relies_on(engine, device)
        known = self._world.now >= since + keeper.fenced_within() + FENCED_SECONDS
        self._world.require(not relied_on or not known, "law 1: connections that the kernel gave up stay as they are")
        if relied_on:
            self._world.after(FENCED_SECONDS, self._is_fenced, connection, since)

    def _fail(self, request: Request) -> None:
        self.errors += 1
        lost = request.device.forsaken or self._gpu.lost
        self._world.require(lost or not request.device.swap, "law 6: the kernel got an error")
        request.done.set(EIO)

    def answered(self, request: Request, attempt: int, value: int) -> None:
        """An engine's reply came over its connection."""
        if request.done.ready or request.attempt != attempt:
            return
        if request.connection is not None and request.connection.up:
            request.done.set(value)

    # Swap

    def look(self, number: int) -> None:
        """udev looks at a device that came, or that a writer closed: it opens it, locks it, and reads."""
        device = self.devices.get(number)
        if device is None or not device.connected:
            return
        device.looked_at += 1
        # Now and then by somebody who reads all of it, and takes its time.
        if self._world.chance(0.1):
            self.linger(device, self._world.rng.random() * 20)
        done = self.submit(number, 0, None)

        def seen(_: object) -> None:
            device.looked_at -= 1

        if done.ready:
            seen(None)
        else:
            done.resume = seen

    def linger(self, device: Device, seconds: float) -> None:
        """Somebody reads it for so long."""
        device.looked_at += 1
        until = self._world.now + seconds

        def read(_: object = None) -> None:
            if not device.connected or self._world.now > until:
                device.looked_at -= 1
                return
            page = self._world.rng.randrange(PAGES)
            self._world.after(0.3, lambda: self._then(self.submit(device.number, page, None), read))

        read()

    def swapon(self, number: int) -> bool:
        device = self.devices.get(number)
        if device is None or not device.connected or device.swap:
            return False
        device.swap = True
        return True

    def swapoff(self, number: int) -> Answer:
        """Every page comes home. False when one could not be read: then it is in use as before."""
        result = Answer()
        device = self.devices.get(number)
        if device is None or not device.swap or device.leaving:
            result.set(False)
            return result
        device.leaving = True
        pages = list(device.contents)

        def next_page(value: int | None = None) -> None:
            lost = value == EIO and self._is_lost(device, pages[-1])
            if value is not None and not lost and not self._take():
                self._world.note("kernel: no room for the pages of", number)
                device.leaving = False
                result.set(False)
                return
            if value is not None and value != device.contents.get(pages[-1], value):
                self._wrong(device, pages[-1], value)
            if value is not None:
                device.contents.pop(pages.pop(), None)
            if pages and pages[-1] in device.busy:
                self._world.after(0.05, next_page)
                return
            if pages:
                done = self.submit(number, pages[-1], None)
                if done.ready:
                    self._world.after(0.0, next_page, done.value)
                else:
                    done.resume = lambda v: self._world.after(0.0, next_page, v)
                return
            if device.busy:
                self._world.after(0.05, next_page)
                return
            if device.contents:
                pages.extend(device.contents)
                self._world.after(0.0, next_page)
                return
            device.swap = device.leaving = False
            if device.connected:
                self.look(number)
            else:
                self.devices.pop(number, None)
            result.set(True)

        next_page()
        return result

    @property
    def available(self) -> int:
        """Pages of memory that are free."""
        return max(0, self.memory - self.home)

    @property
    def landing(self) -> int:
        """Pages that swap on the disk has room for."""
        return sum(file.size - file.used for file in self.files.values() if file.swap)

    def _take(self) -> bool:
        """A place for a page that comes home: in memory, or what was there longest goes to the disk."""
        if self.available:
            self.home += 1
            return True
        file = next((file for file in self.files.values() if file.swap and file.used < file.size), None)
        if file is not None:
            file.used += 1
        return file is not None

    def make_file(self, size: int) -> int | None:
        """Its number; None where the disk is full."""
        if sum(file.size for file in self.files.values()) + size > self.disk:
            return None
        number = next(n for n in range(64) if n not in self.files)
        self.files[number] = File(size)
        return number

    def remove_file(self, number: int) -> None:
        self._world.require(not self.files[number].swap, "law 9: a swap file was removed with its pages")
        del self.files[number]

    def swapoff_file(self, number: int) -> Answer:
        """Its pages come home. False when there is no room."""
        result = Answer()
        file = self.files[number]

        def end() -> None:
            if file.used > self.available or not file.swap:
                result.set(False)
                return
            self.home += file.used
            file.used, file.swap = 0, False
            result.set(True)

        self._world.soon(end, most=2.0)
        return result

    def forget(self) -> None:
        """A program ends, whose pages came home or lie on the disk."""
        if self.home and self._world.rng.random() < 0.3:
            self.home -= 1
        for file in self.files.values():
            if file.used and self._world.rng.random() < 0.3:
                file.used -= 1

    def _is_lost(self, device: Device, page: int) -> bool:
        return device.forsaken or self._gpu.lost or device.vram.pages[page] == EIO

    def _wrong(self, device: Device, page: int, value: int) -> None:
        if value == EIO and self._is_lost(device, page):
            return
        wanted = device.contents[page]
        self._world.require(False, f"device {device.number}: page {page} reads {value}, not {wanted}")

    def use(self) -> None:
        """A program has a page swapped out, or wants one back."""
        self.forget()
        usable = [d for d in self.devices.values() if d.swap and d.connected and not d.forsaken]
        if not usable:
            return
        device = self._world.rng.choice(usable)
        page = self._world.rng.randrange(PAGES)
        self._look_what_is_forgotten(device)
        if page in device.busy:
            return
        if page in device.contents and not device.leaving and self._world.rng.random() < 0.2:
            self._discard(device, page)
            return
        if page in device.contents:
            device.busy.add(page)
            done = self.submit(device.number, page, None)

            def read(value: int) -> None:
                device.busy.discard(page)
                if page in device.contents and value != device.contents[page]:
                    self._wrong(device, page, value)

            self._then(done, read)
        if page in device.busy or device.leaving:
            return
        device.busy.add(page)
        device.forgotten.discard(page)
        value = self._world.rng.randrange(1, 1 << 30)
        if value % 2 > device.written.get(page, 1) % 2:
            self.worse = True
        device.written[page] = value
        done = self.submit(device.number, page, value)

        def written(result: int) -> None:
            device.busy.discard(page)
            if result == ENOSPC:
                # It stays in memory, and its place in the swap is of no use.
                self._world.require(self.worse, "law 6: there was no room for a page")
                device.contents.pop(page, None)
            elif result != EIO:
                device.contents[page] = value

        self._then(done, written)

    def page_in(self) -> Answer:
        """A program needs a page that may be anywhere, and gets on once it has it, or knows that it is lost."""
        devices = [device for device in self.devices.values() if device.swap and device.contents]
        if devices:
            device = self._world.rng.choice(devices)
            return self.submit(device.number, self._world.rng.choice(list(device.contents)), None)
        answer = Answer()
        answer.set(NOTHING)
        return answer

    def _look_what_is_forgotten(self, device: Device) -> None:
        still = [page for page in device.forgotten - device.busy if device.vram.pages[page] != NOTHING]
        fine = not still or device.forsaken or self._gpu.lost
        self._world.require(fine, f"law 11: device {device.number}: what was forgotten is in VRAM: {still}")

    def _discard(self, device: Device, page: int) -> None:
        """A program ends, whose page is there: the place is nobody's until the device knows that.

        It is told of clusters that are free as a whole, and not of what is free in others.
        """
        del device.contents[page]
        if self._world.rng.random() < 0.5:
            return
        device.busy.add(page)

        def told(result: int) -> None:
            device.busy.discard(page)
            if result != EIO:
                device.forgotten.add(page)

        self._then(self.submit(device.number, page, NOTHING), told)

    @staticmethod
    def _then(done: Answer, call: Callable[[int], None]) -> None:
        if done.ready:
            call(done.value)
        else:
            done.resume = call
