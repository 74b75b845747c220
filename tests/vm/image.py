# SPDX-License-Identifier: MIT
"""Makes the virtual machine's disk: Debian 13 with what the package depends on, and the package itself, built in it.

Everything is kept in build/vm and made again only when what it is made of changes. Root is needed, for chroot.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / "build/vm"
HERE: Final = Path(__file__).parent
RELEASE: Final = "trixie"
#: What the disk has to have room for besides the files, in MiB.
_ROOM: Final = 600
#: Part of every stamp: raise it when this file changes what is made.
_RECIPE: Final = "1"

_SYSTEM: Final = (
    "linux-image-amd64", "initramfs-tools", "systemd-sysv", "udev", "dbus", "polkitd", "libpam-systemd", "python3",
    "procps", "login", "passwd",
)  # fmt: skip
BUILD: Final = ("binutils", "dpkg-dev", "g++", "gzip", "libc6-dev", "python3-dev", "python3-venv")

#: Run in the tree before the packages are unpacked: a small initramfs, because the processor is an emulated one.
_INITRAMFS: Final = """\
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vm"
printf '%s\\n' virtio_pci virtio_blk ext4 >"$1/usr/share/initramfs-tools/modules.d/vm"
"""


@dataclass(frozen=True, slots=True)
class Disk:
    """What a machine boots from, and the package that is tried in it."""

    kernel: Path
    initrd: Path
    image: Path
    package: Path


def make() -> Disk:
    """Everything a run needs. Raises CalledProcessError or SystemExit, which say what failed."""
    if os.geteuid():
        raise SystemExit("vm-test: root is needed to make the machine's disk; run it as root.")
    for program in ("mmdebstrap", "mke2fs", "dpkg-deb", "unshare", "chroot"):
        if shutil.which(program) is None:
            raise SystemExit(
                f"vm-test: {program} is missing; run: apt-get install mmdebstrap e2fsprogs qemu-system-x86"
            )
    WORK.mkdir(parents=True, exist_ok=True)
    tree = WORK / "tree"
    _once("tree", "\n".join((_RECIPE, RELEASE, *_SYSTEM, *BUILD, _INITRAMFS)), lambda: _bootstrap(tree))
    _once("package", _RECIPE + sources(), lambda: build_package(tree))
    package = max((WORK / "package").glob("*.deb"))
    depends = _field(package, "Depends")
    setup = (HERE / "setup.sh").read_text()
    stamp = "\n".join((_stamp("tree").read_text(), depends, setup))
    _once("image", stamp, lambda: _image(tree, depends))
    return Disk(_only(tree, "boot/vmlinuz-*"), _only(tree, "boot/initrd.img-*"), WORK / "image.ext4", package)


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


def _stamp(name: str) -> Path:
    return WORK / f"{name}.stamp"


def _once(name: str, ingredients: str, work: Callable[[], None]) -> None:
    """Do ``work`` unless it was done with the same ingredients."""
    now = hashlib.sha256(ingredients.encode()).hexdigest()
    if _stamp(name).is_file() and _stamp(name).read_text() == now:
        return
    print(f"vm-test: making the {name}", flush=True)
    _stamp(name).unlink(missing_ok=True)
    work()
    _stamp(name).write_text(now)


def _bootstrap(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    uri, keyring = mirror()
    subprocess.run(
        ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(_SYSTEM + BUILD)}",
         f"--keyring={keyring}", "--aptopt=Apt::Install-Recommends false", f"--essential-hook={_INITRAMFS}",
         RELEASE, tree, f"deb {uri} {RELEASE} main"],
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


def build_package(tree: Path, work: Path = WORK) -> None:
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
    subprocess.run(["unshare", "--mount", "sh", "-c", "\n".join(lines), "sh", tree, mounted, cache, *words], check=True)


def _image(tree: Path, depends: str) -> None:
    """What the package depends on is there already, as on a desktop; the package is installed in the machine."""
    script = WORK / "setup"
    shutil.rmtree(script, ignore_errors=True)
    script.mkdir()
    shutil.copy(HERE / "setup.sh", script / "setup.sh")
    inside(tree, ["sh", "/mnt/setup.sh", depends], script, {"DEBIAN_FRONTEND": "noninteractive"})
    image = WORK / "image.ext4"
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
