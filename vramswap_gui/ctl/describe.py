"""The status in words, for a terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from vramswap_gui.api.status import Status
from vramswap_gui.plain import plain
from vramswap_gui.settings import SETTINGS
from vramswap_gui.units import exact_size, format_size

_PARTS: Final = {"gpu": "the GPU", "kernel": "the kernel's part"}


def line(status: Status) -> str:
    """State and reason."""
    left = f" {format_size(status.bytes_left)} left." if status.bytes_left else ""
    reason = plain(status.reason)
    # "off: Off." would say it twice.
    if reason.rstrip(".").lower() == status.state:
        reason = ""
    return f"{status.state}: {reason}{left}" if reason or left else str(status.state)


def full(status: Status, verbose: bool = False) -> str:
    """All that a person wants to know, in a few lines."""
    rows = [f"{name:<11}{text}" for name, text in _rows(status)]
    if verbose:
        for segment in status.segments:
            use = f"{format_size(segment.used)} of {format_size(segment.size)} used"
            rows.append(f"{'':<11}{plain(segment.device)}  {use}, priority {segment.priority}")
    return "\n".join([line(status), *rows])


def _rows(status: Status) -> Iterator[tuple[str, str]]:
    code, message, remedy = status.error
    if code and message.rstrip(".") != status.reason.rstrip("."):
        yield "Error", plain(message)
    if code and remedy:
        yield "", f"→ {plain(remedy)}"
    if status.segments:
        yield "Used", f"{format_size(status.used)} of {format_size(status.size)}"
    yield "Mode", mode(status)
    yield "Size", size(status)
    if status.gpu_name:
        yield "GPU", f"{plain(status.gpu_name)} ({plain(status.gpu_pci)})"
    if status.simulated:
        yield "SIMULATED", ", ".join(_PARTS.get(part, plain(part)) for part in status.simulated)


def mode(status: Status) -> str:
    """The mode and what it means."""
    meaning = SETTINGS["mode"].choices.get(status.mode, "")
    return f"{status.mode} ({meaning[:1].lower()}{meaning[1:]})" if meaning else str(status.mode)


def size(status: Status) -> str:
    """The size that was chosen, and the most that can be."""
    limit = f", at most {exact_size(status.maximum)}" if status.maximum else ""
    return f"{SETTINGS['size'].show(status.wanted)}{limit}"


def as_dict(status: Status) -> dict[str, Any]:
    """The status for ``--json``."""
    error = dict(zip(("code", "message", "remedy"), status.error, strict=True)) if status.error[0] else None
    return dataclasses.asdict(status) | {"size": status.size, "used": status.used, "error": error}
