# SPDX-License-Identifier: MIT
"""The typed errors: each names what failed, why, and what to do.

An error is a :class:`Problem` with its arguments, declared once with the English sentences; whoever shows it words it
in the reader's language. To programs it is one of few :class:`ErrorCode`.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Mapping
from typing import Any, Final, Self

from vramswap_gui import forms
from vramswap_gui.forms import Argument, Phrase, as_dict, typed
from vramswap_gui.plain import plain


class ErrorCode(enum.StrEnum):
    """The typed errors; on the bus each is ``org.vramswap.Error.<value>``. ``doc``: when it is given."""

    doc: str

    def __new__(cls, value: str, doc: str = "") -> Self:
        """A code with its sentence."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.doc = doc
        return code

    NOT_AUTHORIZED = "NotAuthorized", "The caller may not do this, or the password was not given."
    AUTHORIZATION_UNAVAILABLE = "AuthorizationUnavailable", "polkit does not answer."
    INVALID_ARGUMENT = "InvalidArgument", "An argument has a value that is not possible."
    BUSY = "Busy", "It cannot be done now, and can be later."
    NO_GPU = "NoGpu", "There is no NVIDIA GPU, or not the one that is set."
    NO_DRIVER = "NoDriver", "NVIDIA's driver is not loaded, or does not answer."
    DRIVER_TOO_OLD = "DriverTooOld", "NVIDIA's driver lacks something that is needed."
    OUT_OF_VRAM = "OutOfVram", "Not enough VRAM is free."
    NO_NBD = "NoNbd", "The kernel's NBD driver is missing, or refuses."
    NO_UBLK = "NoUblk", "The kernel's ublk driver is missing, too old, or refuses."
    SWAP_REFUSED = "SwapRefused", "The kernel refused to use the swap, or to release it."
    WONT_FIT = "WontFit", "The pages in VRAM fit nowhere else, so they stay."
    CANCELLED = "Cancelled", "Somebody called Cancel."
    SERVER_FAILED = "ServerFailed", "The server that serves the VRAM failed."
    CONFIG_INVALID = "ConfigInvalid", "The file with the settings cannot be read."
    HELPER_UNAVAILABLE = "HelperUnavailable", "Never from the helper: its clients say so when it does not answer."
    INTERNAL = "Internal", "A defect."


class Problem(enum.StrEnum):
    """What failed: the value goes over the wires, ``form`` and ``remedy`` are the English sentences."""

    category: ErrorCode
    form: str
    remedy: str

    def __new__(cls, value: str, category: ErrorCode = ErrorCode.INTERNAL, form: str = "", remedy: str = "") -> Self:
        """A problem with what programs are told, and what persons are."""
        problem = str.__new__(cls, value)
        problem._value_ = value
        problem.category = category
        problem.form = form
        problem.remedy = remedy
        return problem

    # Who may

    ROOT_ALONE = (
        "root-alone", ErrorCode.NOT_AUTHORIZED,
        "Only the system itself may do this.",
        "As an administrator, use sudo.",
    )  # fmt: skip
    NOT_ALLOWED = (
        "not-allowed", ErrorCode.NOT_AUTHORIZED,
        "You are not allowed to do this.",
        "Ask an administrator of this machine.",
    )  # fmt: skip
    PASSWORD_NEEDED = (
        "password-needed", ErrorCode.NOT_AUTHORIZED,
        "You are not allowed to do this.",
        "Use it from your desktop session, where a password can be asked for, or as an administrator with sudo.",
    )  # fmt: skip
    PASSWORD_WRONG = (
        "password-wrong", ErrorCode.NOT_AUTHORIZED,
        "The password was not given, or was not the right one.",
        "Nothing was changed; try again.",
    )  # fmt: skip
    POLKIT_SILENT = (
        "polkit-silent", ErrorCode.AUTHORIZATION_UNAVAILABLE,
        "polkit, which decides who may do this, does not answer ({why:text}).",
        "Install and start it (package polkitd, `systemctl start polkit`).",
    )  # fmt: skip
    NOT_ROOT = (
        "not-root", ErrorCode.NOT_AUTHORIZED,
        "Only root may place system files.",
        "Run it with sudo: `sudo {program:text} …`",
    )  # fmt: skip

    # Sizes

    SIZE_ABOVE_MAXIMUM = (
        "size-above-maximum", ErrorCode.INVALID_ARGUMENT,
        "{size:size} is more than the largest size allowed here, {maximum:size}.",
        "Choose a smaller size, or have an administrator raise the setting “maximum”.",
    )  # fmt: skip
    TOO_LITTLE_TO_PACK = (
        "too-little-to-pack", ErrorCode.INVALID_ARGUMENT,
        "{size:size} of VRAM are too little to pack pages in; {least:size} are needed.",
        "Choose a larger size, or turn compression off.",
    )  # fmt: skip
    SIZE_ABOVE_VRAM = (
        "size-above-vram", ErrorCode.OUT_OF_VRAM,
        "{size:size} cannot be lent: the GPU has {total:size} of VRAM, of which {kept:size} are kept free.",
        "Choose at most {most:size}, or lower the setting “headroom”.",
    )  # fmt: skip
    NO_VRAM_FREE = (
        "no-vram-free", ErrorCode.OUT_OF_VRAM,
        "Only {free:size} of VRAM are free, of which {kept:size} are not to be lent.",
        "Close programs that use the GPU, or lower the setting “headroom”.",
    )  # fmt: skip
    SIZE_IMPOSSIBLE = (
        "size-impossible", ErrorCode.INVALID_ARGUMENT,
        "A size of {given:text} is not possible.",
        "It must be a positive multiple of {step:size}.",
    )  # fmt: skip
    PAGES_DO_NOT_FIT = (
        "pages-do-not-fit", ErrorCode.WONT_FIT,
        "{used:size} of pages are in VRAM, and memory and other swap have room for {room:size}.",
        "Close programs that use {missing:size} or more, then try again. These pages stay where they are.",
    )  # fmt: skip
    COMMIT_LIMIT = (
        "commit-limit", ErrorCode.WONT_FIT,
        "The kernel (vm.overcommit_memory=2) lets programs ask for {limit:size} in all, {size:size} of which are "
        "this swap; {used:size} are promised, so it cannot go.",
        "Close programs that asked for {missing:size} or more, or raise the limit for a while: `sudo sysctl "
        "vm.overcommit_ratio=95`. Until then it stays.",
    )  # fmt: skip
    LANDING_UNDECIDED = (
        "landing-undecided", ErrorCode.WONT_FIT,
        "{used:size} of pages are in VRAM, memory and other swap have room for {room:size}, and nobody has said whether"
        " the rest may be written to the disk, which is not encrypted.",
        "If it may, `sudo vramswapctl config landing {folder:text}` has a swap file made there when it is needed;"
        " `… landing off` says no. Or close programs that use {missing:size} or more.",
    )  # fmt: skip
    LANDING_UNFIT = (
        "landing-unfit", ErrorCode.WONT_FIT,
        "{used:size} of pages are in VRAM, memory and other swap have room for {room:size}, and {folder:text} is no"
        " place for a swap file (file system {kind:text}, or not root's alone).",
        "Name a folder of root's on a disk: `sudo vramswapctl config landing …`. Or close programs that use"
        " {missing:size} or more.",
    )  # fmt: skip
    LANDING_TOO_SMALL = (
        "landing-too-small", ErrorCode.WONT_FIT,
        "{used:size} of pages are in VRAM, memory and other swap have room for {room:size}, and the disk of"
        " {folder:text} has {spare:size} to spare.",
        "Make room on that disk, or close programs that use {missing:size} or more. These pages stay where they are.",
    )  # fmt: skip
    LANDING_FAILED = (
        "landing-failed", ErrorCode.WONT_FIT,
        "Pages fit nowhere else, and no swap file could be made in {folder:text}: {why:text}.",
        "Name another folder of root's: `sudo vramswapctl config landing …`. These pages stay where they are.",
    )  # fmt: skip

    # Verbs

    GOING_TO_SLEEP = (
        "going-to-sleep", ErrorCode.BUSY,
        "The machine is going to sleep.",
        "Try again when it is awake (`vramswapctl wake`).",
    )  # fmt: skip
    GOING_DOWN = (
        "going-down", ErrorCode.BUSY,
        "The machine is being shut down.",
        "Try again after it was started.",
    )  # fmt: skip
    CANCELLED = (
        "cancelled", ErrorCode.CANCELLED,
        "It was cancelled; what had not come home stays in VRAM.",
        "Nothing was lost.",
    )  # fmt: skip
    ANOTHER_HELPER = (
        "another-helper", ErrorCode.BUSY,
        "Another vramswap-helper runs already.",
        "Nothing needs to be done.",
    )  # fmt: skip
    TOO_MANY_GAMES = (
        "too-many-games", ErrorCode.BUSY,
        "{mine:number} programs of yours have vramswap make way already, and {all:number} in all.",
        "End some of them.",
    )  # fmt: skip

    # The kernel, and the system

    SWAP_REFUSED = (
        "swap-refused", ErrorCode.SWAP_REFUSED,
        "{program:text} failed on {device:text}: {why:text}.",
        "See `dmesg` for the kernel's reason. Nothing was lost; try again.",
    )  # fmt: skip
    SWAP_FULL = (
        "swap-full", ErrorCode.SWAP_REFUSED,
        "The kernel takes no more swap: {count:number} areas are in use, and there is room for some {most:number}.",
        "Turn some of them off: `swapon --show`, then `sudo swapoff …`.",
    )  # fmt: skip
    NBD_NOT_LOADED = (
        "nbd-not-loaded", ErrorCode.NO_NBD,
        "The kernel's NBD driver is not loaded.",
        "Run `modprobe nbd` as root; if that fails, install the kernel's extra modules package.",
    )  # fmt: skip
    NBD_NOT_LOADABLE = (
        "nbd-not-loadable", ErrorCode.NO_NBD,
        "The kernel's nbd module cannot be loaded ({why:text}).",
        "Install the package with your kernel's extra modules, or boot a kernel that has CONFIG_BLK_DEV_NBD.",
    )  # fmt: skip
    NBD_REFUSED = (
        "nbd-refused", ErrorCode.NO_NBD,
        "The kernel refused to {command:text} {device:text}: {why:text}.",
        "See the last lines of `dmesg`.",
    )  # fmt: skip
    NBD_NOT_ROOT = (
        "nbd-not-root", ErrorCode.NO_NBD,
        "The kernel refused to {command:text} {device:text}: {why:text}.",
        "The server must run as root.",
    )  # fmt: skip
    NBD_HOLDS_ON = (
        "nbd-holds-on", ErrorCode.NO_NBD,
        "The kernel does not let go of connections of {device:text}.",
        "See the last lines of `dmesg`.",
    )  # fmt: skip
    UBLK_NOT_LOADED = (
        "ublk-not-loaded", ErrorCode.NO_UBLK,
        "The kernel's ublk driver is not loaded.",
        "Run `modprobe ublk_drv` as root, or set transport to nbd.",
    )  # fmt: skip
    UBLK_TOO_OLD = (
        "ublk-too-old", ErrorCode.NO_UBLK,
        "The kernel is older than {oldest:text}, and its ublk driver is not to be trusted with swap.",
        "Set transport to auto or nbd.",
    )  # fmt: skip
    UBLK_LACKS = (
        "ublk-lacks", ErrorCode.NO_UBLK,
        "The kernel's ublk driver lacks {what:text}.",
        "Set transport to auto or nbd.",
    )  # fmt: skip
    UBLK_WITHOUT_RING = (
        "ublk-without-ring", ErrorCode.NO_UBLK,
        "The kernel's io_uring, which ublk needs, cannot be used: {why:text}.",
        "See `sysctl kernel.io_uring_disabled`, or set transport to nbd.",
    )  # fmt: skip
    UBLK_REFUSED = (
        "ublk-refused", ErrorCode.NO_UBLK,
        "The kernel refused to {command:text} {device:text}: {why:text}.",
        "See the last lines of `dmesg`.",
    )  # fmt: skip
    UBLK_HOLDS_ON = (
        "ublk-holds-on", ErrorCode.NO_UBLK,
        "The kernel does not let go of the last engine of {device:text}.",
        "See the last lines of `dmesg`.",
    )  # fmt: skip
    UBLK_GONE = (
        "ublk-gone", ErrorCode.NO_UBLK,
        "{device:text} is not there any more.",
        "Turn the swap on again.",
    )  # fmt: skip
    DEVICE_IN_USE = (
        "device-in-use", ErrorCode.BUSY,
        "{device:text} is in use ({why:text}).",
        "Run `swapoff {device:text}` first.",
    )  # fmt: skip
    DEVICE_IS_SWAP = (
        "device-is-swap", ErrorCode.BUSY,
        "{device:text} is in use as swap.",
        "Run `swapoff {device:text}` first.",
    )  # fmt: skip
    DEVICE_HELD = (
        "device-held", ErrorCode.BUSY,
        "{device:text} is held open by another program.",
        "Close what looks at it, then try again.",
    )  # fmt: skip
    DEVICE_NOT_FREE = (
        "device-not-free", ErrorCode.BUSY,
        "{device:text} was not free in time.",
        "Close what looks at it, then try again.",
    )  # fmt: skip
    DEVICE_CHANGING = (
        "device-changing", ErrorCode.BUSY,
        "{device:text} is being changed.",
        "Try again in a moment.",
    )  # fmt: skip
    SYSTEM_REFUSED = (
        "system-refused", ErrorCode.INTERNAL,
        "The system refused: {why:text}.",
        "Nothing was lost. Try again; if it stays so, see `journalctl -b`.",
    )  # fmt: skip

    # The server

    SERVER_NOT_STARTED = (
        "server-not-started", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM was not started: {why:text}.",
        "See `journalctl -u vramswap-server`.",
    )  # fmt: skip
    SERVER_FAILED = (
        "server-failed", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM failed: {why:text}.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )  # fmt: skip
    SERVER_SILENT = (
        "server-silent", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM does not answer.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )  # fmt: skip
    SERVER_ENDED = (
        "server-ended", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM ended.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )  # fmt: skip
    SERVER_ENDED_EARLY = (
        "server-ended-early", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM ended before it was ready.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )  # fmt: skip
    SERVER_NOT_RUNNING = (
        "server-not-running", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM is not running.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )  # fmt: skip
    KEEPER_ENDED = (
        "keeper-ended", ErrorCode.SERVER_FAILED,
        "The process that watches over the VRAM ended.",
        "It is being replaced, and no page is lost. If it stays so, turn the swap off and see `journalctl -b`.",
    )  # fmt: skip
    PAGES_LOST = (
        "pages-lost", ErrorCode.SERVER_FAILED,
        "Both processes that held {device:text} in VRAM ended, and what was on it is lost.",
        "Turn the swap off; programs that miss pages end. Then see `journalctl -b`, and report it.",
    )  # fmt: skip
    ENGINE_NOT_STARTED = (
        "engine-not-started", ErrorCode.INTERNAL,
        "The engine could not be started: {why:text}.",
        "Memory or processes are short; it is tried again.",
    )  # fmt: skip
    ENGINE_FAILED = (
        "engine-failed", ErrorCode.SERVER_FAILED,
        "The engine failed ({what:text}).",
        "Look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    ENGINE_REPLACED = (
        "engine-replaced", ErrorCode.BUSY,
        "The engine is being replaced.",
        "Try again in a moment.",
    )  # fmt: skip
    ENGINE_LATE = (
        "engine-late", ErrorCode.SERVER_FAILED,
        "The engine did not open the GPU in time.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )  # fmt: skip
    ENGINE_SILENT = (
        "engine-silent", ErrorCode.SERVER_FAILED,
        "The engine {pid:number}, which holds the VRAM and has lost its server, does not answer.",
        "It is asked again: as long as it lives, no page is lost. Look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    DEVICE_NAMELESS = (
        "device-nameless", ErrorCode.NO_NBD,
        "The kernel does not tell whose {device:text} is, so nobody takes over from an engine that lost its server.",
        "Linux 5.14 and later tell; until then it serves on, and `swapoff` brings its pages home.",
    )  # fmt: skip
    MEMORY_SHORT = (
        "memory-short", ErrorCode.BUSY,
        "To start, {needed:size} of memory are needed, and only {there:size} are left.",
        "Close programs that use {missing:size} or more, then try again.",
    )  # fmt: skip
    SERVER_RUNS = (
        "server-runs", ErrorCode.BUSY,
        "Another server runs in {folder:text}.",
        "Leave starting it to the helper.",
    )  # fmt: skip
    ENGINE_DIED_OPENING = (
        "engine-died-opening", ErrorCode.SERVER_FAILED,
        "The engine died while it opened the GPU.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )  # fmt: skip
    ENGINE_DIED_ALLOCATING = (
        "engine-died-allocating", ErrorCode.SERVER_FAILED,
        "The engine died while it allocated VRAM.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )  # fmt: skip
    ENGINE_DIED_ATTACHING = (
        "engine-died-attaching", ErrorCode.SERVER_FAILED,
        "The engine died while a device was attached.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )  # fmt: skip
    SERVER_BUSY = (
        "server-busy", ErrorCode.BUSY,
        "The server is changing something.",
        "Try again in a moment.",
    )  # fmt: skip
    NOT_EARNED = (
        "not-earned", ErrorCode.BUSY,
        "The VRAM can hold {offer:size} more of pages of any kind, not {size:size}.",
        "Wait until pages are stored and turn out to be smaller, or choose a larger size.",
    )  # fmt: skip
    NO_POOL = (
        "no-pool", ErrorCode.INVALID_ARGUMENT,
        "Pages are not packed, and there is no pool to extend.",
        "Start the server with --compression.",
    )  # fmt: skip
    POOL_IN_USE = (
        "pool-in-use", ErrorCode.BUSY,
        "The rest of the VRAM could not hold what segments have and may still be given: {missing:size} are missing.",
        "Remove a segment first.",
    )  # fmt: skip
    CLEANER_HANGS = (
        "cleaner-hangs", ErrorCode.BUSY,
        "The GPU does not finish moving pages.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )  # fmt: skip
    EXTENTS_DIFFER = (
        "extents-differ", ErrorCode.INVALID_ARGUMENT,
        "The pool has extents of {size:size}, and one of {given:size} was asked for.",
        "Ask for one of the same size.",
    )  # fmt: skip
    EXTENTS_FULL = (
        "extents-full", ErrorCode.OUT_OF_VRAM,
        "The pool has {count:number} extents, and there can be no more.",
        "Turn the swap off and on again to have it divided anew.",
    )  # fmt: skip
    SERVER_STOPPING = (
        "server-stopping", ErrorCode.BUSY,
        "The server is stopping.",
        "Try again when it has stopped.",
    )  # fmt: skip
    SERVER_STOPPED = (
        "server-stopped", ErrorCode.CANCELLED,
        "The server was stopped before it was ready.",
        "Turn the swap on again.",
    )  # fmt: skip
    SEGMENTS_ATTACHED = (
        "segments-attached", ErrorCode.BUSY,
        "{count:number} segments are attached.",
        "Remove them first, swap before device.",
    )  # fmt: skip
    CONNECTIONS_FULL = (
        "connections-full", ErrorCode.BUSY,
        "There are {most:number} connections already, as many as there can be.",
        "Close some of them.",
    )  # fmt: skip
    SEGMENTS_FULL = (
        "segments-full", ErrorCode.INVALID_ARGUMENT,
        "There are {count:number} segments already.",
        "Remove one first.",
    )  # fmt: skip
    SEGMENT_UNKNOWN = (
        "segment-unknown", ErrorCode.INVALID_ARGUMENT,
        "There is no segment {index:number}.",
        "See what there is with the verb “status”.",
    )  # fmt: skip
    SEGMENT_LATE = (
        "segment-late", ErrorCode.SERVER_FAILED,
        "The segment was not ready in time.",
        "See `dmesg`, then try again.",
    )  # fmt: skip
    NOT_LOCKABLE = (
        "not-lockable", ErrorCode.SERVER_FAILED,
        "The server must not serve swap: {what:text} ({why:text}).",
        "Start it as root with CAP_IPC_LOCK and CAP_SYS_RESOURCE.",
    )  # fmt: skip
    UPGRADE_NOT_STARTED = (
        "upgrade-not-started", ErrorCode.SERVER_FAILED,
        "The new version could not be started: {why:text}.",
        "The old one serves on. See whether vramswap is installed completely, then try again.",
    )  # fmt: skip
    NOTHING_TO_RESUME = (
        "nothing-to-resume", ErrorCode.INVALID_ARGUMENT,
        "There is nothing to resume ({why:text}).",
        "Leave --resume to the server itself.",
    )  # fmt: skip
    SIZE_MISSING = (
        "size-missing", ErrorCode.INVALID_ARGUMENT,
        "--listen needs --size.",
        "For example: --size 1G",
    )  # fmt: skip
    PATH_NOT_SERVED = (
        "path-not-served", ErrorCode.INVALID_ARGUMENT,
        "{path:text} cannot be served: {why:text}.",
        "Choose another path.",
    )  # fmt: skip
    VERB_UNKNOWN = (
        "verb-unknown", ErrorCode.INVALID_ARGUMENT,
        "There is no verb “{verb:text}”.",
        "Verbs: {known:text}.",
    )  # fmt: skip
    ARGUMENTS_WRONG = (
        "arguments-wrong", ErrorCode.INVALID_ARGUMENT,
        "“{verb:text}” takes other arguments.",
        "It takes: {takes:text}.",
    )  # fmt: skip
    REQUEST_MALFORMED = (
        "request-malformed", ErrorCode.INVALID_ARGUMENT,
        "This is no request.",
        "A request is a line of JSON: an object with a verb, its arguments, and a whole number as its id.",
    )  # fmt: skip

    # The GPU

    GPU_GONE = (
        "gpu-gone", ErrorCode.NO_GPU,
        "The GPU is gone, and what was in its memory is lost.",
        "Turn the swap off; programs that miss pages end. Then look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    GPU_GONE_BECAUSE = (
        "gpu-gone-because", ErrorCode.NO_GPU,
        "The GPU is gone, and what was in its memory is lost. {why:said}",
        "Turn the swap off; programs that miss pages end. Then look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    GPU_FAILS = (
        "gpu-fails", ErrorCode.SERVER_FAILED,
        "The GPU fails whoever uses it.",
        "Look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    GPU_NONE = (
        "gpu-none", ErrorCode.NO_GPU,
        "There is no NVIDIA GPU.",
        "vramswap is of use with an NVIDIA GPU only.",
    )  # fmt: skip
    GPU_UNKNOWN = (
        "gpu-unknown", ErrorCode.NO_GPU,
        "There is no NVIDIA GPU “{given:text}”.",
        "Name one by its number, its PCI address or its UUID. GPUs found: {known:text}.",
    )  # fmt: skip
    GPU_AMBIGUOUS = (
        "gpu-ambiguous", ErrorCode.NO_GPU,
        "“{given:text}” is more than one NVIDIA GPU.",
        "GPUs found: {known:text}; a UUID also works.",
    )  # fmt: skip
    GPU_SLICE = (
        "gpu-slice", ErrorCode.NO_GPU,
        "A MIG slice cannot be lent from.",
        "Switch MIG off (`sudo nvidia-smi -mig 0`). GPUs found: {known:text}.",
    )  # fmt: skip
    GPU_SLICED = (
        "gpu-sliced", ErrorCode.NO_GPU,
        "The GPU {pci:text} is divided into MIG slices, whose VRAM cannot be lent.",
        "Switch MIG off: `sudo nvidia-smi -mig 0`. GPUs found: {known:text}.",
    )  # fmt: skip
    GPU_FOR_GUESTS = (
        "gpu-for-guests", ErrorCode.NO_GPU,
        "The GPU {pci:text} is kept for virtual machines (driver {driver:text}).",
        "Choose another one, or have NVIDIA's driver take it. GPUs found: {known:text}.",
    )  # fmt: skip
    GPU_OTHER_DRIVER = (
        "gpu-other-driver", ErrorCode.NO_GPU,
        "The GPU {pci:text} belongs to the driver {driver:text}, which has no CUDA.",
        "Install NVIDIA's driver and restart. GPUs found: {known:text}.",
    )  # fmt: skip
    GPU_WITHOUT_DRIVER = (
        "gpu-without-driver", ErrorCode.NO_GPU,
        "The GPU {pci:text} has no driver.",
        "Have NVIDIA's take it: `echo {pci:text} | sudo tee /sys/bus/pci/drivers/nvidia/bind`. GPUs found: "
        "{known:text}.",
    )  # fmt: skip
    GPU_WITHOUT_VRAM = (
        "gpu-without-vram", ErrorCode.NO_GPU,
        "The GPU {pci:text} ({name:text}) has no memory of its own: what it lends is the computer's.",
        "vramswap is of use with a GPU that has VRAM; for this computer there is zram.",
    )  # fmt: skip
    GPU_SILENT = (
        "gpu-silent", ErrorCode.NO_GPU,
        "The GPU does not answer ({why:text}).",
        "See `nvidia-smi` and the kernel's log (`dmesg`).",
    )  # fmt: skip
    GPU_NOT_FOUND = (
        "gpu-not-found", ErrorCode.NO_GPU,
        "The NVIDIA driver finds no GPU.",
        "Check that the dGPU is switched on in the firmware and not hidden by a graphics switcher.",
    )  # fmt: skip
    DRIVER_SILENT = (
        "driver-silent", ErrorCode.NO_DRIVER,
        "The NVIDIA driver does not answer ({why:text}).",
        "See `vramswapctl doctor`.",
    )  # fmt: skip
    DRIVER_MISSING = (
        "driver-missing", ErrorCode.NO_DRIVER,
        "The NVIDIA driver is not installed: libcuda.so.1 cannot be loaded.",
        "Install your distribution's NVIDIA driver package (Debian: nvidia-driver libcuda1).",
    )  # fmt: skip
    CODEC_MISSING = (
        "codec-missing", ErrorCode.SERVER_FAILED,
        "Pages cannot be compressed: {library:text} is not installed.",
        "Install it (Debian: liblz4-1, libzstd1), or choose another way to compress.",
    )  # fmt: skip
    DRIVER_UPDATED = (
        "driver-updated", ErrorCode.NO_DRIVER,
        "The NVIDIA driver was updated, and the kernel still runs another version of it.",
        "Restart the computer.",
    )  # fmt: skip
    DRIVER_TOO_OLD = (
        "driver-too-old", ErrorCode.DRIVER_TOO_OLD,
        "The NVIDIA driver supports CUDA {version:text}; 12.0 is needed.",
        "Install NVIDIA driver 525 or newer.",
    )  # fmt: skip
    VRAM_TOO_FULL = (
        "vram-too-full", ErrorCode.OUT_OF_VRAM,
        "The GPU has too little free memory ({call:text}).",
        "Choose a smaller size or close programs that use the GPU.",
    )  # fmt: skip
    GPU_OCCUPIED = (
        "gpu-occupied", ErrorCode.OUT_OF_VRAM,
        "The GPU lets no other program in ({call:text}).",
        "Close the program that has it to itself, or have it take several: `sudo nvidia-smi -c DEFAULT`",
    )  # fmt: skip
    CUDA_FAILED = (
        "cuda-failed", ErrorCode.SERVER_FAILED,
        "CUDA failed in {call:text}: {status:text}.",
        "Look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip

    # Settings

    SETTING_UNKNOWN = (
        "setting-unknown", ErrorCode.INVALID_ARGUMENT,
        "There is no setting “{key:text}”.",
        "Known settings: {known:text}.",
    )  # fmt: skip
    SETTING_NO_TEXT = (
        "setting-no-text", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it must be a short printable text.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_CHOICE = (
        "setting-no-choice", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it must be one of {choices:text}.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_FOLDER = (
        "setting-no-folder", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it must be one of {words:text}, or a folder such as /var/swap.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_SWITCH = (
        "setting-no-switch", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it must be on or off.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_NUMBER = (
        "setting-no-number", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it must be a whole number.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_NUMBER_OF = (
        "setting-no-number-of", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: “{given:text}” is not a whole number, in {unit:text}.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_SIZE = (
        "setting-no-size", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: “{given:text}” is not a size; write it like 8G, 512M or 1073741824.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_TOO_LARGE = (
        "setting-too-large", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it is far too large.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_OUTSIDE = (
        "setting-outside", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: {given:text} is outside {least:text} to {most:text}.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    SETTING_NO_STEP = (
        "setting-no-step", ErrorCode.INVALID_ARGUMENT,
        "{key:text}: it must be a multiple of {step:text}.",
        "See `vramswapctl config` for what it takes.",
    )  # fmt: skip
    CONFIG_UNREADABLE = (
        "config-unreadable", ErrorCode.CONFIG_INVALID,
        "{path:text}: it cannot be read ({why:text}).",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_TOO_LARGE = (
        "config-too-large", ErrorCode.CONFIG_INVALID,
        "{path:text}: it is far too large.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_NOT_UTF8 = (
        "config-not-utf8", ErrorCode.CONFIG_INVALID,
        "{path:text}, line {line:number}: this is not UTF-8.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_NESTED = (
        "config-nested", ErrorCode.CONFIG_INVALID,
        "{path:text}: it is nested too deeply.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_NO_TOML = (
        "config-no-toml", ErrorCode.CONFIG_INVALID,
        "{path:text}, line {line:number}: {why:text}.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_CUT_OFF = (
        "config-cut-off", ErrorCode.CONFIG_INVALID,
        "{path:text}: {why:text} at the end.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_BROKEN = (
        "config-broken", ErrorCode.CONFIG_INVALID,
        "{path:text}: {why:text}.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_SETTING = (
        "config-setting", ErrorCode.CONFIG_INVALID,
        "{path:text}: {why:said}",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_SETTING_IN_LINE = (
        "config-setting-in-line", ErrorCode.CONFIG_INVALID,
        "{path:text}, line {line:number}: {why:said}",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_STRANGE = (
        "config-strange", ErrorCode.CONFIG_INVALID,
        "{path:text}: this version has no setting “{keys:text}”.",
        "All others are in force. Correct the name, or remove the line if no other version needs it.",
    )  # fmt: skip
    CONFIG_PENDING = (
        "config-pending", ErrorCode.CONFIG_INVALID,
        "{path:text}: it has settings that are not in force yet.",
        "Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.",
    )  # fmt: skip
    CONFIG_NOT_WRITTEN = (
        "config-not-written", ErrorCode.INTERNAL,
        "{path:text} could not be written: {why:text}.",
        "Check the file system; the old settings are in force.",
    )  # fmt: skip
    UNIT_NOT_ENABLED = (
        "unit-not-enabled", ErrorCode.INTERNAL,
        "{unit:text} was not enabled: {why:text}.",
        "With neither systemd nor OpenRC, have your system start vramswap-helper as root.",
    )  # fmt: skip
    UNIT_NOT_DISABLED = (
        "unit-not-disabled", ErrorCode.INTERNAL,
        "{unit:text} was not disabled: {why:text}.",
        "With neither systemd nor OpenRC, have your system start vramswap-helper as root.",
    )  # fmt: skip

    # The way to the helper

    BUS_UNUSABLE = (
        "bus-unusable", ErrorCode.INTERNAL,
        "The bus cannot be used: {why:text}.",
        "vramswap needs D-Bus, and root's D-Bus policy: see `systemctl status dbus`.",
    )  # fmt: skip
    BUS_GONE = (
        "bus-gone", ErrorCode.INTERNAL,
        "The bus is gone.",
        "The helper comes back with it.",
    )  # fmt: skip
    BUS_UNREACHABLE = (
        "bus-unreachable", ErrorCode.HELPER_UNAVAILABLE,
        "The system bus cannot be reached ({why:text}).",
        "vramswap needs D-Bus: start the service dbus.",
    )  # fmt: skip
    HELPER_MISSING = (
        "helper-missing", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap is not installed, or cannot be started.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )  # fmt: skip
    HELPER_ENDED = (
        "helper-ended", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap ended before the work was done.",
        "See `systemctl status vramswap-helper`.",
    )  # fmt: skip
    HELPER_HANGS = (
        "helper-hangs", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap does not answer: it hangs.",
        "See `systemctl status vramswap-helper`.",
    )  # fmt: skip
    HELPER_SLOW = (
        "helper-slow", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap does not answer within {seconds:number} seconds.",
        "See `systemctl status vramswap-helper` and `journalctl -b -u vramswap-helper`.",
    )  # fmt: skip
    HELPER_GONE = (
        "helper-gone", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap ended.",
        "See `systemctl status vramswap-helper`.",
    )  # fmt: skip
    HELPER_SILENT = (
        "helper-silent", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap does not answer: {why:text}.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )  # fmt: skip
    BUS_LOST = (
        "bus-lost", ErrorCode.HELPER_UNAVAILABLE,
        "The system bus is gone, and the helper of vramswap with it.",
        "It is back with the bus; see `systemctl status dbus`.",
    )  # fmt: skip
    NOT_CONNECTED = (
        "not-connected", ErrorCode.HELPER_UNAVAILABLE,
        "There is no connection to the helper of vramswap.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )  # fmt: skip
    OTHER_VERSION = (
        "other-version", ErrorCode.INTERNAL,
        "The helper answered in a way that is not known here.",
        "Different versions are running: log out and in again.",
    )  # fmt: skip
    SERVER_OTHER_VERSION = (
        "server-other-version", ErrorCode.SERVER_FAILED,
        "The server answered in a way that is not known here.",
        "It is of another version: `vramswapctl upgrade` makes it the one that is installed.",
    )  # fmt: skip
    SUCCESSOR_UNFIT = (
        "successor-unfit", ErrorCode.SERVER_FAILED,
        "The server that is installed cannot take over from the one that runs: {why:text}.",
        "The swap is on as before. Turned off and on again, it is served by the one that is installed.",
    )  # fmt: skip
    DEFECT = (
        "defect", ErrorCode.INTERNAL,
        "{program:text} has a defect ({what:text}).",
        "Please report it, with `journalctl -b`.",
    )  # fmt: skip
    UNKNOWN = (
        "unknown", ErrorCode.INTERNAL,
        "{message:text}",
        "{remedy:text}",
    )  # fmt: skip

    # Commands

    SWAP_IS_ON = (
        "swap-is-on", ErrorCode.BUSY,
        "Swap in video memory is on, and its pages would be lost.",
        "Turn it off, then try again: `vramswapctl off`",
    )  # fmt: skip
    LANDED_STAYS = (
        "landed-stays", ErrorCode.WONT_FIT,
        "Pages that landed on a disk stay there: {why:said}",
        "If they do not fit into memory, close programs, then try again. Nothing else was changed.",
    )  # fmt: skip
    OUTPUT_NOT_WRITTEN = (
        "output-not-written", ErrorCode.INTERNAL,
        "The answer cannot be written: {why:text}.",
        "What was asked for is done; only its answer is lost.",
    )  # fmt: skip
    FILE_NOT_WRITTEN = (
        "file-not-written", ErrorCode.INVALID_ARGUMENT,
        "{path:text} cannot be written: {why:text}.",
        "Name another file.",
    )  # fmt: skip
    FILE_NOT_YOURS = (
        "file-not-yours", ErrorCode.INTERNAL,
        "{path:text} cannot be written: {why:text}.",
        "Make {folder:text} a folder that you may write to.",
    )  # fmt: skip
    SYSTEMCTL_FAILED = (
        "systemctl-failed", ErrorCode.INTERNAL,
        "systemctl {command:text} failed: {why:text}.",
        "Try it by hand, as root.",
    )  # fmt: skip
    INSTALL_FOREIGN = (
        "install-foreign", ErrorCode.INVALID_ARGUMENT,
        "{path:text} is there already and not from here.",
        "Remove the other installation first.",
    )  # fmt: skip
    INSTALL_BROKEN = (
        "install-broken", ErrorCode.INVALID_ARGUMENT,
        "{path:text} cannot be read: {why:text}.",
        "Install vramswap again.",
    )  # fmt: skip
    INSTALL_EMPTY = (
        "install-empty", ErrorCode.INVALID_ARGUMENT,
        "There are no system files in this installation.",
        "Install a package, or a wheel with pip.",
    )  # fmt: skip
    INSTALL_ABSENT = (
        "install-absent", ErrorCode.INVALID_ARGUMENT,
        "`vramswapctl install` placed nothing here.",
        "A package is removed by its package manager.",
    )  # fmt: skip
    INSTALL_OPEN_PROGRAM = (
        "install-open-program", ErrorCode.INVALID_ARGUMENT,
        "Others than root may change {path:text}, and with it what the helper runs as root.",
        "Install for everybody: `sudo pipx install --global`, or as root in a venv below /opt.",
    )  # fmt: skip
    INSTALL_OPEN_FOLDER = (
        "install-open-folder", ErrorCode.INVALID_ARGUMENT,
        "Others than root may change {path:text}, and with it what is placed below it.",
        "Look who owns it, then: `sudo chown root: {path:text} && sudo chmod go-w {path:text}`",
    )  # fmt: skip
    INSTALL_CIRCLE = (
        "install-circle", ErrorCode.INVALID_ARGUMENT,
        "{path:text} leads in circles.",
        "Look at the links on the way to it.",
    )  # fmt: skip
    INSTALL_READ_ONLY = (
        "install-read-only", ErrorCode.INTERNAL,
        "{path:text} cannot be changed: {why:text}. {outcome:said}",
        "This system keeps it read-only: install vramswap as the system's own package instead.",
    )  # fmt: skip
    INSTALL_NO_SPACE = (
        "install-no-space", ErrorCode.INTERNAL,
        "{path:text} cannot be changed: {why:text}. {outcome:said}",
        "Free some space there, then try again.",
    )  # fmt: skip
    INSTALL_NOT_WRITTEN = (
        "install-not-written", ErrorCode.INTERNAL,
        "{path:text} cannot be changed: {why:text}. {outcome:said}",
        "See to it that root may change it, then try again.",
    )  # fmt: skip
    BENCH_OPTIONS = (
        "bench-options", ErrorCode.INVALID_ARGUMENT,
        "A measurement takes a size, up to 60 seconds, 1 to 20 runs, 1 to 64 threads. With --pressure go --others,"
        " --size and --json, with --codecs --json, and nothing else.",
        "See `vramswapctl bench --help`.",
    )  # fmt: skip
    NO_DURATION = (
        "no-duration", ErrorCode.INVALID_ARGUMENT,
        "“{text:text}” is not a duration.",
        "Write it like 30min, 1h or 5400; “off” ends the pause.",
    )  # fmt: skip
    PAUSE_TOO_LONG = (
        "pause-too-long", ErrorCode.INVALID_ARGUMENT,
        "A pause is {longest:number} seconds at most.",
        "Choose a shorter one, or turn the swap off.",
    )  # fmt: skip
    BENCH_FAILED = (
        "bench-failed", ErrorCode.SERVER_FAILED,
        "The measurement failed: {why:text}.",
        "Please report it, with `dmesg`.",
    )  # fmt: skip
    BENCH_NO_PAGES = (
        "bench-no-pages", ErrorCode.NOT_AUTHORIZED,
        "The memory of none of your programs can be read.",
        "Where the kernel keeps it from all but debuggers (kernel.yama.ptrace_scope), root can: use sudo.",
    )  # fmt: skip
    BENCH_NO_ROOM = (
        "bench-no-room", ErrorCode.INVALID_ARGUMENT,
        "{folder:text} has too little room for a file of {size:size}.",
        "Choose another folder, or a smaller --size.",
    )  # fmt: skip
    BENCH_NO_DISK = (
        "bench-no-disk", ErrorCode.INVALID_ARGUMENT,
        "{folder:text} cannot be measured: {why:text}.",
        "Choose a folder on the disk to compare with; tmpfs is memory and has no direct I/O.",
    )  # fmt: skip

    BENCH_NO_SWAP = (
        "bench-no-swap", ErrorCode.INVALID_ARGUMENT,
        "No VRAM is swap at present, so there is nothing to put under pressure.",
        "Turn it on first: `vramswapctl on`. Swap that is simulated does not count.",
    )  # fmt: skip
    BENCH_TOO_SHORT = (
        "bench-too-short", ErrorCode.BUSY,
        "Pressure takes {smallest:size} of VRAM that is swap and holds no pages, of which there are {free:size}, and"
        " {needed:size} of memory that nobody uses, of which {room:size} may be had.",
        "Make the swap larger, or close some programs.",
    )  # fmt: skip
    BENCH_OTHERS_SHORT = (
        "bench-others-short", ErrorCode.BUSY,
        "Without VRAM the measurement needs {needed:size} of other swap ({free:size} are free) and {memory:size} of"
        " memory ({room:size} may be had).",
        "Try again with a smaller --size, or close some programs.",
    )  # fmt: skip
    BENCH_PAUSE_ENDED = (
        "bench-pause-ended", ErrorCode.BUSY,
        "VRAM was swap again before that was measured.",
        "Somebody has ended the pause, or pages took too long to come home. Try again.",
    )  # fmt: skip
    BENCH_TURNED_OFF = (
        "bench-turned-off", ErrorCode.BUSY,
        "VRAM swap was turned off before that was measured.",
        "Somebody has turned it off, or something else needed the VRAM. Turn it on (`vramswapctl on`), then try again.",
    )  # fmt: skip
    BENCH_STAYS_PAUSED = (
        "bench-stays-paused", ErrorCode.BUSY,
        "VRAM may stay paused for some minutes: {why:said}",
        "To end that now: `vramswapctl pause off`.",
    )  # fmt: skip
    BENCH_NO_GROUP = (
        "bench-no-group", ErrorCode.INTERNAL,
        "A program could not be given less memory than it wants, in a control group of its own: {why:text}.",
        "It takes Linux's control groups v2, and systemd, or root where there is no systemd (`sudo vramswapctl bench"
        " --pressure`).",
    )  # fmt: skip
    BENCH_ENDED = (
        "bench-ended", ErrorCode.BUSY,
        "The program under pressure was ended by signal {signal:number}.",
        "systemd-oomd and the kernel do that when swap is full. Try again with a smaller --size.",
    )  # fmt: skip
    BENCH_NO_PROMISE = (
        "bench-no-promise", ErrorCode.BUSY,
        "The kernel did not promise the program under pressure {size:size} of memory (vm.overcommit_memory is"
        " {mode:number}).",
        "Try again with a smaller --size, or close some programs. Where that is 2, it promises more after `sudo sysctl"
        " vm.overcommit_ratio=95`.",
    )  # fmt: skip
    BENCH_OWN_LIMIT = (
        "bench-own-limit", ErrorCode.BUSY,
        "The program under pressure may not have {size:size} of memory: a limit for whoever is started here is"
        " {limit:size} (`ulimit -{letter:text}`).",
        "Try again with a smaller --size, or after `ulimit -{letter:text} unlimited`.",
    )  # fmt: skip
    BENCH_WRONG_PAGES = (
        "bench-wrong-pages", ErrorCode.SERVER_FAILED,
        "{count:number} pages came back from swap other than they had been written.",
        "Turn the swap off (`vramswapctl off`), and please report it, with `dmesg` and `vramswapctl report`.",
    )  # fmt: skip

    @property
    def sentences(self) -> tuple[str, str]:
        """The English forms of message and remedy."""
        return self.form, self.remedy

    def places(self) -> dict[str, forms.Kind]:
        """The arguments of message and remedy."""
        return forms.places(" ".join(self.sentences))


class VramswapError(Exception):
    """A failure a person can act on: a :class:`Problem` with its arguments, what failed and why, and what to do.

    Two are equal when they say the same. Raises ValueError or TypeError for other arguments than the problem has.
    """

    def __init__(self, problem: Problem, **arguments: Argument) -> None:
        forms.check(" ".join(problem.sentences), arguments)
        self.problem = problem
        #: What comes from anywhere can be shown, and goes over every wire.
        self.arguments: Mapping[str, Argument] = {
            name: plain(value) if isinstance(value, str) else value for name, value in arguments.items()
        }
        #: What programs are told; that of a problem unknown here is what the other side said.
        self.code = problem.category
        super().__init__(problem)

    @property
    def key(self) -> str:
        """The problem, as it goes over the wires."""
        return self.problem.value

    @property
    def form(self) -> str:
        """The English form of what failed and why: as a sentence, an error is that."""
        return self.problem.form

    @property
    def advice(self) -> Phrase:
        """What to do, to be worded."""
        return Phrase(self.problem.remedy, self.arguments)

    @property
    def message(self) -> str:
        """What failed and why, in English."""
        return forms.word(self)

    @property
    def remedy(self) -> str:
        """What to do, in English."""
        return forms.word(self.advice)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VramswapError) and (self.code, self.problem, self.arguments) == (
            other.code, other.problem, other.arguments
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.code, self.problem))

    def to_wire(self) -> list[Any]:
        """The error as D-Bus has it, ``(ssa{sv})``: for programs, for our clients, and its arguments."""
        return [self.code.value, *typed(self)]

    @classmethod
    def from_wire(cls, wire: object) -> VramswapError | None:
        """The reverse, whatever comes; None for :data:`NO_ERROR`."""
        code, problem, arguments = wire if isinstance(wire, (list, tuple)) and len(wire) == 3 else ("", "", {})
        if not code:
            return None
        # What has no words here is told with those for its kind.
        words = next((one.doc for one in ErrorCode if one == code), "")
        return cls.from_dict({"code": code, "problem": problem, "arguments": arguments, "message": words})

    def as_dict(self) -> dict[str, Any]:
        """The error as the control socket and ``--json`` carry it."""
        return {
            "code": self.code.value, "problem": self.problem.value, "arguments": as_dict(self)["arguments"],
            "message": self.message, "remedy": self.remedy,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> VramswapError:
        """The reverse of :meth:`as_dict`, whatever comes; an unknown code becomes ``INTERNAL``.

        A problem that this version does not know, or other arguments than it has, is what its sentences say.
        """
        try:
            error = _known(str(fields["problem"]), fields["arguments"])
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            message, remedy = (str(fields.get(name) or "") for name in ("message", "remedy"))
            error = cls(Problem.UNKNOWN, message=message or "unknown error", remedy=remedy)
        if error.problem is Problem.UNKNOWN:
            with contextlib.suppress(ValueError):
                error.code = ErrorCode(str(fields.get("code", "")))
        return error


def _known(problem: str, arguments: Any) -> VramswapError:
    """Raises as whatever is wrong with them."""
    known = Problem(problem)
    return VramswapError(
        known,
        **{
            name: _known(*forms.coded(arguments[name])) if kind is forms.Kind.SAID else arguments[name]
            for name, kind in known.places().items()
        },
    )


#: What is on D-Bus while nothing has failed.
NO_ERROR: Final[tuple[str, str, Mapping[str, Any]]] = ("", "", {})
