# SPDX-License-Identifier: MIT
"""What `vramswapctl bench` measures: one table of loads, on VRAM through the server and, if asked, on a disk."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui.bench import disk
from vramswap_gui.bench.export import Export, export
from vramswap_gui.bench.results import Load, LoadFailed, Measured
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import KIB


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load: block size in bytes, connections, requests under way on each, share of writes in percent."""

    block_size: int
    connections: int
    depth: int
    write_percent: int

    @property
    def title(self) -> str:
        """For a table: ``4 KiB read, 4 × 16``."""
        kind = {0: "read", 100: "write"}.get(self.write_percent, "mixed")
        return f"{self.block_size // KIB} KiB {kind}, {self.connections} × {self.depth}"


#: What programs wait for, a page at a time; and what the kernel sends away.
PAGE_IN: Final = Scenario(4 * KIB, 1, 1, 0)
PAGE_OUT: Final = Scenario(512 * KIB, 1, 4, 100)
QUICK: Final = (PAGE_IN, PAGE_OUT)
#: Page-ins are mostly single pages, page-outs long runs; the rest shows what is to be had.
SCENARIOS: Final = (
    PAGE_IN,
    Scenario(4 * KIB, 1, 32, 0),
    Scenario(4 * KIB, 1, 32, 100),
    Scenario(4 * KIB, 4, 16, 0),
    Scenario(4 * KIB, 4, 16, 100),
    Scenario(4 * KIB, 8, 16, 0),
    Scenario(4 * KIB, 8, 16, 100),
    Scenario(128 * KIB, 1, 4, 0),
    PAGE_OUT,
    Scenario(512 * KIB, 4, 4, 100),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: bytes of VRAM, seconds and repetitions for each load, and a folder for the disk (or None)."""

    size: int
    seconds: float
    runs: int
    threads: int
    gpu: str
    disk: Path | None
    verify: bool = True
    scenarios: tuple[Scenario, ...] = SCENARIOS


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one scenario on one medium, each of them kept so that the spread can be seen."""

    medium: str
    scenario: Scenario
    runs: tuple[Measured, ...]

    def median(self, what: Callable[[Measured], float]) -> float:
        """The median over the runs."""
        return statistics.median(what(run) for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: latencies in nanoseconds."""
        runs = [asdict(run) | {"iops": run.iops, "bandwidth": run.bandwidth} for run in self.runs]
        return {"medium": self.medium, **asdict(self.scenario), "title": self.scenario.title, "runs": runs}


@dataclass(frozen=True, slots=True)
class Report:
    """All rows; the seconds until the server served, and the bytes of memory that it took."""

    rows: tuple[Row, ...]
    ready_after: float
    memory: int

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "ready_after": self.ready_after,
            "memory": self.memory,
            "rows": [row.as_dict() for row in self.rows],
        }


async def measure(plan: Plan, progress: Callable[[float, str], None]) -> Report:
    """Do the whole plan; ``progress`` hears the share done and what comes next. Raises VramswapError."""
    total = len(plan.scenarios) * (2 if plan.disk else 1)
    rows: list[Row] = []
    async with export(plan.size, plan.gpu, plan.threads) as server:
        for scenario in plan.scenarios:
            progress(len(rows) / total, f"VRAM: {scenario.title}")
            runs = await asyncio.to_thread(_on_vram, server, scenario, plan)
            rows.append(Row("VRAM", scenario, runs))
        ready_after, memory = server.ready_after, server.memory()
    if plan.disk is not None:
        with disk.scratch(plan.disk, min(plan.size, disk.LARGEST)) as file:
            for scenario in plan.scenarios:
                progress(len(rows) / total, f"disk: {scenario.title}")
                runs = await asyncio.to_thread(_on_disk, file, scenario, plan)
                rows.append(Row("disk", scenario, runs))
    progress(1.0, "")
    return Report(tuple(rows), ready_after, memory)


def _on_vram(server: Export, scenario: Scenario, plan: Plan) -> tuple[Measured, ...]:
    from vramswap_gui.bench.load import Generator

    ends = [server.connect() for _ in range(scenario.connections)]
    try:
        generator = Generator([end.fileno() for end in ends], server.size, scenario.block_size)
        return tuple(generator.run(_load(scenario, plan)) for _ in range(plan.runs))
    except LoadFailed as error:
        raise VramswapError(Problem.BENCH_FAILED, why=str(error)) from None
    finally:
        for end in ends:
            end.close()


def _on_disk(file: int, scenario: Scenario, plan: Plan) -> tuple[Measured, ...]:
    return tuple(disk.run(file, _load(scenario, plan), scenario.connections) for _ in range(plan.runs))


def _load(scenario: Scenario, plan: Plan) -> Load:
    return Load(scenario.block_size, scenario.depth, scenario.write_percent, plan.seconds, verify=plan.verify)
