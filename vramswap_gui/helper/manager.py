"""The life of the swap: from nothing to segments in use, and back with every page safe."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.contract import SIZE_STEP, ErrorCode, Mode, Segment, State, Status, VramswapError
from vramswap_gui.helper import policy, swap
from vramswap_gui.helper.config import ConfigFile, changed
from vramswap_gui.helper.policy import Area, Memory, Vram
from vramswap_gui.helper.server_link import ServerLink
from vramswap_gui.settings import Config
from vramswap_gui.system import meminfo, swaps
from vramswap_gui.units import round_up

_PROGRESS_SECONDS: Final = 0.2


class Manager:
    """Owns the swap. Verbs run one after the other; ``changed`` hears of every new status."""

    def __init__(
        self, server: ServerLink, config: ConfigFile, folder: Path, attach: str, proc: Path = Path("/proc")
    ) -> None:
        self._server = server
        self._file = config
        #: There while the machine sleeps; not empty if the swap is to come back. A new helper has to know it too.
        self._asleep = folder / "asleep"
        self._attach = attach
        self._proc = proc
        self._verb = asyncio.Lock()
        #: The server's number of each segment → its device.
        self._devices: dict[int, str] = {}
        self._aim = 0
        self._playing = False
        self._leaving: asyncio.Task[None] | None = None
        self._status = Status(version=__version__)
        self.changed: Callable[[Status], None] = lambda status: None
        server.lost = self._server_lost

    @property
    def status(self) -> Status:
        """The state of things now, with the use of each segment as the kernel counts it."""
        self._set(segments=self._segments())
        return self._status

    def config(self) -> Config:
        """The settings in force. Raises VramswapError CONFIG_INVALID."""
        return self._file.load()

    async def adopt(self) -> None:
        """Take over what an earlier helper left: swap in use stays, a half-made segment goes."""
        async with self._verb:
            config = Config()
            try:
                config = self._file.load()
            except VramswapError as error:
                self._set(state=State.FAILED, error=_wire(error), reason=error.message)
            self._set(mode=Mode(config.mode), wanted=config.size, simulated=() if self._attach == "kernel" else ("kernel",))
            if not await self._server.adopt():
                await self._adopt_orphans()
                return
            found = await self._server.ask("status")
            self._devices = {segment["index"]: segment["device"] for segment in found["segments"]}
            await self._prune()
            if not self._devices:
                await self._server.quit()
                self._set(reason="Off.")
                return
            self._note_gpu(config, found["gpu"])
            self._aim = config.size or sum(area.size for area in self._areas())
            self._rest()

    async def _adopt_orphans(self) -> None:
        """Without a server there may still be swap of ours, served by an engine that outlived its keeper."""
        if self._attach == "kernel":
            devices = [area.device for area in swaps.read(self._proc) if area.device.startswith("/dev/nbd")]
            self._devices = dict(enumerate([device for device in devices if await swap.is_ours(device)]))
        if self._devices:
            self._server_lost()
        elif self._status.state is State.OFF:
            self._set(reason="Off.")

    async def start(self) -> None:
        """Turn the swap on. Raises VramswapError; then it is off and the machine as it was."""
        async with self._verb:
            if self._asleep.exists():
                raise VramswapError(
                    ErrorCode.BUSY, "The machine is going to sleep.", "Try again when it is awake (`vramswapctl wake`)."
                )
            await self._start()

    async def _start(self) -> None:
        await self._prune()
        if self._devices:
            if not self._server.connected:
                raise _keeper_died()
            return
        self._set(state=State.STARTING, reason="Reserving VRAM.", error=_NO_ERROR)
        try:
            config = self._file.load()
            if self._attach == "kernel":
                await swap.require_nbd()
            await self._server.start(config.gpu)
            vram = await self._vram(config)
            size = self._aim = policy.target(config, vram)
            for part in policy.reshape((), size).add:
                await self._add(config, part)
        except VramswapError as error:
            await self._undo()
            self._set(state=State.FAILED, reason=error.message, error=_wire(error), segments=())
            raise
        self._aim = config.size or self._aim
        self._rest()

    async def stop(self) -> None:
        """Turn the swap off, pages first. Raises VramswapError; then what is still in use goes on serving."""
        async with self._verb:
            await self._stop()

    async def _stop(self) -> None:
        areas = self._areas()
        if areas:
            self._require_room(areas)
            self._set(state=State.STOPPING, reason="Bringing pages home.")
        async with self._resting():
            # The last one has the fewest pages, and while it goes the kernel may use the others.
            for index in sorted(self._devices, reverse=True):
                await self._remove(index)
            await self._server.quit()
        self._set(state=State.OFF, reason="Off.", error=_NO_ERROR, segments=())

    async def upgrade(self) -> None:
        """Have a running server become the version that is installed now, with the swap on. Raises VramswapError."""
        async with self._verb:
            if self._server.connected:
                try:
                    await self._server.upgrade()
                finally:
                    self._rest()

    async def sleep(self) -> None:
        """Before the machine sleeps, which powers the GPU down: off until :meth:`wake`.

        Raises VramswapError; then the machine must not sleep, or it would hang on the first page it wants back.
        """
        async with self._verb:
            resume = self._asleep.read_text() if self._asleep.exists() else ("on" if self._devices else "")
            await self._stop()
            self._asleep.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._asleep.write_text(resume)
            self._set(reason="Off while the machine sleeps.")

    async def wake(self) -> None:
        """After the sleep: on again if it was on before. Raises VramswapError."""
        async with self._verb:
            if not self._asleep.exists():
                return
            resume = self._asleep.read_text()
            self._asleep.unlink()
            if resume:
                await self._start()
            else:
                self._set(reason="Off.")

    async def cancel(self) -> None:
        """Have the segment that is being emptied stay, if there is one; what waits for it fails with CANCELLED."""
        if self._leaving is not None:
            # swapoff(2) returns as soon as its process is killed, and the area is in use as before.
            self._leaving.cancel()

    async def resize(self, size: int) -> None:
        """Keep ``size`` (0: automatic) and, when the swap is on, bring it there. Raises VramswapError."""
        async with self._verb:
            config = changed(self._file.load(), {"size": size})
            await self._prune()
            if self._devices:
                vram = await self._vram(config)
                goal = policy.target(config, vram)
                areas = self._areas()
                steps = policy.reshape(areas, goal)
                self._require_room([area for area in areas if area.index in steps.remove])
                self._file.save(config)
                self._set(wanted=config.size, state=State.RESIZING, reason="Changing the size.")
                async with self._resting():
                    for index in steps.remove:
                        await self._remove(index)
                    for part in steps.add:
                        await self._add(config, part)
                    self._aim = config.size or goal
            else:
                self._file.save(config)
                self._set(wanted=config.size)

    def set_playing(self, playing: bool) -> None:
        """Whether somebody plays a game, who then wants the VRAM."""
        self._playing = playing

    async def set_mode(self, mode: str) -> None:
        """Keep when VRAM is lent by itself. Raises VramswapError."""
        await self.configure({"mode": mode})

    async def configure(self, values: dict[str, object]) -> None:
        """Change settings for everyone; those about a start are in force at the next one. Raises VramswapError."""
        async with self._verb:
            config = changed(self._file.load(), values)
            self._file.save(config)
            self._set(mode=Mode(config.mode), wanted=config.size)
            if self._status.error[0] == ErrorCode.CONFIG_INVALID:
                self._set(state=State.OFF, error=_NO_ERROR, reason="Off.")

    async def _add(self, config: Config, size: int) -> None:
        """One more segment in use, or none and nothing left of it."""
        made = await self._server.ask("add", size=size)
        index, device = made["index"], made["device"]
        try:
            await swap.on(device, policy.priority(config, index))
        except VramswapError:
            await self._server.ask("remove", index=index)
            raise
        self._devices[index] = device
        self._set(segments=self._segments())

    async def _remove(self, index: int) -> None:
        """A segment's pages come home, then its device goes. When they cannot, it goes on serving."""
        if any(area.index == index for area in self._areas()):
            off = self._leaving = asyncio.create_task(swap.off(self._devices[index]))
            while not off.done():
                left = next((area.used for area in self._areas() if area.index == index), 0)
                self._set(bytes_left=left)
                await asyncio.wait([off], timeout=_PROGRESS_SECONDS)
            self._set(bytes_left=0)
            self._leaving = None
            if off.cancelled():
                raise VramswapError(
                    ErrorCode.CANCELLED, "It was cancelled; what had not come home stays in VRAM.", "Nothing was lost."
                )
            off.result()
        device = self._devices.pop(index)
        if self._server.connected:
            await self._server.ask("remove", index=index)
        elif self._attach == "kernel":
            swap.disconnect(device)
        self._set(segments=self._segments())

    async def _prune(self) -> None:
        """Release what is no swap (any more): a helper that died half-way left it, or somebody ran ``swapoff``."""
        used = {area.index for area in self._areas()}
        for index in self._devices.keys() - used:
            await self._remove(index)

    async def _undo(self) -> None:
        """After a start that failed: whatever it made goes again, as far as that is safe."""
        with contextlib.suppress(VramswapError):
            for index in sorted(self._devices, reverse=True):
                await self._remove(index)
            await self._server.quit()

    @contextlib.asynccontextmanager
    async def _resting(self) -> AsyncIterator[None]:
        """Whatever happens inside, the status afterwards says what is so."""
        try:
            yield
        finally:
            self._rest()

    def _rest(self) -> None:
        segments = self._segments()
        if segments and self._server.connected:
            size = sum(segment.size for segment in segments)
            self._set(state=State.ON, segments=segments, reason=policy.sentence(size, self._aim), error=_NO_ERROR)
        elif segments:
            self._set(segments=segments)
            self._server_lost()

    def _server_lost(self) -> None:
        """The server's keeper is gone. Its engine serves on as long as it lives, so the pages can be brought home."""
        if not self._segments():
            self._devices.clear()
        error = _keeper_died()
        self._set(state=State.FAILED, reason=error.message, error=_wire(error), segments=self._segments())

    async def _vram(self, config: Config) -> Vram:
        found = await self._server.ask("status")
        self._note_gpu(config, found["gpu"])
        ours = sum(segment["size"] for segment in found["segments"])
        return Vram(found["gpu"]["total"], found["gpu"]["free"], ours)

    def _note_gpu(self, config: Config, gpu: dict[str, Any]) -> None:
        simulated = (("gpu",) if gpu["simulated"] else ()) + (() if self._attach == "kernel" else ("kernel",))
        most = policy.largest(config, Vram(gpu["total"], gpu["free"], 0))
        self._set(gpu_name=gpu["name"], gpu_pci=gpu["pci"], simulated=simulated, maximum=most)

    def _require_room(self, leaving: Iterable[Area]) -> None:
        """Raises VramswapError WONT_FIT unless the pages of segments fit elsewhere."""
        leaving = list(leaving)
        going = {self._devices[area.index] for area in leaving}
        memory = meminfo.read(self._proc)
        free = sum(area.size - area.used for area in swaps.read(self._proc) if area.device not in going)
        policy.require_room(sum(area.used for area in leaving), Memory(memory.total, memory.available, free))

    def _areas(self) -> list[Area]:
        return [Area(index, segment.size, segment.used) for index, segment in self._in_use()]

    def _segments(self) -> tuple[Segment, ...]:
        return tuple(segment for _, segment in self._in_use())

    def _in_use(self) -> Iterator[tuple[int, Segment]]:
        """Each segment that is swap now, with its number, highest priority first."""
        index_of = {device: index for index, device in self._devices.items()}
        for area in swaps.read(self._proc) if index_of else ():
            if area.device in index_of:
                # The kernel does not count the page with the header, and segments are multiples of the step.
                size = round_up(area.size, SIZE_STEP)
                yield index_of[area.device], Segment(area.device, size, area.used, area.priority)

    def _set(self, **changes: Any) -> None:
        status = dataclasses.replace(self._status, **changes)
        if status != self._status:
            self._status = status
            self.changed(status)


def _keeper_died() -> VramswapError:
    return VramswapError(
        ErrorCode.SERVER_FAILED,
        "The process that watches over the VRAM ended.",
        "Turn the swap off now, while its pages can still be read; then see `journalctl -b` and report it.",
    )


_NO_ERROR: Final = ("", "", "")


def _wire(error: VramswapError) -> tuple[str, str, str]:
    return (error.code.value, error.message, error.remedy)
