# SPDX-License-Identifier: MIT
"""Makes the tree that the desktops run in: Debian 13 with all of them, and the package, built and installed in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.desktops.sessions import COMMON, DESKTOPS
from tests.support.by_hand import need, once
from tests.vm import image

WORK: Final = image.ROOT / "build/desktops"
#: Who sits at the desktops.
USER: Final = 1000


def make() -> None:
    """Make the tree. It is made again when what it is made of has changed. Raises CalledProcessError or SystemExit."""
    if os.geteuid():
        raise SystemExit("desktops: root is needed to make the desktops' tree; run it as root.")
    programs = ("mmdebstrap", "unshare", "chroot", "Xvfb", "xdotool", "import")
    need("desktops", programs, "mmdebstrap xvfb xdotool imagemagick")
    WORK.mkdir(parents=True, exist_ok=True)
    tree = WORK / "tree"
    packages = sorted({*COMMON, *image.BUILD, *(name for desktop in DESKTOPS.values() for name in desktop.packages)})
    once("desktops", tree, "\n".join(packages), lambda: _bootstrap(tree, packages))
    once("desktops", WORK / "package", image.sources(), lambda: _install(tree))


def _bootstrap(tree: Path, packages: list[str]) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    uri, keyring = image.mirror()
    subprocess.run(
        [*image.APART, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}",
         f"--keyring={keyring}", "--aptopt=Apt::Install-Recommends false", image.RELEASE, tree,
         f"deb {uri} {image.RELEASE} main"],
        check=True, env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def _install(tree: Path) -> None:
    image.build_package(tree, WORK)
    package = max((WORK / "package").glob("*.deb"))
    command = f"apt-get install -y -qq --no-install-recommends --reinstall /mnt/{package.name}"
    image.inside(tree, ["sh", "-c", command], WORK / "package", {"DEBIAN_FRONTEND": "noninteractive"})
    home = tree / "home/user"
    home.mkdir(parents=True, exist_ok=True)
    os.chown(home, USER, USER)
    passwd = tree / "etc/passwd"
    if f":{USER}:" not in passwd.read_text():
        with passwd.open("a") as file:
            file.write(f"user:x:{USER}:{USER}:User:/home/user:/bin/sh\n")
        with (tree / "etc/group").open("a") as file:
            file.write(f"user:x:{USER}:\n")
