# SPDX-License-Identifier: MIT
"""Models of the kernel's ublk driver, and of the keeper's shell around it, as they differ from NBD's.

A device is made, opened by the one engine that serves it, and started. A server that has no devices yet makes one first
that is forgotten again, and takes NBD where that fails. When that engine ends, requests wait, those too
that it had; a recovery can begin once the kernel is done with it, and ends when the next one serves. Nothing times out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from tests.sim.machine import Connection, Device, Kernel, Request, Vram
from tests.sim.server import EngineProcess, KeeperProcess, Killed, Server, failed
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.paths import UBLK
from vramswap_gui.server import messages as m
from vramswap_gui.server.main import choose

#: Seconds within which the kernel lets go of an engine that ended.
_RELEASED: Final = 10.0


@dataclass(slots=True, eq=False)
class UblkDevice(Device):
    """/dev/ublkbN, and /dev/ublkcN behind it."""

    started: bool = False
    #: A recovery was begun, and not ended.
    recovering: bool = False
    #: What the engine has, which it asked for and did not answer.
    flight: list[Request] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{UBLK}{self.number}"

    @property
    def usable(self) -> bool:
        return self.connected and self.started

    @property
    def opener(self) -> Connection | None:
        """Who serves it, or is about to; the kernel may not know yet that it is dead."""
        return next((connection for connection in self.connections if connection.up), None)

    @property
    def live(self) -> bool:
        """Whether requests go to the opener."""
        return self.started and not self.recovering and self.opener is not None


class Opening(Connection):
    """An engine that has a device open, or is to open it, which may never be started."""

    tells = False


class UblkKernel(Kernel):
    """The ublk driver beside NBD's, and the swap on the devices of both."""

    def add(self, ident: str, vram: Vram) -> UblkDevice:
        """UBLK_CMD_ADD_DEV and SET_PARAMS."""
        number = next(n for n in range(64) if n not in self.devices)
        device = UblkDevice(number, ident, vram, [])
        self.devices[number] = device
        self._world.note("kernel: device", number, ident)
        return device

    def open(self, connection: Connection) -> bool:
        """An engine opens a device, and fetches all that it can. There can be one."""
        if not isinstance(connection, Opening):
            return super().open(connection)
        device = connection.device
        if not isinstance(device, UblkDevice) or not device.connected or device.opener is not None:
            return False
        device.connections = [connection]
        return True

    def is_unserved(self, device: Device, index: int, engine: EngineProcess) -> bool:
        if not isinstance(device, UblkDevice):
            return super().is_unserved(device, index, engine)
        return not device.live

    def serve(self, device: Device, index: int, engine: EngineProcess) -> None:
        if not isinstance(device, UblkDevice):
            super().serve(device, index, engine)
            return
        if not any(end.index == index and end.open and end.up for end in engine.connections):
            if not self.begin_recovery(device):
                return
            end = Opening(index, engine, device=device)
            if not self.open(end):
                return
            engine.connect(index, [end])
        self._world.soon(engine.do, self.end_recovery, device, engine)

    def start(self, device: UblkDevice, engine: EngineProcess) -> bool:
        """UBLK_CMD_START_DEV: the process that serves it is to be the one that is named."""
        opener = device.opener
        if opener is None or opener.engine is not engine or not opener.open or not engine.alive:
            return False
        device.started = True
        self._world.soon(self.look, device.number, most=0.01)
        return True

    def begin_recovery(self, device: UblkDevice) -> bool:
        """UBLK_CMD_START_USER_RECOVERY, which is refused as long as somebody has the device open."""
        if device.opener is not None:
            return False
        device.recovering = True
        return True

    def end_recovery(self, device: UblkDevice, engine: EngineProcess) -> bool:
        """UBLK_CMD_END_USER_RECOVERY: what waited is sent."""
        opener = device.opener
        if not device.recovering or opener is None or opener.engine is not engine or not engine.alive:
            return False
        device.recovering = False
        waiting, device.waiting = device.waiting, []
        for request in waiting:
            self._send(request)
        return True

    def stop(self, device: UblkDevice) -> bool:
        """UBLK_CMD_TRY_STOP_DEV, which is refused as long as somebody uses the device."""
        if device.swap or device.looked_at:
            return False
        self.disconnect(device.number)
        return True

    def take_away(self, number: int) -> None:
        device = self.devices.get(number)
        if isinstance(device, UblkDevice):
            self.stop(device)
        else:
            super().take_away(number)

    def give_up(self, kept: Collection[str]) -> None:
        for device in self.devices.values():
            if isinstance(device, UblkDevice) and device.started and device.ident not in kept:
                self._refuse(device, self._world.now + _RELEASED)

    def _refuse(self, device: UblkDevice, until: float) -> None:
        """Somebody refuses what is asked for, as soon as nobody else has it open."""
        if self.devices.get(device.number) is not device:
            return
        if device.opener is None:
            self._world.soon(self.disconnect, device.number)
        elif self._world.now < until:
            self._world.after(0.01, self._refuse, device, until)

    def sweep(self) -> None:
        for device in list(self.devices.values()):
            if isinstance(device, UblkDevice) and not device.started:
                self.disconnect(device.number)

    def _hang_up(self, connection: Connection) -> None:
        """The kernel is done with who had the device open: what that one had is to be sent again."""
        device = connection.device
        was_up = connection.up
        super()._hang_up(connection)
        if was_up and isinstance(device, UblkDevice):
            flight, device.flight = device.flight, []
            for request in flight:
                if not request.done.ready:
                    self._send(request)

    def disconnect(self, number: int) -> None:
        device = self.devices.get(number)
        flight: list[Request] = []
        if isinstance(device, UblkDevice):
            flight, device.flight = device.flight, []
        super().disconnect(number)
        for request in flight:
            if not request.done.ready:
                self._fail(request)

    def _send(self, request: Request) -> None:
        device = request.device
        if not isinstance(device, UblkDevice):
            super()._send(request)
            return
        request.attempt += 1
        if not device.connected:
            self._fail(request)
            return
        opener = device.opener
        if not device.live or opener is None:
            request.connection = None
            device.waiting.append(request)
            return
        request.connection = opener
        device.flight.append(request)
        opener.engine.receive(request, request.attempt)


class UblkServer(Server):
    """A server that takes the driver which the product chooses."""

    def shell(self, devices: list[str]) -> type[KeeperProcess]:
        transport, _ = choose("auto", devices, self._unusable)
        return UblkKeeperProcess if transport is m.Transport.UBLK else KeeperProcess

    def _unusable(self) -> VramswapError | None:
        """As exports/ublk.py finds it out: a device is made, and forgotten again."""
        assert isinstance(self.kernel, UblkKernel)
        self.kernel.sweep()
        if self.world.chance(self.faults.pairs_fail):
            return VramswapError(Problem.UBLK_NOT_LOADED)
        tried = self.kernel.add("tried", Vram([]))
        if self.world.chance(10 * self.faults.keeper_dies):
            # Nobody is left who knows of it.
            raise Killed
        self.kernel.disconnect(tried.number)
        return None


class UblkKeeperProcess(KeeperProcess):
    """A keeper whose segments are ublk devices."""

    def _begin(self, inherited: m.Inheritance | None) -> None:
        # Before anything that it makes itself.
        self._kernel.sweep()
        super()._begin(inherited)

    @property
    def _kernel(self) -> UblkKernel:
        kernel = self.server.kernel
        assert isinstance(kernel, UblkKernel)
        return kernel

    def _device(self, index: int) -> UblkDevice | None:
        device = self._kernel.devices.get(self.devices.get(index, -1))
        return device if isinstance(device, UblkDevice) and device.connected else None

    def _prepare(self, action: m.Prepare) -> None:
        self.world.require(action.index not in self._linking, "two jobs for one device")
        self._linking.add(action.index)
        until = self.world.now + 10.0
        vram = self.fds[self.core.segments[action.index].fd]

        def try_it() -> None:
            if action.index not in self.devices:
                if self.world.chance(self.server.faults.pairs_fail):
                    self._linked(m.DeviceUnlinked(action.index, failed("no memory", ErrorCode.INTERNAL)))
                    return
                self.devices[action.index] = self._kernel.add(action.ident, vram).number
                self._linked(m.DevicePrepared(action.index))
                return
            device = self._device(action.index)
            if device is None or device.ident != action.ident:
                del self.devices[action.index]
                self._linked(m.DeviceUnlinked(action.index, failed("gone", ErrorCode.NO_UBLK), gone=True))
            elif self._kernel.begin_recovery(device):
                self._linked(m.DevicePrepared(action.index))
            elif action.index in self._abandoned or self.world.now > until or not self.alive:
                self._linked(m.DeviceUnlinked(action.index, failed("busy", ErrorCode.NO_UBLK)))
            else:
                self.world.after(0.005, try_it)

        self.world.soon(try_it)

    def _way(self, action: m.Ask, engine: EngineProcess) -> list[Connection]:
        return [Opening(action.index, engine, device=self._device(action.index))]

    def _attach(self, action: m.Attach) -> None:
        self._commit(action.index, action.gen, self._kernel.start)

    def _reconnect(self, action: m.Reconnect) -> None:
        self._commit(action.index, action.gen, self._kernel.end_recovery)

    def _commit(self, index: int, gen: int, order: object) -> None:
        self.world.require(index not in self._linking, "two jobs for one device")
        self._linking.add(index)
        engine = self.engines.get(gen)

        def commit() -> None:
            assert callable(order)
            device = self._device(index)
            fails = self.world.chance(self.server.faults.attach_fails)
            if fails or device is None or engine is None or not order(device, engine):
                error = failed("refused", ErrorCode.NO_UBLK)
                self._linked(m.DeviceUnlinked(index, error, spent=True))
            else:
                self._linked(m.DeviceLinked(index, device.path))

        self.world.soon(commit)

    def _detach(self, action: m.Detach) -> None:
        self._begin_detach(action)
        until = 0.0

        def let_go() -> None:
            nonlocal until
            until = until or self.world.now + 2.0
            device = self._device(action.index)
            if device is None:
                self._let_go_of(action)
            elif action.lost and device.opener is None:
                # Somebody refuses what is asked for.
                self._kernel.disconnect(device.number)
                self._let_go_of(action)
            elif action.lost:
                self._end_detach(m.DetachFailed(action.index, failed("served", ErrorCode.NO_UBLK)), queued=False)
            elif not self.alive:
                return
            elif self._kernel.stop(device):
                self._let_go_of(action)
            elif device.swap or action.index in self._abandoned_detach or self.world.now > until:
                self._end_detach(m.DetachFailed(action.index, failed("in use", ErrorCode.BUSY)))
            else:
                self.world.after(0.03, let_go)

        self._let_go_by(let_go, action)

    def _let_go_of(self, action: m.Detach) -> None:
        self._end_detach(m.DeviceDetached(action.index), not action.lost)
        self.devices.pop(action.index, None)

    def _dropends(self, action: m.DropEnds) -> None:
        device = self._device(action.index)
        if device is not None and not device.started:
            self.world.soon(self._kernel.disconnect, self.devices.pop(action.index))
