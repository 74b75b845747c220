# SPDX-License-Identifier: MIT
"""Which module may know what: imports go one way, and each foreign library has its gate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "vramswap_gui"
TESTS = ROOT / "tests"

#: What everybody may use: errors, sentences, paths, text that can be shown, sizes, and what this is.
BASE: Final = frozenset({"__init__", "errors", "forms", "paths", "plain", "units"})

#: Room of the package (a folder or a module, the deepest one that has a line) → the rooms that it may import besides
#: itself and :data:`BASE`. A room that has no line belongs to the one above it.
ARROWS: Final[Mapping[str, frozenset[str]]] = {
    "__init__": frozenset(),
    "errors": frozenset(),
    "forms": frozenset(),
    "paths": frozenset(),
    "plain": frozenset(),
    "start": frozenset({"streams"}),
    "streams": frozenset(),
    "units": frozenset(),
    "api": frozenset(),
    "bus": frozenset({"api"}),
    "settings": frozenset({"api"}),
    "text": frozenset({"api"}),
    "client": frozenset({"api", "bus", "settings"}),
    "system": frozenset(),
    "doctor": frozenset({"api", "client", "settings", "system", "text"}),
    "bench": frozenset({"server/engine/records", "system"}),
    # What takes vramswap from a machine brings home what landed on a disk, as the helper does.
    "ctl": frozenset({"api", "bench", "client", "doctor", "helper/landing", "settings", "streams", "system", "text"}),
    "tray": frozenset({"api", "bus", "client", "doctor", "settings", "system", "text"}),
    "helper": frozenset({"api", "bus", "helper/landing", "helper/policy", "settings", "system", "text"}),
    "helper/landing": frozenset({"helper", "helper/policy", "settings", "system"}),
    "helper/policy": frozenset({"api", "settings", "system"}),
    "server": frozenset({"api", "server/engine", "server/exports", "server/supervisor", "system"}),
    "server/engine": frozenset({"server", "server/supervisor", "system"}),
    # Of it, what needs no GPU.
    "server/engine/records": frozenset(),
    "server/exports": frozenset({"server", "system"}),
    "server/supervisor": frozenset({"api", "server", "server/engine", "server/exports", "system"}),
}

#: Foreign module → where it may be imported: a file, or a folder when it ends in a slash.
GATES: Final[Mapping[str, tuple[str, ...]]] = {
    "subprocess": ("system/run.py",),
    "pynvml": ("system/nvml.py",),
    "dbus_next": ("bus/",),
    "cuda": ("server/engine/vram.py", "server/engine/copy_kernel.py"),
    "PySide6": ("tray/",),
    # There is one way to a bus.
    "PySide6.QtDBus": (),
    "qasync": ("tray/",),
}

#: Ways around the gate for subprocesses.
PROGRAM_STARTERS: Final = {
    ("os", name)
    for name in ("system", "popen", "posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe", "execl",
                 "execle", "execlp", "execlpe", "spawnl", "spawnle", "spawnlp", "spawnv", "spawnve", "spawnvp")
} | {("asyncio", "create_subprocess_exec"), ("asyncio", "create_subprocess_shell")}  # fmt: skip

MODULES = sorted(PACKAGE.rglob("*.py"))


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


def room_of(path: str) -> str:
    """The room that a path below the package lies in."""
    while path and path not in ARROWS:
        path = path.rpartition("/")[0]
    return path or "__init__"


def violations(module: Path, text: str) -> list[str]:
    """What ``module``, having ``text``, imports or calls and may not."""
    inside = module.relative_to(PACKAGE)
    room = room_of(str(inside).removesuffix(".py"))
    tree = ast.parse(text)
    wrong = []
    for source, name in imports(tree, module):
        top = source.split(".")[0]
        if top == "vramswap_gui":
            target = room_of("/".join([*source.split(".")[1:], name]).strip("/"))
            if target not in ARROWS[room] | BASE | {room}:
                wrong.append(f"{room} may not import {target}")
        for foreign in {top, ".".join(source.split(".")[:2]), f"{source}.{name}"} & GATES.keys():
            if not any(inside.is_relative_to(gate) for gate in GATES[foreign]):
                wrong.append(f"{foreign} may be imported only in {', '.join(GATES[foreign]) or 'no place'}")
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
        ("tray/application.py", "from ..helper.policy import sizing"),
        ("tray/application.py", "def later():\n    from vramswap_gui import server"),
        ("helper/policy/lending.py", "from cuda.bindings import driver"),
        ("helper/policy/lending.py", "from vramswap_gui.helper import monitor"),
        ("server/exports/base.py", "from vramswap_gui.server.supervisor import keeper"),
        ("system/swaps.py", "from vramswap_gui.api.status import Status"),
        ("client.py", "from vramswap_gui.system import gpu"),
        ("ctl/main.py", "import dbus_next.aio"),
        ("tray/desktop.py", "from PySide6.QtDBus import QDBusConnection"),
        ("tray/desktop.py", "from PySide6 import QtDBus"),
        ("client.py", "from dbus_next.message import Message"),
        ("helper/dbus_service.py", "from dbus_next.signature import Variant"),
        ("server/exports/nbd_kernel.py", "import subprocess"),
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
    """The data path and the load that measures it are compiled, nothing else."""
    rooms = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.pyx")}
    assert rooms == {"server", "bench"}
    assert all("server/engine" in str(path) for path in (PACKAGE / "server").rglob("*.pyx"))


def test_the_parts_of_the_data_path_know_no_more_than_they_must() -> None:
    """Who knows CUDA, who knows a frontend or a store by name: what they cimport says it."""
    engine = PACKAGE / "server/engine"
    knows = {
        str(path.relative_to(engine)): set(re.findall(r"\b(cydriver|frontends|stores|worker)\b", path.read_text()))
        for path in (*engine.rglob("*.pyx"), *engine.rglob("*.pxd"))
    }
    assert {name for name, known in knows.items() if "cydriver" in known} == {
        "copy_batch.pyx", "copy_batch.pxd", "worker.pyx", "worker.pxd", "engine.pyx",
    }  # fmt: skip
    for name, known in knows.items():
        if name != "engine.pyx" and not name.startswith("frontends/"):
            assert "frontends" not in known, name
        if name != "engine.pyx" and not name.startswith("stores/"):
            assert "stores" not in known, name


def test_no_test_module_imports_another() -> None:
    """What several tests need is in tests/support, so that a test can be changed without a look at all others."""
    modules = {path for folder in ("test_*.py", "*_scenario.py", "conftest.py") for path in TESTS.rglob(folder)}
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules}
    wrong = []
    for name, path in names.items():
        for source, imported in imports(ast.parse(path.read_text(encoding="utf-8")), path):
            if {source, f"{source}.{imported}"} & (names.keys() - {"tests.conftest"}):
                wrong.append(f"{name} imports {source}.{imported}".rstrip("."))
    assert wrong == []


#: A hop of a walk in docs/architecture.md: a name, and the file below the package that has it.
HOP: Final = re.compile(r"`([A-Za-z_.]+)` in\s+`([a-z_/]+\.pyx?)`")
WALKS: Final = ("A size, from slider to engine", "A segment, from keeper to engine", "From a caller to polkit",
                "A GPU reading, to the panel")  # fmt: skip


def has(path: Path, name: str) -> bool:
    """Whether a file defines a function, a class, a method or a constant of that name."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".pyx":
        return all(re.search(rf"^\s*(def|cdef class|class) {part}\b", text, re.MULTILINE) for part in name.split("."))
    body: list[ast.stmt] = ast.parse(text).body
    for part in name.split("."):
        found = [node for node in body if part in _names(node)]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return {node.name} if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else set()


@pytest.mark.parametrize("walk", WALKS)
def test_the_walks_go_where_the_code_is(walk: str) -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {walk}\n")[2].partition("\n## ")[0]
    steps = re.split(r"^\d\. ", section, flags=re.MULTILINE)[1:]
    assert len(steps) >= 4
    for step in steps:
        assert HOP.search(step), f"a step without file and function: {step}"


def test_what_the_documentation_names_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert len(HOP.findall(text)) > 40
    assert [(name, path) for name, path in HOP.findall(text) if not has(PACKAGE / path, name)] == []


#: A path with a folder in it, or a file or unit by its name.
NAMED: Final = re.compile(
    r"/?[\w.-]+(/[\w.-]+)+|/[\w.-]+/?|[\w-]+\.(service|socket|sock|conf|toml|log|json|rules|policy|env)", re.ASCII
)
#: The kernel's two, which are arguments everywhere, so that a test can have its own.
ROOTS: Final = {"/proc", "/sys", "/dev/"}


def test_no_path_or_unit_is_named_twice() -> None:
    """What two modules have to know stands in paths.py, or in the module that owns it. (Advice for people aside.)"""
    named: dict[str, set[str]] = {}
    for module in MODULES:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in explained else None
            if isinstance(text, str) and NAMED.fullmatch(text) and text not in ROOTS:
                named.setdefault(text, set()).add(str(module.relative_to(PACKAGE)))
    assert len(named) > 50
    assert {name: sorted(where) for name, where in named.items() if len(where) > 1} == {}
