"""The typed errors: each names what failed, why, and what to do.

An error is a :class:`Problem` with its arguments, declared once with the English sentences; whoever shows it words it
in the reader's language. To programs it is one of few :class:`ErrorCode`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from vramswap_gui import forms
from vramswap_gui.forms import Argument
from vramswap_gui.plain import plain
from vramswap_gui.units import format_size


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
        "root-alone", ErrorCode.NOT_AUTHORIZED, "Only the system itself may do this.", "As an administrator, use sudo.",
    )  # fmt: skip
    NOT_ALLOWED = (
        "not-allowed", ErrorCode.NOT_AUTHORIZED,
        "You are not allowed to do this.", "Ask an administrator of this machine.",
    )  # fmt: skip
    PASSWORD_NEEDED = (
        "password-needed", ErrorCode.NOT_AUTHORIZED, "You are not allowed to do this.",
        "Use it from your desktop session, where a password can be asked for, or as an administrator with sudo.",
    )  # fmt: skip
    PASSWORD_WRONG = (
        "password-wrong", ErrorCode.NOT_AUTHORIZED,
        "The password was not given, or was not the right one.", "Nothing was changed; try again.",
    )  # fmt: skip
    POLKIT_SILENT = (
        "polkit-silent", ErrorCode.AUTHORIZATION_UNAVAILABLE,
        "polkit, which decides who may do this, does not answer ({why:text}).",
        "Install and start it (package polkitd, `systemctl start polkit`).",
    )  # fmt: skip

    # Sizes

    SIZE_ABOVE_MAXIMUM = (
        "size-above-maximum", ErrorCode.INVALID_ARGUMENT,
        "{size:size} is more than the largest size allowed here, {maximum:size}.",
        "Choose a smaller size, or have an administrator raise the setting “maximum”.",
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
        "A size of {given:text} is not possible.", "It must be a positive multiple of {step:size}.",
    )  # fmt: skip
    PAGES_DO_NOT_FIT = (
        "pages-do-not-fit", ErrorCode.WONT_FIT,
        "{used:size} of pages are in VRAM, and memory and other swap have room for {room:size}.",
        "Close programs that use {missing:size} or more, then try again. Nothing was changed.",
    )  # fmt: skip

    # Verbs

    GOING_TO_SLEEP = (
        "going-to-sleep", ErrorCode.BUSY,
        "The machine is going to sleep.", "Try again when it is awake (`vramswapctl wake`).",
    )  # fmt: skip
    CANCELLED = (
        "cancelled", ErrorCode.CANCELLED,
        "It was cancelled; what had not come home stays in VRAM.", "Nothing was lost.",
    )  # fmt: skip
    ANOTHER_HELPER = (
        "another-helper", ErrorCode.BUSY, "Another vramswap-helper runs already.", "Nothing needs to be done.",
    )  # fmt: skip
    TOO_MANY_GAMES = (
        "too-many-games", ErrorCode.BUSY,
        "{mine:number} programs of yours have vramswap make way already, and {all:number} in all.", "End some of them.",
    )  # fmt: skip

    # The kernel

    SWAP_REFUSED = (
        "swap-refused", ErrorCode.SWAP_REFUSED, "{program:text} failed on {device:text}: {why:text}.",
        "See `dmesg` for the kernel's reason. Nothing was lost; try again.",
    )  # fmt: skip
    NBD_NOT_LOADED = (
        "nbd-not-loaded", ErrorCode.NO_NBD, "The kernel's NBD driver is not loaded.",
        "Run `modprobe nbd` as root; if that fails, install the kernel's extra modules package.",
    )  # fmt: skip
    NBD_NOT_LOADABLE = (
        "nbd-not-loadable", ErrorCode.NO_NBD, "The kernel's nbd module cannot be loaded ({why:text}).",
        "Install the package with your kernel's extra modules, or boot a kernel that has CONFIG_BLK_DEV_NBD.",
    )  # fmt: skip
    NBD_REFUSED = (
        "nbd-refused", ErrorCode.NO_NBD, "The kernel refused to {command:text} {device:text}: {why:text}.",
        "See the last lines of `dmesg`.",
    )  # fmt: skip
    NBD_HOLDS_ON = (
        "nbd-holds-on", ErrorCode.NO_NBD, "The kernel does not let go of connections of {device:text}.",
        "See the last lines of `dmesg`.",
    )  # fmt: skip
    DEVICE_IN_USE = (
        "device-in-use", ErrorCode.BUSY, "{device:text} is in use ({why:text}).", "Run `swapoff {device:text}` first.",
    )  # fmt: skip
    DEVICE_IS_SWAP = (
        "device-is-swap", ErrorCode.BUSY, "{device:text} is in use as swap.", "Run `swapoff {device:text}` first.",
    )  # fmt: skip

    # The server

    SERVER_NOT_STARTED = (
        "server-not-started", ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM was not started: {why:text}.", "See `journalctl -u vramswap-server`.",
    )  # fmt: skip
    SERVER_FAILED = (
        "server-failed", ErrorCode.SERVER_FAILED, "The server that holds the VRAM failed: {why:text}.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )  # fmt: skip
    SERVER_SILENT = (
        "server-silent",
        ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM does not answer.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )
    SERVER_ENDED = (
        "server-ended",
        ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM ended.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )
    SERVER_NOT_RUNNING = (
        "server-not-running",
        ErrorCode.SERVER_FAILED,
        "The server that holds the VRAM is not running.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )
    KEEPER_ENDED = (
        "keeper-ended", ErrorCode.SERVER_FAILED, "The process that watches over the VRAM ended.",
        "Turn the swap off now, while its pages can still be read; then see `journalctl -b` and report it.",
    )  # fmt: skip
    ENGINE_DIED_OPENING = (
        "engine-died-opening",
        ErrorCode.SERVER_FAILED,
        "The engine died while it opened the GPU.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )
    ENGINE_DIED_ALLOCATING = (
        "engine-died-allocating",
        ErrorCode.SERVER_FAILED,
        "The engine died while it allocated VRAM.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )
    ENGINE_DIED_ATTACHING = (
        "engine-died-attaching",
        ErrorCode.SERVER_FAILED,
        "The engine died while a device was attached.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )
    ENGINE_DIED_UPGRADING = (
        "engine-died-upgrading",
        ErrorCode.SERVER_FAILED,
        "The engine died before the upgrade.",
        "Look for NVRM or Xid lines in `dmesg`, then try again.",
    )
    SERVER_BUSY = (
        "server-busy", ErrorCode.BUSY, "The server is changing something.", "Try again in a moment.",
    )  # fmt: skip
    SERVER_STOPPING = (
        "server-stopping", ErrorCode.BUSY, "The server is stopping.", "Try again when it has stopped.",
    )  # fmt: skip
    SEGMENTS_ATTACHED = (
        "segments-attached", ErrorCode.BUSY,
        "{count:number} segments are attached.", "Remove them first, swap before device.",
    )  # fmt: skip
    SEGMENTS_FULL = (
        "segments-full", ErrorCode.INVALID_ARGUMENT, "There are {count:number} segments already.", "Remove one first.",
    )  # fmt: skip
    SEGMENT_UNKNOWN = (
        "segment-unknown", ErrorCode.INVALID_ARGUMENT, "There is no segment {index:number}.", "",
    )  # fmt: skip
    NOT_LOCKABLE = (
        "not-lockable", ErrorCode.SERVER_FAILED, "The server must not serve swap: {what:text} ({why:text}).",
        "Start it as root with CAP_IPC_LOCK and CAP_SYS_RESOURCE.",
    )  # fmt: skip

    # The GPU

    GPU_GONE = (
        "gpu-gone", ErrorCode.NO_GPU, "The GPU is gone, and what was in its memory is lost.",
        "Turn the swap off; programs that miss pages end. Then look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    GPU_FAILS = (
        "gpu-fails", ErrorCode.SERVER_FAILED,
        "The GPU fails whoever uses it.", "Look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip
    GPU_UNKNOWN = (
        "gpu-unknown", ErrorCode.NO_GPU,
        "There is no NVIDIA GPU “{given:text}”.", "GPUs found: {known:text}; a UUID also works.",
    )  # fmt: skip
    GPU_SILENT = (
        "gpu-silent", ErrorCode.NO_GPU,
        "The GPU does not answer ({why:text}).", "See `nvidia-smi` and the kernel's log (`dmesg`).",
    )  # fmt: skip
    GPU_NOT_FOUND = (
        "gpu-not-found", ErrorCode.NO_GPU, "The NVIDIA driver finds no GPU.",
        "Check that the dGPU is switched on in the firmware and not hidden by a graphics switcher.",
    )  # fmt: skip
    DRIVER_SILENT = (
        "driver-silent", ErrorCode.NO_DRIVER,
        "The NVIDIA driver does not answer ({why:text}).", "See `vramswapctl doctor`.",
    )  # fmt: skip
    DRIVER_MISSING = (
        "driver-missing", ErrorCode.NO_DRIVER,
        "The NVIDIA driver is not installed: libcuda.so.1 cannot be loaded.",
        "Install your distribution's NVIDIA driver package (Debian: nvidia-driver libcuda1).",
    )  # fmt: skip
    DRIVER_UPDATED = (
        "driver-updated", ErrorCode.NO_DRIVER,
        "The NVIDIA driver was updated, and the kernel still runs another version of it.", "Restart the computer.",
    )  # fmt: skip
    DRIVER_TOO_OLD = (
        "driver-too-old", ErrorCode.DRIVER_TOO_OLD,
        "The NVIDIA driver supports CUDA {version:text}; 12.0 is needed.", "Install NVIDIA driver 525 or newer.",
    )  # fmt: skip
    VRAM_TOO_FULL = (
        "vram-too-full", ErrorCode.OUT_OF_VRAM, "The GPU has too little free memory ({call:text}).",
        "Choose a smaller size or close programs that use the GPU.",
    )  # fmt: skip
    CUDA_FAILED = (
        "cuda-failed", ErrorCode.SERVER_FAILED,
        "CUDA failed in {call:text}: {status:text}.", "Look for NVRM or Xid lines in `dmesg`.",
    )  # fmt: skip

    # Settings

    SETTING_UNKNOWN = (
        "setting-unknown", ErrorCode.INVALID_ARGUMENT,
        "There is no setting “{key:text}”.", "Known settings: {known:text}.",
    )  # fmt: skip
    CONFIG_BROKEN = (
        "config-broken", ErrorCode.CONFIG_INVALID,
        "{path:text}: {why:text}", "Mend the file, or remove it to go back to the defaults.",
    )  # fmt: skip
    CONFIG_NOT_WRITTEN = (
        "config-not-written", ErrorCode.INTERNAL, "{path:text} could not be written: {why:text}.",
        "Check the file system; the old settings are in force.",
    )  # fmt: skip
    UNIT_NOT_ENABLED = (
        "unit-not-enabled", ErrorCode.INTERNAL, "systemd did not enable {unit:text}: {why:text}.",
        "Without systemd, have your system start vramswap-helper as root.",
    )  # fmt: skip
    UNIT_NOT_DISABLED = (
        "unit-not-disabled", ErrorCode.INTERNAL, "systemd did not disable {unit:text}: {why:text}.",
        "Without systemd, have your system start vramswap-helper as root.",
    )  # fmt: skip

    # The way to the helper

    BUS_UNUSABLE = (
        "bus-unusable",
        ErrorCode.INTERNAL,
        "The bus cannot be used: {why:text}.",
        "vramswap needs D-Bus, and root's D-Bus policy: see `systemctl status dbus`.",
    )
    BUS_GONE = (
        "bus-gone",
        ErrorCode.INTERNAL,
        "The bus is gone.",
        "The helper comes back with it.",
    )
    BUS_UNREACHABLE = (
        "bus-unreachable", ErrorCode.HELPER_UNAVAILABLE,
        "The system bus cannot be reached ({why:text}).", "vramswap needs D-Bus: start the service dbus.",
    )  # fmt: skip
    HELPER_MISSING = (
        "helper-missing", ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap is not installed, or cannot be started.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )  # fmt: skip
    HELPER_ENDED = (
        "helper-ended", ErrorCode.HELPER_UNAVAILABLE, "The helper of vramswap ended before the work was done.",
        "See `systemctl status vramswap-helper`.",
    )  # fmt: skip
    HELPER_HANGS = (
        "helper-hangs", ErrorCode.HELPER_UNAVAILABLE, "The helper of vramswap does not answer: it hangs.",
        "See `systemctl status vramswap-helper`.",
    )  # fmt: skip
    HELPER_GONE = (
        "helper-gone",
        ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap ended.",
        "See `systemctl status vramswap-helper`.",
    )
    HELPER_SILENT = (
        "helper-silent",
        ErrorCode.HELPER_UNAVAILABLE,
        "The helper of vramswap does not answer: {why:text}.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )
    BUS_LOST = (
        "bus-lost",
        ErrorCode.HELPER_UNAVAILABLE,
        "The system bus is gone, and the helper of vramswap with it.",
        "It is back with the bus; see `systemctl status dbus`.",
    )
    NOT_CONNECTED = (
        "not-connected",
        ErrorCode.HELPER_UNAVAILABLE,
        "There is no connection to the helper of vramswap.",
        "See `systemctl status vramswap-helper`; if it is not installed, install vramswap's system files.",
    )
    OTHER_VERSION = (
        "other-version", ErrorCode.INTERNAL, "The helper answered in a way that is not known here.",
        "Different versions are running: log out and in again.",
    )  # fmt: skip
    DEFECT = (
        "defect", ErrorCode.INTERNAL,
        "{program:text} has a defect ({what:text}).", "Please report it, with `journalctl -b`.",
    )  # fmt: skip

    @property
    def sentences(self) -> tuple[str, str]:
        """The English forms of message and remedy; the latter may be empty."""
        return self.form, self.remedy

    def places(self) -> dict[str, forms.Kind]:
        """The arguments of message and remedy."""
        return forms.places(" ".join(self.sentences))


class _Part:
    """Message or remedy of an error, to be worded."""

    def __init__(self, form: str, arguments: Mapping[str, Argument]) -> None:
        self.form = form
        self.arguments = arguments


#: What :attr:`Status.error` is while nothing has failed.
NO_ERROR: Final = ("", "", "")


class VramswapError(Exception):
    """A failure a person can act on: what failed and why (``message``), and what to do (``remedy``).

    Made of a :class:`Problem` and its arguments; or, where that is not declared yet, of a code and two sentences.
    Both may quote what comes from anywhere: they become plain text here.
    """

    def __init__(self, code: ErrorCode | Problem, message: str = "", remedy: str = "", **arguments: Argument) -> None:
        self.problem = code if isinstance(code, Problem) else None
        self.arguments: Mapping[str, Argument] = arguments
        if isinstance(code, Problem):
            forms.check(" ".join(code.sentences), arguments)
            message, remedy = self.worded()
            code = code.category
        self.code = code
        self.message = plain(message)
        self.remedy = plain(remedy)
        super().__init__(self.message)

    def worded(
        self, lookup: forms.Lookup = lambda form: form, size: Callable[[int], str] = format_size
    ) -> tuple[str, str]:
        """Message and remedy in a language (:func:`vramswap_gui.forms.word`); English where no problem is declared."""
        if self.problem is None:
            return self.message, self.remedy
        message, remedy = (
            forms.word(_Part(form, self.arguments), lookup, size) for form in (self.problem.form, self.problem.remedy)
        )
        return message, remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """The error as the control socket and ``--json`` carry it."""
        coded = {} if self.problem is None else {"problem": self.problem.value, "arguments": dict(self.arguments)}
        return {"code": self.code.value, "message": self.message, "remedy": self.remedy, **coded}

    def as_tuple(self) -> tuple[str, str, str]:
        """The error as :attr:`Status.error` has it."""
        return (self.code.value, self.message, self.remedy)

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> VramswapError:
        """The reverse of :meth:`as_dict`, whatever comes; an unknown code becomes ``INTERNAL``.

        A problem that this version does not know, or other arguments than it has, is what its sentences say.
        """
        try:
            problem, arguments = Problem(str(fields["problem"])), fields["arguments"]
            assert isinstance(arguments, Mapping)
            return cls(problem, **{name: arguments[name] for name in problem.places()})
        except (KeyError, ValueError, TypeError, AssertionError):
            pass
        try:
            code = ErrorCode(str(fields.get("code", "")))
        except ValueError:
            code = ErrorCode.INTERNAL
        return cls(code, str(fields.get("message", "unknown error")), str(fields.get("remedy", "")))
