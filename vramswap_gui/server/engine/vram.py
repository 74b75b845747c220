# SPDX-License-Identifier: MIT
"""VRAM as segments that outlive the process that made them.

Each segment is one ``cuMemCreate`` allocation with a POSIX file descriptor exported from it. Whoever holds that
descriptor keeps the memory alive, and any process can import and map it again
(CUDA driver API, "Virtual Memory Management").
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cuda.bindings import driver

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.plain import plain
from vramswap_gui.system.gpu import Card, pick

#: CUDA 12.0, driver 525: the oldest that cuda-bindings and the calls below are tried with.
OLDEST_DRIVER: Final = 12000

_POSIX_FD = driver.CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR


@dataclass(frozen=True, slots=True)
class Gpu:
    """The GPU in use. Sizes in bytes."""

    name: str
    uuid: str
    pci: str
    total: int
    free: int
    simulated: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """A segment mapped into this process: device address and size in bytes."""

    base: int
    size: int
    handle: Any


def _call(function: Callable[..., tuple[Any, ...]], *arguments: Any) -> Any:
    """The value of a CUDA call. Raises VramswapError for an error."""
    status, *values = function(*arguments)
    if status != driver.CUresult.CUDA_SUCCESS:
        raise _error(function.__name__, status)
    return values[0] if len(values) == 1 else tuple(values)


def _error(call: str, status: Any) -> VramswapError:
    errors = driver.CUresult
    if status == errors.CUDA_ERROR_OUT_OF_MEMORY:
        return VramswapError(Problem.VRAM_TOO_FULL, call=call)
    if status == errors.CUDA_ERROR_DEVICE_UNAVAILABLE:
        # The GPU is there, and others have it: in the mode in which one program has it to itself, or for long.
        return VramswapError(Problem.GPU_OCCUPIED, call=call)
    if status == errors.CUDA_ERROR_NO_DEVICE:
        return VramswapError(Problem.GPU_NOT_FOUND)
    if status == errors.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
        return VramswapError(Problem.DRIVER_UPDATED)
    return VramswapError(Problem.CUDA_FAILED, call=call, status=status.name)


class Vram:
    """One GPU with a current context. Every method is for the thread that made it."""

    def __init__(self, selector: str = "") -> None:
        """Open the GPU that ``selector`` names, as :func:`~vramswap_gui.system.gpu.pick` does.

        Raises VramswapError: NO_DRIVER, DRIVER_TOO_OLD, NO_GPU.
        """
        # CUDA's own order begins with the fastest card; every other tool has the order of the bus.
        os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        # At idle the context then leaves the card at its idle clocks, at the same latency and throughput.
        os.environ.setdefault("CUDA_DISABLE_PERF_BOOST", "1")
        # Each hardware queue costs some 10 MiB of host memory, and four carry all that the workers can copy.
        os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "4")
        try:
            version = _call(driver.cuDriverGetVersion)
        except RuntimeError as error:
            raise VramswapError(Problem.DRIVER_MISSING) from error
        if version < OLDEST_DRIVER:
            raise VramswapError(Problem.DRIVER_TOO_OLD, version=f"{version // 1000}.{version % 1000 // 10}")
        _call(driver.cuInit, 0)
        #: cuMemcpyBatchAsync, in the form that has no index of failure, came with CUDA 13.
        self.can_batch = version >= 13000
        self._device = _find(selector)
        _call(driver.cuDevicePrimaryCtxSetFlags, self._device, driver.CUctx_flags.CU_CTX_SCHED_SPIN)
        #: The context's handle, as the engine's workers need it.
        self.context = int(_call(driver.cuDevicePrimaryCtxRetain, self._device))
        _call(driver.cuCtxSetCurrent, self.context)
        self._properties = driver.CUmemAllocationProp()
        self._properties.type = driver.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
        self._properties.requestedHandleTypes = _POSIX_FD
        self._properties.location.type = driver.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        self._properties.location.id = int(self._device)

    def gpu(self) -> Gpu:
        """What the GPU is and how much of it is free now."""
        free, total = _call(driver.cuMemGetInfo)
        name = _name(self._device)
        return Gpu(
            name=name,
            uuid=_uuid(self._device),
            pci=_pci(self._device),
            total=total,
            free=free,
            simulated="Simulated" in name,
        )

    def healthy(self) -> bool:
        """False once the context has met an error that it cannot recover from."""
        return bool(driver.cuCtxSynchronize()[0] == driver.CUresult.CUDA_SUCCESS)

    def create(self, size: int) -> tuple[Mapping, int]:
        """Allocate, wipe and map ``size`` bytes (a multiple of 2 MiB); also the exported file descriptor.

        Raises VramswapError OUT_OF_VRAM, and then nothing is left allocated.
        """
        with contextlib.ExitStack() as undo:
            handle = _call(driver.cuMemCreate, size, self._properties, 0)
            undo.callback(driver.cuMemRelease, handle)
            fd = int(_call(driver.cuMemExportToShareableHandle, handle, _POSIX_FD, 0))
            undo.callback(os.close, fd)
            mapping = self._map(handle, size)
            undo.callback(self._unmap, mapping)
            self.wipe(mapping)
            undo.pop_all()
        return mapping, fd

    def import_fd(self, fd: int, size: int) -> Mapping:
        """Map the segment that ``fd`` was exported from, with its contents. The caller keeps ``fd``."""
        handle = _call(driver.cuMemImportFromShareableHandle, fd, _POSIX_FD)
        try:
            return self._map(handle, size)
        except BaseException:
            driver.cuMemRelease(handle)
            raise

    def wipe(self, mapping: Mapping) -> None:
        """Overwrite the segment with zeroes, so that nobody reads what was there before."""
        _call(driver.cuMemsetD8, mapping.base, 0, mapping.size)
        # The default stream's, and not what the workers have under way.
        _call(driver.cuStreamSynchronize, 0)

    def release(self, mapping: Mapping) -> None:
        """Unmap the segment. Its memory is free once every exported descriptor is closed as well."""
        self._unmap(mapping)
        _call(driver.cuMemRelease, mapping.handle)

    def _unmap(self, mapping: Mapping) -> None:
        _call(driver.cuMemUnmap, mapping.base, mapping.size)
        _call(driver.cuMemAddressFree, mapping.base, mapping.size)

    def close(self) -> None:
        """Give the context back, after which the GPU may sleep."""
        _call(driver.cuDevicePrimaryCtxRelease, self._device)

    def _map(self, handle: Any, size: int) -> Mapping:
        base = int(_call(driver.cuMemAddressReserve, size, 0, 0, 0))
        try:
            _call(driver.cuMemMap, base, size, 0, handle, 0)
            access = driver.CUmemAccessDesc()
            access.location = self._properties.location
            access.flags = driver.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE
            try:
                _call(driver.cuMemSetAccess, base, size, [access], 1)
            except BaseException:
                driver.cuMemUnmap(base, size)
                raise
        except BaseException:
            driver.cuMemAddressFree(base, size)
            raise
        return Mapping(base, size, handle)


def _find(selector: str) -> Any:
    """The device that ``selector`` names. Raises VramswapError NO_GPU with the ones there are."""
    count = _call(driver.cuDeviceGetCount)
    devices = [_call(driver.cuDeviceGet, index) for index in range(count)]
    cards = [Card(_pci(device), index, _uuid(device), _name(device)) for index, device in enumerate(devices)]
    card = pick(selector, cards)
    # Each has told its UUID, so one is meant or an error was raised.
    assert card is not None and card.index is not None
    device = devices[card.index]
    if _is_integrated(device):
        raise VramswapError(Problem.GPU_WITHOUT_VRAM, pci=card.pci, name=card.name)
    return device


def _is_integrated(device: Any) -> bool:
    """Whether its memory is the computer's own; a driver that does not tell has no such GPU."""
    attribute = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_INTEGRATED
    try:
        status, integrated = driver.cuDeviceGetAttribute(attribute, device)
    except RuntimeError:
        return False
    return bool(status == driver.CUresult.CUDA_SUCCESS and integrated)


def _name(device: Any) -> str:
    raw: bytes = _call(driver.cuDeviceGetName, 128, device)
    return plain(raw.split(b"\0")[0].decode(errors="surrogateescape"), 100)


def _uuid(device: Any) -> str:
    raw = bytes(_call(driver.cuDeviceGetUuid, device).bytes).hex()
    return f"GPU-{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def _pci(device: Any) -> str:
    raw: bytes = _call(driver.cuDeviceGetPCIBusId, 32, device)
    return raw.split(b"\0")[0].decode().lower()
