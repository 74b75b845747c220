# SPDX-License-Identifier: MIT
"""Fills the package's private folder with the Python libraries that Debian lacks or has too old; elsewhere with all.

Usage: bundle.py FOLDER COPYRIGHT debian|private. Prints the Debian packages of the others, as ``Depends:`` and
``Recommends:`` lines; adds the private libraries' licences to the file COPYRIGHT. The versions wanted are those of
pyproject.toml.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

#: The Qt modules that the tray imports.
QT_MODULES: Final = ("QtCore", "QtGui", "QtWidgets")
#: Library → the Debian packages that have it. What is not here is always private: cuda-bindings, which no release has,
#: and qasync, because Debian's would bring all of PyQt along.
DEBIAN: Final = {
    "PySide6-Essentials": tuple(f"python3-pyside6.{module.lower()}" for module in QT_MODULES),
    "dbus-next": ("python3-dbus-next",),
    "nvidia-ml-py": ("python3-pynvml",),
    "tomlkit": ("python3-tomlkit",),
}
#: With the distribution's Qt: what the wheels of PySide6 have in them. SVG icons, a window under Wayland, Qt's words.
QT_RECOMMENDS: Final = ("libqt6svg6", "qt6-wayland", "qt6-translations-l10n")
#: Not everybody has these parts of the archive switched on.
_SPECIAL: Final = re.compile(r"(contrib|non-free|non-free-firmware|restricted|multiverse)/")

#: The parts of cuda-bindings that the server uses; the others bind libraries that it has no use for.
_CUDA: Final = re.compile(
    r"(__init__|_version|driver|cydriver)\.|_internal/(__init__|_fast_enum|driver|utils)\.|utils/"
)
#: The plugins that an application of windows and a tray icon may load.
_QT_PLUGINS: Final = re.compile(
    r"platforms/libq(xcb|wayland[\w-]*|offscreen|minimal)\.so|imageformats/libqsvg\.so|iconengines/|platformthemes/"
    r"|platforminputcontexts/lib(compose|ibus)|xcbglintegrations/|wayland-(decoration|graphics-integration)-client/"
    r"|wayland-shell-integration/"
)
_PYSIDE: Final = re.compile(
    r"(__init__|_config|_git_pyside_version)\.py|support/|libpyside6\.abi3|(" + "|".join(QT_MODULES) + r")\.abi3"
)
_COMMON_LICENSES: Final = ("Apache-2.0", "GPL-2", "LGPL-3")


def suits(version: str, conditions: str) -> bool:
    """Whether a Debian version's upstream part meets the ``>=``, ``<`` and ``!=`` of pyproject.toml."""
    upstream = re.sub(r"^\d+:|[-+~][^-]*$", "", version)
    words = {">=": "ge", "<": "lt", "!=": "ne"}
    return all(
        subprocess.run(["dpkg", "--compare-versions", upstream, words[sign], limit], check=False).returncode == 0
        for sign, limit in re.findall(r"(>=|<|!=)([\w.]+)", conditions)
    )


def in_distribution(package: str, conditions: str) -> bool:
    """Whether ``apt-get`` would install a suitable ``package`` for everybody."""
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package], capture_output=True, text=True, check=False
    )
    fields = dict(re.findall(r"^(Version|Section): (.*)$", done.stdout, re.MULTILINE))
    if "Version" not in fields or _SPECIAL.match(fields.get("Section", "")):
        return False
    return suits(fields["Version"], conditions)


def choose(requirements: list[str], debian: bool) -> tuple[list[str], list[str], bool]:
    """What to install privately, what to depend on, and whether Qt is the distribution's."""
    if not debian:
        return requirements, [], False
    private, depends, qt = [], [], False
    for requirement in requirements:
        match = re.fullmatch(r"([\w-]+)(.*)", requirement)
        assert match, requirement
        name, conditions = match.groups()
        packages = DEBIAN.get(name, ())
        if not packages or not all(in_distribution(package, conditions) for package in packages):
            private.append(requirement)
            continue
        least = re.search(r">=([\w.]+)", conditions)
        depends += [f"{package} (>= {least[1]})" if least else package for package in packages]
        qt = qt or name.startswith("PySide6")
    return private, depends, qt


def needed(library: Path) -> set[str]:
    """The names of the shared libraries that one names as NEEDED."""
    done = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout))


def prune(folder: Path, keep: re.Pattern[str]) -> None:
    """Remove every file whose path below ``folder`` does not begin as ``keep`` says, and folders left empty."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif not keep.match(str(path.relative_to(folder))):
            path.unlink()


def prune_qt(pyside: Path) -> None:
    """Leave of PySide6 what the tray imports, with the plugins and libraries below it."""
    libraries = {path.name: path for path in (pyside / "Qt/lib").iterdir()}
    prune(pyside / "Qt/plugins", _QT_PLUGINS)
    waiting = list((pyside / "Qt/plugins").rglob("*.so"))
    waiting += [path for path in pyside.iterdir() if path.is_file() and _PYSIDE.match(path.name) and ".so" in path.name]
    wanted: set[str] = set()
    while waiting:
        for name in needed(waiting.pop()) & libraries.keys() - wanted:
            wanted.add(name)
            waiting.append(libraries[name])
    names = "|".join(re.escape(f"Qt/lib/{name}") + "$" for name in sorted(wanted))
    catalogues = (ROOT / "vramswap_gui/tray/translations").glob("*.qm")
    languages = "|".join(path.stem.removeprefix("vramswap_") for path in catalogues)
    prune(pyside, re.compile(rf"{_PYSIDE.pattern}|Qt/plugins/|Qt/translations/qtbase_({languages})\.qm|{names}"))


def licences(folder: Path, debian: bool) -> Iterator[str]:
    """One paragraph of a copyright file for each private library."""
    for library in sorted(distributions(path=[str(folder)]), key=lambda found: found.name):
        if library.name == "vramswap":
            continue
        name = said(library, "License-Expression", "License") or "see below"
        text = licence_text(library, name, debian)
        body = "\n".join(f" {line.rstrip()}" if line.strip() else " ." for line in text.strip().splitlines())
        tops = sorted({file.parts[0] for file in library.files or () if ".dist-info" not in file.parts[0]} - {".."})
        files = " ".join(f"usr/lib/vramswap/{top}{'/*' if (folder / top).is_dir() else ''}" for top in tops)
        author = said(library, "Author", "Author-email") or f"the authors of {library.name}"
        short = name.replace(" ", "-").replace("-OR-", " or ")
        yield f"Files: {files}\nCopyright: {author}\nLicense: {short}\n{body}\n"


def said(library: Distribution, *names: str) -> str:
    """The first of a library's fields that is there."""
    return next((library.metadata[name] for name in names if name in library.metadata), "")


def licence_text(library: Distribution, name: str, debian: bool) -> str:
    """The licence of a library in full, or where Debian keeps it."""
    common = [known for known in _COMMON_LICENSES if debian and known in name]
    if common:
        where = " and ".join(f"/usr/share/common-licenses/{known}" for known in common)
        return f"{library.name} {library.version}, unchanged but for parts left out; see {where}."
    texts = [file.read_text() for file in library.files or () if "LICENSE" in file.name]
    # nvidia-ml-py has its licence at the top of its only module.
    tops = [file.read_text() for file in library.files or () if file.name == "pynvml.py"]
    header = re.match(r"(?:#.*\n)+", tops[0]) if tops else None
    return "\n".join(texts) or (re.sub(r"(?m)^# ?", "", header[0]).replace("#####", "") if header else name)


def main() -> None:
    """Do it; see the top of this file."""
    folder, copyright, debian = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "debian"
    with (ROOT / "pyproject.toml").open("rb") as file:
        requirements = tomllib.load(file)["project"]["dependencies"]
    private, depends, qt = choose(requirements, debian)
    print(f"bundle.py: private are {', '.join(private)}", file=sys.stderr)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
         "--only-binary", ":all:", "--target", str(folder), *private],
        check=True,
    )  # fmt: skip
    with copyright.open("a") as out:
        out.writelines(f"\n{paragraph}" for paragraph in licences(folder, debian))
    for metadata in (*folder.glob("*.dist-info"), folder / "bin", *folder.glob("nvidia_ml_py*")):
        shutil.rmtree(metadata, ignore_errors=True)
    (folder / "example.py").unlink(missing_ok=True)
    prune(folder / "cuda/bindings", _CUDA)
    if (folder / "PySide6").is_dir():
        prune_qt(folder / "PySide6")
    print(f"Depends: {', '.join(depends)}")
    print(f"Recommends: {', '.join(QT_RECOMMENDS) if qt else ''}")


if __name__ == "__main__":
    main()
