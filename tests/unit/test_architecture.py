"""Which module may know what: imports go one way, and each foreign library has its gate."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "vramswap_gui"

#: Part of the package → the parts that it may import besides itself.
ARROWS: Final[Mapping[str, frozenset[str]]] = {
    "__init__": frozenset(),
    "units": frozenset(),
    "contract": frozenset({"units"}),
    "settings": frozenset({"contract", "units"}),
    "client": frozenset({"contract", "settings", "units"}),
    "cli": frozenset({"client", "contract", "settings", "units", "system", "bench", "install", "report"}),
    "install": frozenset({"contract", "units", "system"}),
    "report": frozenset({"client", "contract", "settings", "units", "system"}),
    "bench": frozenset({"system", "contract", "units"}),
    "desktop": frozenset({"contract", "units"}),
    "tray": frozenset({"desktop", "client", "contract", "settings", "units", "system"}),
    "helper": frozenset({"system", "contract", "settings", "units"}),
    "server": frozenset({"system", "contract", "units"}),
    "system": frozenset({"contract", "units"}),
}

#: These parts may take from the contract only what every part needs to report an error, or a limit both sides obey.
ERRORS_ONLY: Final = {"system", "server"}
ERROR_NAMES: Final = {"VramswapError", "ErrorCode", "SIZE_STEP", "MAX_SEGMENTS"}

#: Foreign module → where it may be imported: a file, or a folder when it ends in a slash.
GATES: Final[Mapping[str, tuple[str, ...]]] = {
    "subprocess": ("system/run.py",),
    "pynvml": ("system/gpu.py",),
    "pyroute2": ("system/nbd.py",),
    "dbus_next": ("client.py", "desktop.py", "helper/dbus_service.py", "helper/power_signals.py"),
    "cuda": ("server/engine/vram.py", "server/engine/engine.pyx"),
    "PySide6": ("tray/",),
    "qasync": ("tray/",),
}

#: Ways around the gate for subprocesses.
PROGRAM_STARTERS: Final = {
    ("os", name)
    for name in ("system", "popen", "posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe", "execl",
                 "execle", "execlp", "execlpe", "spawnl", "spawnle", "spawnlp", "spawnv", "spawnve", "spawnvp")
} | {("asyncio", "create_subprocess_exec"), ("asyncio", "create_subprocess_shell")}  # fmt: skip

MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST: Final = 400


def imports(tree: ast.AST, module: Path) -> Iterator[tuple[str, str]]:
    """Each imported (module, name); the name is empty for a plain ``import``. Relative imports are made absolute."""
    package = module.relative_to(ROOT).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (base, node.module or "")))
            yield from ((source, alias.name) for alias in node.names)


def part_of(source: str, name: str) -> str:
    """The part of the package that an import reaches, ``__init__`` for the package itself."""
    below = source.split(".")[1:] or [name]
    return below[0] if below[0] in ARROWS else "__init__"


def violations(module: Path, text: str) -> list[str]:
    """What ``module``, having ``text``, imports or calls and may not."""
    inside = module.relative_to(PACKAGE)
    part = inside.parts[0].removesuffix(".py")
    tree = ast.parse(text)
    wrong = []
    for source, name in imports(tree, module):
        top = source.split(".")[0]
        if top == "vramswap_gui":
            target = part_of(source, name)
            if target not in ARROWS[part] | {part, "__init__"}:
                wrong.append(f"{part} may not import {target}")
            if target == "contract" and part in ERRORS_ONLY and name not in ERROR_NAMES:
                wrong.append(f"{part} may take only {sorted(ERROR_NAMES)} from the contract, not {name or 'all of it'}")
        elif top in GATES and not any(
            str(inside).startswith(gate) if gate.endswith("/") else str(inside) == gate for gate in GATES[top]
        ):
            wrong.append(f"{top} may be imported only in {', '.join(GATES[top])}")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in PROGRAM_STARTERS
            and str(inside) != "system/run.py"
        ):
            wrong.append(f"line {node.lineno}: {node.value.id}.{node.attr}: programs are started in system/run.py")
    return wrong


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_and_gates(module: Path) -> None:
    assert violations(module, module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("tray/application.py", "from vramswap_gui.helper import policy"),
        ("tray/application.py", "import vramswap_gui.server.engine.vram"),
        ("tray/application.py", "from ..helper.policy import plan"),
        ("tray/application.py", "def later():\n    from vramswap_gui import server"),
        ("helper/policy/sizing.py", "from cuda.bindings import driver"),
        ("system/swaps.py", "from vramswap_gui.contract import Status"),
        ("client.py", "from vramswap_gui.system import gpu"),
        ("cli.py", "import dbus_next.aio"),
        ("server/nbd.py", "import subprocess"),
        ("helper/swap_area.py", "import os\nos.system('swapoff -a')"),
        ("helper/swap_area.py", "import asyncio\nasyncio.create_subprocess_exec('swapoff')"),
    ],
)
def test_a_breach_is_found(where: str, text: str) -> None:
    assert violations(PACKAGE / where, text)


def test_every_part_has_its_arrows() -> None:
    parts = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert parts - {"__pycache__"} <= set(ARROWS)


def test_cython_stays_at_its_gate() -> None:
    """The data path and the load that measures it are compiled, nothing else; the transport knows no CUDA."""
    compiled = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.pyx")}
    assert compiled == {"server/engine/engine.pyx", "server/engine/transport.pyx", "bench/load.pyx"}
    assert "cydriver" not in (PACKAGE / "server/engine/transport.pyx").read_text(encoding="utf-8")


def test_files_are_short() -> None:
    written = [
        path
        for folder in (PACKAGE, ROOT / "tests", ROOT / "packaging")
        for pattern in ("*.py", "*.pyx", "*.pxd", "*.c", "*.h", "*.sh")
        for path in folder.rglob(pattern)
    ]
    long = {str(path.relative_to(ROOT)): count for path in written if (count := _lines(path)) >= LONGEST}
    assert long == {}


def _lines(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        return sum(1 for _ in file)
