# SPDX-License-Identifier: MIT
"""The Debian package and the wheel: built, looked into, unpacked and run. The RPM and Arch's: compared with it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.fakegpu import FakeGpu
from tests.support.once import once
from tests.support.processor import best_way
from vramswap_gui import __version__

#: The package is compiled, and whoever comes to it meanwhile waits.
pytestmark = pytest.mark.timeout(3600)

ROOT = Path(__file__).parents[2]
#: Bytes of a wheel's files, without what Python compiles them to when it is installed. Compilers differ by 2 %.
MOST_INSTALLED = 2_800_000
#: KiB of the Debian package, with the part of Qt that is used where the release has none, and without.
QT = "usr/lib/vramswap/PySide6"
MOST_WITH_QT, MOST_WITHOUT_QT = 100_000, 12_000
LAUNCHERS = ("usr/bin/vramswap", "usr/bin/vramswapctl", "usr/bin/vramswap-server", "usr/libexec/vramswap-helper")
EXPECTED = {
    *LAUNCHERS,
    "usr/share/applications/vramswap.desktop",
    "usr/share/metainfo/org.vramswap.vramswap.metainfo.xml",
    "usr/share/dbus-1/system.d/org.vramswap.Helper.conf",
    "usr/share/dbus-1/system-services/org.vramswap.Helper.service",
    "usr/share/polkit-1/actions/org.vramswap.policy",
    "usr/lib/systemd/system/vramswap-helper.service",
    "usr/lib/systemd/system/vramswap-server.service",
    "usr/lib/systemd/system/vramswap-sleep.service",
    "usr/share/initramfs-tools/hooks/vramswap",
    "usr/share/icons/hicolor/scalable/apps/vramswap.svg",
    "usr/share/icons/hicolor/symbolic/apps/vramswap-symbolic.svg",
    "usr/share/man/man1/vramswap.1.gz",
    "usr/share/man/man1/vramswapctl.1.gz",
    "usr/share/man/man5/vramswap.toml.5.gz",
    "usr/share/man/man8/vramswap-helper.8.gz",
    "usr/share/man/man8/vramswap-server.8.gz",
    "usr/share/bash-completion/completions/vramswapctl",
    "usr/share/zsh/vendor-completions/_vramswapctl",
    "usr/share/fish/vendor_completions.d/vramswapctl.fish",
    "usr/share/doc/vramswap/copyright",
    "usr/share/doc/vramswap/changelog.gz",
    "usr/share/doc/vramswap/examples/autostart/vramswap.desktop",
    "usr/share/doc/vramswap/examples/polkit/49-vramswap.rules",
}


def run(*command: str | Path, **environment: str) -> str:
    """Run a program, which has to succeed; what it wrote."""
    assert shutil.which(command[0]), f"{command[0]} is missing; `make test` installs it (packaging/debian-packages.txt)"
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def copy_tree(source: Path) -> None:
    """A copy of the tree, so that it and what a user built in it stay as they are."""
    for name in ("vramswap_gui", "packaging", "resources"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.cpp"))
    for name in ("pyproject.toml", "setup.py", "README.md", "CHANGELOG.md", "LICENSE", "vramswap.desktop"):
        shutil.copy(ROOT / name, source)


def build(source: Path) -> Path:
    """Make the Debian package in a copy of the tree, as quickly compressed as can be: it is read again often."""
    run(
        source / "packaging/deb.sh", SOURCE_DATE_EPOCH="1767225600", DPKG_DEB_COMPRESSOR_TYPE="gzip",
        DPKG_DEB_COMPRESSOR_LEVEL="1",
    )  # fmt: skip
    (built,) = (source / "dist").iterdir()
    assert built.name.split("_")[:2] == ["vramswap", __version__]
    return built


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package."""

    def make(folder: Path) -> None:
        copy_tree(folder)
        build(folder)

    (built,) = (once(tmp_path_factory, "deb", make) / "dist").iterdir()
    return built


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the tree of one's own."""
    copied = tmp_path / "source"
    copied.mkdir()
    copy_tree(copied)
    return copied


def test_without_package_lists_nothing_is_built(source: Path, tmp_path: Path) -> None:
    """Else all libraries would be taken for missing, and a package of ten times the size be made of them."""
    (tmp_path / "apt-cache").write_text("#!/bin/sh\n")
    (tmp_path / "apt-cache").chmod(0o755)
    done = subprocess.run(
        [source / "packaging/deb.sh"], env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("run: apt-get update\n") and done.stderr.count("\n") == 1


@pytest.fixture(scope="session")
def unpacked(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's files below a folder."""
    return once(tmp_path_factory, "unpacked", lambda folder: run("dpkg-deb", "-x", deb, folder))


def start(unpacked: Path, launcher: str, *arguments: str, **environment: str) -> str:
    """Run a launcher on the system's Python. Libraries that apt would install come from the tests' environment."""
    libraries = sysconfig.get_path("purelib")
    return run(unpacked / launcher, *arguments, PYTHONPATH=libraries, **environment)


def field(deb: Path, name: str) -> str:
    return run("dpkg-deb", "-f", deb, name).strip()


def test_files(deb: Path) -> None:
    listed = {line.split()[5].removeprefix("./"): line.split()[:2] for line in run("dpkg-deb", "-c", deb).splitlines()}
    assert EXPECTED - listed.keys() == set()
    assert {owner for _, owner in listed.values()} == {"root/root"}
    programs = {name for name, (mode, _) in listed.items() if mode.startswith("-") and "x" in mode}
    services = ("openrc/vramswap-helper", "openrc/vramswap-server", "elogind/10-vramswap", "elogind/zz-vramswap")
    hook = "usr/share/initramfs-tools/hooks/vramswap"
    assert programs == {*LAUNCHERS, hook, *(f"usr/share/vramswap/{name}" for name in services)}
    assert {name.split("/")[0] for name in listed if name} == {"usr"}
    assert [name for name in listed if name.endswith((".pyc", ".cpp", ".pyx")) or "/tests/" in name] == []


def test_control(deb: Path, unpacked: Path) -> None:
    depends = field(deb, "Depends")
    minor = int(run("/usr/bin/python3", "-c", "import sys; print(sys.version_info[1])"))
    assert f"python3 (>= 3.{minor}~), python3 (<< 3.{minor + 1})" in depends
    for package in ("kmod", "mount", "dbus", "polkitd", "libc6", "liblz4-1", "libzstd1"):
        assert re.search(rf"\b{package}\b", depends), package
    # Recommended it would bring all of GNOME to other desktops and to servers; the tray says when it is wanted.
    assert "gnome" not in field(deb, "Recommends")
    assert int(field(deb, "Installed-Size")) < (MOST_WITH_QT if (unpacked / QT).is_dir() else MOST_WITHOUT_QT)
    assert int(field(deb, "Installed-Size")) == pytest.approx(
        sum(path.stat().st_size for path in unpacked.rglob("*") if path.is_file()) / 1024, rel=0.05
    )


def test_licences_of_all_that_is_inside(unpacked: Path) -> None:
    text = (unpacked / "usr/share/doc/vramswap/copyright").read_text()
    assert text.startswith((ROOT / "LICENSE").read_text())
    inside = {path.name for path in (unpacked / "usr/lib/vramswap").iterdir()} - {"vramswap_gui"}
    assert [name for name in sorted(inside) if f"usr/lib/vramswap/{name}" not in text] == []


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_launchers(unpacked: Path, launcher: str) -> None:
    version = start(unpacked, launcher, "--version", QT_QPA_PLATFORM="offscreen")
    assert version == f"{launcher.split('/')[-1]} {__version__}\n"
    assert "usage:" in start(unpacked, launcher, "--help", QT_QPA_PLATFORM="offscreen")


def test_a_linked_launcher_finds_its_libraries(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(unpacked / "usr/bin/vramswapctl")
    assert __version__ in run(tmp_path / "link", "--version", PYTHONPATH=sysconfig.get_path("purelib"))


def test_the_packages_own_code_runs(unpacked: Path, gpu: FakeGpu) -> None:
    """Every compiled part, and what is left of cuda-bindings, on the simulated GPU: the CLI starts the server."""
    said = start(unpacked, "usr/bin/vramswapctl", "bench", "--size", "64M", "--seconds", "0.05", "--runs", "1",
                 "--threads", "2", "--json", **gpu.env())  # fmt: skip
    assert '"iops"' in said
    code = "import vramswap_gui.server.engine.engine as engine; print(engine.__file__)"
    library = unpacked / "usr/lib/vramswap"
    assert run("/usr/bin/python3", "-sPc", code, PYTHONPATH=str(library)).startswith(str(library))


def test_lintian(deb: Path) -> None:
    """Faults are mended or, with a reason, in packaging/debian/lintian-overrides."""
    # An older lintian does not know every tag that is overridden for a newer one.
    said = run("lintian", "--allow-root", "--suppress-tags", "alien-tag", "--fail-on", "error,warning", deb)
    assert not re.search("^[EW]:", said, re.MULTILINE), said


@pytest.mark.release
def test_it_is_the_same_when_built_again(deb: Path, source: Path) -> None:
    assert build(source).read_bytes() == deb.read_bytes()


#: What one kind of package has alone: Debian's own files, and what has pacman refuse a removal.
ALONE = {
    "deb": {
        "usr/share/doc/vramswap/changelog",
        "usr/share/lintian/overrides/vramswap",
        "usr/share/initramfs-tools/hooks/vramswap",
    },
    "rpm": set(),
    "arch": {"usr/share/libalpm/hooks/vramswap.hook", "usr/share/libalpm/scripts/vramswap-may-go"},
}
#: What lies elsewhere in Debian's: zsh's completions, by its zsh, and the licences, by its policy.
ELSEWHERE = {"zsh/vendor-completions/": "zsh/site-functions/", "doc/vramswap/copyright": "licenses/vramswap/copyright"}


def alike(kind: str, listed: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each file (mode and path) that every kind of package has, by one name; whether it may be run.

    Which libraries are private is the distribution's affair, and what is compressed too.
    """
    found = {}
    for mode, name in listed:
        path = name.removeprefix(".").removeprefix("/").removesuffix(".gz")
        for debian, others in ELSEWHERE.items():
            path = path.replace(debian, others)
        private = path.startswith("usr/lib/vramswap/") and not path.startswith("usr/lib/vramswap/vramswap_gui/")
        if mode.startswith("-") and path.startswith("usr/") and not private and path not in ALONE[kind]:
            found[path] = mode
    return found


def debs(deb: Path) -> dict[str, str]:
    """The files of the Debian package."""
    lines = (line.split() for line in run("dpkg-deb", "-c", deb).splitlines())
    return alike("deb", ((words[0], words[5]) for words in lines))


@pytest.mark.release
def test_the_rpm_has_the_same_files(deb: Path, source: Path) -> None:
    """Built with the real rpmbuild, as on Fedora but for its packages, which are not here."""
    run(source / "packaging/rpm.sh", "--nodeps", SOURCE_DATE_EPOCH="1767225600")
    (rpm,) = (source / "dist").glob("*.rpm")
    listed = run("rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\n]", rpm)
    assert alike("rpm", ((line[:10], line[11:]) for line in listed.splitlines())) == debs(deb)
    # OpenRC is not to come along, nor what the private libraries would like.
    minor = run("/usr/bin/python3", "-c", "import sys; print(sys.version_info[1])").strip()
    wanted = {line.split()[0] for line in run("rpm", "-qp", "--requires", rpm).splitlines() if "rpmlib" not in line}
    assert wanted == {"/bin/sh", "/usr/bin/python3", "python(abi)", "dbus", "hicolor-icon-theme", "kmod", "libzstd",
                      "lz4-libs", "polkit", "util-linux", "libxcb", "libxkbcommon-x11", "mesa-libEGL",
                      "xcb-util-cursor"}  # fmt: skip
    assert f"python(abi) = 3.{minor}" in run("rpm", "-qp", "--requires", rpm)
    settings = source / "packaging/rpm/rpmlint.toml"
    said = run("rpmlint", "--config", settings, source / "packaging/rpm/vramswap.spec", rpm)
    # Debian's rpmbuild does not compress man pages, and rpmlint does not find such.
    left = ("manpage-not-compressed", "no-manual-page-for-binary")
    wrong = [line for line in said.splitlines() if re.search(": [EW]: ", line) and not any(tag in line for tag in left)]
    assert wrong == []


@pytest.mark.release
def test_the_package_for_arch_has_the_same_files(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Built with the real makepkg, which wants a user who is not root, as on Arch but for its packages."""
    with tempfile.TemporaryDirectory(prefix="vramswap-arch-") as name:
        source = Path(name) / "source"
        source.mkdir()
        copy_tree(source)
        as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:
            run("chown", "-R", "nobody", name)
            as_user = ("setpriv", "--reuid=nobody", "--clear-groups")
        run(*as_user, source / "packaging/arch.sh", "--nodeps", SOURCE_DATE_EPOCH="1767225600", HOME=name)
        (built,) = (source / "dist").glob("*.pkg.tar*")
        with tarfile.open(built) as tar:
            listed = [(stat.filemode(member.mode | stat.S_IFREG), member.name) for member in tar if member.isfile()]
            install = tar.extractfile(".INSTALL")
            assert install is not None and b"may_go()" in install.read()
    assert alike("arch", listed) == debs(deb)


def contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel, and their sizes."""
    with zipfile.ZipFile(wheel) as archive:
        return {file.filename: file.file_size for file in archive.infolist()}


def test_a_wheel_installs_and_uninstalls(source: Path, deb: Path, tmp_path: Path) -> None:
    """As pip and ``vramswapctl install`` do it, below a folder that stands for the machine."""
    # What is compiled is taken from the Debian package's build. One that is isolated installs what it needs anew, and
    # compiles all again because that is newer; that it can be done so, the Debian package shows.
    shutil.copytree(deb.parents[1] / "build/deb/source", source, dirs_exist_ok=True)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"vramswap-{__version__}-cp311-abi3-")
    inside = contents(wheel)
    assert [name for name in inside if name.endswith((".pyx", ".pxd", ".cpp"))] == []
    compiled = [name for name in inside if ".so" in name]
    assert compiled and all(name.endswith(".abi3.so") for name in compiled)
    assert sum(inside.values()) < MOST_INSTALLED
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    run(*pip, "--python", tmp_path / "venv/bin/python", "install", "--no-deps", wheel)
    programs, root = tmp_path / "venv/bin", tmp_path / "root"
    root.mkdir()
    libraries = sysconfig.get_path("purelib")
    version = run(programs / "vramswapctl", "--version", PYTHONPATH=libraries)
    assert version == f"vramswapctl {__version__}\n"

    def call(what: str) -> list[str]:
        code = (
            "import asyncio, pathlib, sys; from vramswap_gui.ctl import install;"
            f"print(*asyncio.run(install.{what}(pathlib.Path(sys.argv[1]))), sep='\\n')"
        )
        return run(programs / "python", "-Pc", code, root, PYTHONPATH=libraries).split()

    placed = call("install")
    assert "/etc/systemd/system/vramswap-server.service" in placed
    unit = (root / "etc/systemd/system/vramswap-helper.service").read_text()
    assert f"\nExecStart={programs}/vramswap-helper\n" in unit
    for line in (root / "etc/systemd/system/vramswap-server.service").read_text().splitlines():
        if line.startswith("ExecStart="):
            assert os.access(line.removeprefix("ExecStart=").split()[0], os.X_OK), line
    assert len(call("uninstall")) == len(placed)
    assert list(root.iterdir()) == []


@pytest.mark.release
def test_one_wheel_for_all(source: Path, tmp_path: Path) -> None:
    """packaging/wheel.sh refuses what asks for more than an old glibc and the stable ABI. This asks for less still."""
    run(source / "packaging/wheel.sh", SOURCE_DATE_EPOCH="1767225600", PYTHON=sys.executable)
    (wheel,) = (source / "dist").iterdir()
    assert re.fullmatch(rf"vramswap-{__version__}-cp311-abi3-manylinux_2_\d+_\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "inside")
    # Another compiler than the checkout's, with another library of its own.
    asked = "from vramswap_gui.server.engine.engine import sum_way; print(sum_way())"
    assert run(sys.executable, "-P", "-c", asked, PYTHONPATH=str(tmp_path / "inside")).strip() == best_way()
    compiled = sorted((tmp_path / "inside").rglob("*.so"))
    assert len(compiled) == len(list((ROOT / "vramswap_gui").rglob("*.pyx")))
    for library in compiled:
        said = run("readelf", "-d", library)
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", said)
        assert set(needed) <= {"libc.so.6"} and re.search(r"BIND_NOW|\bNOW\b", said), library


def test_the_tests_run_on_another_python() -> None:
    """Else the launchers would find the tree instead of the package."""
    assert sys.prefix != "/usr"
