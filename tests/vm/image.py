# SPDX-License-Identifier: MIT
"""Makes a virtual machine's disk: Debian with what the package depends on, and the package itself, built in it.

Everything is kept in build/vm and made again only when what it is made of changes. Root is needed, for chroot.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.by_hand import need, once, stamp

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / "build/vm"
HERE: Final = Path(__file__).parent
RELEASE: Final = "trixie"
#: What the disk has to have room for besides the files, in MiB; of it vramswap leaves 1 GiB free whatever it does.
_ROOM: Final = 2048
#: Part of every stamp: raise it when this file changes what is made.
_RECIPE: Final = "2"

_SYSTEM: Final = (
    "linux-image-amd64", "udev", "dbus", "polkitd", "python3", "procps", "login", "passwd",
)  # fmt: skip
#: What starts the machine, and who is told that somebody sits at it.
_INITS: Final[Mapping[str, tuple[str, ...]]] = {
    "systemd": ("systemd-sysv", "libpam-systemd"),
    "openrc": ("openrc", "sysvinit-core", "elogind", "libpam-elogind", "systemd-standalone-sysusers"),
}
#: Around what installs packages: those that stop a service of theirs (polkitd) find none of this machine's.
APART: Final = ("unshare", "--mount-proc", "--pid", "--fork", "--kill-child")
BUILD: Final = ("binutils", "dpkg-dev", "g++", "gzip", "libc6-dev", "python3-dev", "python3-venv")

# Run in the tree before the packages are unpacked: small initramfs, because the processor is an emulated one.
_INITRAMFS_TOOLS: Final = """\
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vm"
printf '%s\\n' virtio_pci virtio_blk ext4 >"$1/usr/share/initramfs-tools/modules.d/vm"
"""
_DRACUT: Final = """\
mkdir -p "$1/etc/dracut.conf.d"
printf '%s\\n' hostonly=no compress=cat early_microcode=no 'omit_dracutmodules+=" kernel-modules "' \
    'add_dracutmodules+=" systemd systemd-initrd resume "' 'add_drivers+=" virtio_pci virtio_blk ext4 "' \
    >"$1/etc/dracut.conf.d/vm.conf"
"""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Debian, what makes its initramfs (a package, and a script that sets it up), and its init."""

    name: str
    initramfs: str
    setup: str
    init: str = "systemd"

    @property
    def work(self) -> Path:
        return WORK / (self.name if self.init == "systemd" else f"{self.name}-{self.init}")

    @property
    def packages(self) -> tuple[str, ...]:
        return (self.initramfs, *_SYSTEM, *_INITS[self.init], *BUILD)


STABLE: Final = Release(RELEASE, "initramfs-tools", _INITRAMFS_TOOLS)
#: The newest systemd that there is, in the initramfs too.
NEWEST: Final = Release("sid", "dracut", _DRACUT)
OPENRC: Final = Release(RELEASE, "initramfs-tools", _INITRAMFS_TOOLS, "openrc")


@dataclass(frozen=True, slots=True)
class Disk:
    """What a machine boots from, and the package that is tried in it."""

    kernel: Path
    initrd: Path
    image: Path
    package: Path


def make(release: Release) -> Disk:
    """Everything a run needs. Raises CalledProcessError or SystemExit, which say what failed."""
    if os.geteuid():
        raise SystemExit("vm-test: root is needed to make the machine's disk; run it as root.")
    need("vm-test", ("mmdebstrap", "mke2fs", "dpkg-deb", "unshare", "chroot"), "mmdebstrap e2fsprogs qemu-system-x86")
    work, tree = release.work, release.work / "tree"
    work.mkdir(parents=True, exist_ok=True)
    ingredients = (_RECIPE, release.name, *release.packages, release.setup)
    once("vm-test", work / "tree", "\n".join(ingredients), lambda: _bootstrap(release))
    once("vm-test", work / "package", _RECIPE + sources(), lambda: build_package(tree, work))
    package = max((work / "package").glob("*.deb"))
    depends = _field(package, "Depends")
    setup = [(HERE / name).read_text() for name in _setup(release.init)]
    made_of = "\n".join((stamp(work / "tree").read_text(), depends, *setup))
    once("vm-test", work / "image", made_of, lambda: _image(work, release.init, depends))
    return Disk(_only(tree, "boot/vmlinuz-*"), _only(tree, "boot/initrd.img-*"), work / "image.ext4", package)


def raised(package: Path, folder: Path) -> Path:
    """The same package with a higher version, as an upgrade."""
    tree = folder / "raised"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    old = _field(package, "Version")
    new = f"{old}.1"
    for path in (tree / "DEBIAN/control", tree / "usr/lib/vramswap/vramswap_gui/__init__.py"):
        text = path.read_text()
        assert old in text, path
        path.write_text(text.replace(old, new))
    (tree / "DEBIAN/md5sums").unlink()
    out = folder / f"vramswap_{new}_amd64.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, out], check=True, stdout=subprocess.DEVNULL
    )
    return out


def _bootstrap(release: Release) -> None:
    tree = release.work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    uri, keyring = mirror()
    packages = ",".join(release.packages)
    # A mirror of sid may be some weeks old.
    subprocess.run(
        [*APART, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={packages}",
         f"--keyring={keyring}", "--aptopt=Apt::Install-Recommends false", "--aptopt=Acquire::Check-Valid-Until false",
         f"--essential-hook={release.setup}", release.name, tree, f"deb {uri} {release.name} main"],
        check=True, env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def mirror() -> tuple[str, str]:
    """Where this machine gets Debian from, and the keys that vouch for it."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    folder = Path("/etc/apt")
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        text = path.read_text() if path.is_file() else ""
        stanzas = re.split(r"\n\s*\n", text) if path.suffix == ".sources" else []
        for stanza in stanzas:
            field = dict(re.findall(r"(?m)^([\w-]+):\s*(.*)$", stanza))
            if _is_debian(field.get("URIs", "")):
                return field["URIs"].split()[0], field.get("Signed-By", keyring)
        for uri in re.findall(r"(?m)^deb\s+(?:\[.*?\]\s+)?(\S+)\s+\S+\s+.*\bmain\b", text):
            if _is_debian(uri):
                return uri, keyring
    raise SystemExit("vm-test: /etc/apt names no archive of Debian, from which the machine is made.")


def _is_debian(uri: str) -> bool:
    """An archive of releases, not that of security updates or another vendor's."""
    return uri.rstrip("/").endswith("/debian")


def sources() -> str:
    """A digest of what the package is built from."""
    digest = hashlib.sha256()
    for name in _files():
        digest.update(name.encode() + b"\0" + hashlib.sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    names = (name for name in listed.stdout.split("\0") if name and not name.startswith(("tests/", "docs/", ".")))
    return sorted(name for name in names if (ROOT / name).is_file())


def build_package(tree: Path, work: Path) -> None:
    """Build the package in a tree, into the folder ``package`` of ``work``."""
    source = work / "source"
    shutil.rmtree(source, ignore_errors=True)
    for name in _files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    date = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    environment = {"SOURCE_DATE_EPOCH": date.stdout.strip()} if date.stdout.strip() else {}
    # What the package may depend on is looked up in the archive's list.
    inside(tree, ["sh", "-c", "apt-get update -qq && /mnt/packaging/deb.sh"], source, environment)
    shutil.rmtree(work / "package", ignore_errors=True)
    shutil.copytree(source / "dist", work / "package")


def inside(tree: Path, command: list[str], mounted: Path, environment: Mapping[str, str]) -> None:
    """Run a command in the tree, with this machine's way to the package registries and ``mounted`` at /mnt."""
    cache = WORK / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    lines = ["set -e", "cd $1", "mount -t proc proc proc", "mount --rbind /dev dev", "mount --bind $2 mnt",
             "mkdir -p root/.cache", "mount --bind $3 root/.cache"]  # fmt: skip
    for path in map(Path, ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pip.conf")):
        if path.is_dir():
            lines += [f"mkdir -p .{path}", f"mount --bind {path} .{path}"]
        elif path.exists():
            lines += [f"touch .{path}", f"mount --bind {path} .{path}"]
    passed = re.compile(r"PIP_(?!FIND_LINKS)|(HTTPS?|FTP|ALL|NO)_PROXY$|SSL_CERT|REQUESTS_CA", re.IGNORECASE)
    kept = {key: value for key, value in os.environ.items() if passed.match(key)}
    kept |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", **environment}
    lines.append('shift 3; exec chroot . env -i "$@"')
    words = [*(f"{key}={value}" for key, value in kept.items()), *command]
    subprocess.run([*APART, "sh", "-c", "\n".join(lines), "sh", tree, mounted, cache, *words], check=True)


def _setup(init: str) -> tuple[str, str]:
    return ("setup.sh", f"setup-{init}.sh")


def _image(work: Path, init: str, depends: str) -> None:
    """What the package depends on is there already, as on a desktop; the package is installed in the machine."""
    tree, script, image = work / "tree", work / "setup", work / "image.ext4"
    shutil.rmtree(script, ignore_errors=True)
    script.mkdir()
    for name in _setup(init):
        shutil.copy(HERE / name, script / name)
    inside(tree, ["sh", "/mnt/setup.sh", init, depends], script, {"DEBIAN_FRONTEND": "noninteractive"})
    image.unlink(missing_ok=True)
    used = int(subprocess.run(["du", "-sm", tree], check=True, capture_output=True, text=True).stdout.split()[0])
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-L", "root", "-E", "lazy_itable_init=1", "-d", tree, image, f"{used + _ROOM}M"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _field(package: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", package, name], check=True, capture_output=True, text=True).stdout.strip()


def _only(tree: Path, pattern: str) -> Path:
    found = sorted(tree.glob(pattern))
    assert len(found) == 1, f"{tree}/{pattern}: {found}"
    return found[0]
