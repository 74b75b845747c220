# SPDX-License-Identifier: MIT
"""What is installed beside the code is valid by the tools of those who read it."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vramswap_gui import __version__
from vramswap_gui.api.dbus import COMMANDS, VERBS
from vramswap_gui.api.status import PROPERTIES
from vramswap_gui.ctl import parser
from vramswap_gui.settings import SETTINGS

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "resources"
PROGRAMS = ("vramswap", "vramswapctl", "vramswap-helper", "vramswap-server")
PAGES = {"man1/vramswap.1", "man1/vramswapctl.1", "man5/vramswap.toml.5", "man8/vramswap-helper.8",
         "man8/vramswap-server.8"}  # fmt: skip
#: Scripts of packages, each of which has packaging/upkeep.sh in it.
SCRIPTS = ("debian/postinst", "debian/prerm", "debian/postrm", "rpm/pre", "rpm/post", "rpm/preun", "rpm/posttrans",
           "rpm/postun", "arch/vramswap.install", "arch/may-go")  # fmt: skip
#: Program → its Debian package.
PACKAGES = {"appstreamcli": "appstream", "systemd-analyze": "systemd", "man": "man-db", "fish": "fish", "zsh": "zsh",
            "shellcheck": "shellcheck", "bash": "bash", "desktop-file-validate": "desktop-file-utils",
            "xmllint": "libxml2-utils"}  # fmt: skip


def run(*command: str, status: tuple[int, ...] = (0,), **environment: str) -> str:
    """Run a tool, which has to end as expected; its output and errors."""
    if shutil.which(command[0]) is None:
        pytest.fail(f"{command[0]} is missing; run: apt-get install {PACKAGES[command[0]]}")
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode in status, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``share`` with man pages and completions."""
    folder = tmp_path_factory.mktemp("manual")
    run(sys.executable, "-B", "packaging/manual.py", str(folder), "2026-01-31")
    return folder / "share"


def commands() -> Iterator[str]:
    """The commands of ``vramswapctl``, from its own parser."""
    for action in parser.build()._actions:
        if action.dest == "command":
            yield from action.choices or ()


def test_the_reference_is_up_to_date(tmp_path: Path) -> None:
    """docs/dbus.md is what the declaration says now."""
    run(sys.executable, "-SB", "packaging/reference.py", str(tmp_path / "dbus.md"))
    made = (tmp_path / "dbus.md").read_text(encoding="utf-8")
    assert made == (ROOT / "docs/dbus.md").read_text(encoding="utf-8"), "run: packaging/reference.py"
    for name in VERBS.keys() | PROPERTIES.keys():
        assert f"`{name}" in made


def test_every_question_for_a_password_is_translated(share: Path) -> None:
    questions = {verb.question for verb in VERBS.values() if verb.question}
    policy = (RESOURCES / "polkit/org.vramswap.policy").read_text(encoding="utf-8")
    languages = set(re.findall(r'xml:lang="(\w+)"', policy))
    assert {path.name for path in (share / "locale").iterdir()} == languages
    for language in languages:
        catalogue = gettext.translation("vramswap", share / "locale", [language])
        for question in questions:
            translated = catalogue.gettext(question)
            assert translated != question
            # What is put in their places has to have one.
            assert re.findall(r"\$\(\w+\)", translated) == re.findall(r"\$\(\w+\)", question)


def test_every_command_that_is_a_verb_is_the_one_that_is_declared() -> None:
    helps = {command.name: command.help for command in parser.COMMANDS.values()}
    assert {command: helps.get(command) for command in COMMANDS} == {name: verb.help for name, verb in COMMANDS.items()}


TARGETS = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_sets_up_what_it_needs(target: str) -> None:
    """Each is the first one in a fresh clone."""
    made = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    needs = [line for line in made.splitlines() if ".venv/bin/" in line or "packaging/setup.sh" in line]
    assert not needs or needs[0].startswith("packaging/setup.sh")


def test_desktop_files() -> None:
    run("desktop-file-validate", "vramswap.desktop", "resources/autostart/vramswap.desktop")


def test_metainfo() -> None:
    """There is no homepage to name yet, which only newer tools find fault with."""
    said = run("appstreamcli", "validate", "--no-net", "resources/org.vramswap.vramswap.metainfo.xml", status=(0, 3))
    assert "Validation" in said
    assert [line for line in said.splitlines() if line.startswith(("E:", "W:")) and "homepage" not in line] == []


@pytest.mark.parametrize("unit", sorted((RESOURCES / "systemd").glob("*.*")), ids=lambda path: path.name)
def test_units(unit: Path, tmp_path: Path) -> None:
    """The program of a unit need not be installed here."""
    text = re.sub(r"^(Exec\w+=[-+!:@]*)/usr\S+", r"\1/bin/true", unit.read_text(), flags=re.MULTILINE)
    (tmp_path / unit.name).write_text(text)
    said = run("systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name))
    # Known since systemd 255 and 254; older ones pass them over.
    newer = ("'SurviveFinalKillSignal'", "'RestartSteps'", "'RestartMaxDelaySec'")
    wrong = [line for line in said.splitlines() if unit.name in line and not any(key in line for key in newer)]
    assert wrong == []


@pytest.mark.parametrize(("unit", "limit"), [("vramswap-helper.service", 2.5), ("vramswap-server.service", 3.5)])
def test_services_are_confined(unit: str, limit: float) -> None:
    """What is still open is named, with its reason, in the unit."""
    path = RESOURCES / "systemd" / unit
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(path))
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", said)
    assert exposure and float(exposure[1]) <= limit, said
    open_still = set(re.findall(r"^✗ (\w+)=(?:\s|/)", said, re.MULTILINE)) - {"DeviceAllow", "RootDirectory"}
    assert {"PrivateNetwork", "PrivateDevices", "User"} <= open_still
    reasons = path.read_text().partition("# Left open")[2]
    assert [setting for setting in sorted(open_still) if f"{setting}=" not in reasons] == []


def test_every_capability_has_its_reason() -> None:
    for unit in ("vramswap-helper.service", "vramswap-server.service"):
        text = (RESOURCES / "systemd" / unit).read_text()
        granted = re.findall(r"CAP_(\w+)", text)
        explained = re.findall(r"^# ((?:[A-Z]+(?:_[A-Z]+)* )+) +[a-zP]", text, re.MULTILINE)
        assert granted and sorted(granted) == sorted(" ".join(explained).split()), unit


def test_nothing_ends_the_server_while_it_serves() -> None:
    """The lines without which a stop, an isolate or a shutdown would take live pages along."""
    lines = (RESOURCES / "systemd/vramswap-server.service").read_text().splitlines()
    wanted = {"DefaultDependencies=no", "RefuseManualStop=yes", "IgnoreOnIsolate=yes", "SurviveFinalKillSignal=yes",
              "KillMode=process", "SendSIGKILL=no", "TimeoutStopSec=infinity"}  # fmt: skip
    assert wanted - set(lines) == set()
    # Each of them adds a dependency on something that is stopped at shutdown, and takes the server along.
    forbidden = ("Requires", "BindsTo", "PartOf", "PrivateTmp", "StateDirectory", "LogsDirectory", "CacheDirectory")
    assert [line for line in lines if line.startswith(forbidden) or line.startswith("Conflicts")] == []


def test_nobody_gives_the_helper_up() -> None:
    """However often it ends, it is started again after a moment, and one that never lasts now and then."""
    unit = (RESOURCES / "systemd/vramswap-helper.service").read_text().partition("\n[Service]\n")
    # systemd tries five times.
    assert "\nStartLimitIntervalSec=0\n" in unit[0] and "\nRestart=always\nRestartSec=1\n" in unit[2]
    assert "\nRestartSteps=60\nRestartMaxDelaySec=60\n" in unit[2]
    # That one was started does not say that it lasts: it tells systemd to count anew when it did.
    assert "reset-failed" not in unit[2]
    service = (RESOURCES / "openrc/vramswap-helper").read_text()
    assert "\nrespawn_delay=1\nrespawn_max=0\n" in service


def test_a_server_that_dies_is_started_at_once_and_never_given_up() -> None:
    """Pages wait for it; one that dies each time is started ever more seldom all the same."""
    unit = (RESOURCES / "systemd/vramswap-server.service").read_text().partition("\n[Service]\n")
    assert "\nStartLimitIntervalSec=0\n" in unit[0] and "\nRestart=on-abnormal\nRestartSec=100ms\n" in unit[2]
    given = dict(re.findall(r"^(Restart\w+)=(\d+)$", unit[2], re.MULTILINE))
    steps, most = int(given["RestartSteps"]), int(given["RestartMaxDelaySec"])
    # As systemd.service(5) has it.
    waits = [0.1 * (most / 0.1) ** (min(number, steps) / steps) for number in range(2 * steps)]
    assert waits[4] < 0.2 and waits[10] < 0.5 and 5 <= waits[-1] <= 15
    # It comes to this within two minutes, if each start takes no time at all.
    assert sum(waits[:steps]) < 120


def test_the_sample_rule_is_javascript(tmp_path: Path) -> None:
    """It is shipped as an example, and asks for our own action."""
    rule = (RESOURCES / "polkit/49-vramswap.rules").read_text()
    policy = (RESOURCES / "polkit/org.vramswap.policy").read_text()
    actions = re.findall(r'action.id === "([^"]+)"', rule)
    assert actions and all(f'<action id="{action}">' in policy for action in actions)
    assert "polkit-1/rules.d" not in (ROOT / "packaging/files.txt").read_text()


def test_the_policy_is_valid_and_translated() -> None:
    policy = RESOURCES / "polkit/org.vramswap.policy"
    run("xmllint", "--noout", "--nonet", "--dtdvalid", "/usr/share/polkit-1/policyconfig-1.dtd", str(policy))
    found = re.findall(r'<(description|message)(?: xml:lang="(\w+)")?>', policy.read_text())
    languages = {language for _, language in found}
    assert len(languages) > 1
    assert sorted(found) == sorted([(kind, lang) for kind in ("description", "message") for lang in languages] * 2)


def test_menu_and_software_centre_speak_the_languages_of_the_policy() -> None:
    languages = set(re.findall(r'xml:lang="(\w+)"', (RESOURCES / "polkit/org.vramswap.policy").read_text()))
    for name in ("vramswap.desktop", "resources/autostart/vramswap.desktop"):
        text = (ROOT / name).read_text()
        for key in re.findall(r"^(GenericName|Comment|Keywords)=", text, re.MULTILINE):
            assert set(re.findall(rf"^{key}\[(\w+)\]=", text, re.MULTILINE)) == languages, (name, key)
    root = ElementTree.parse(RESOURCES / "org.vramswap.vramswap.metainfo.xml").getroot()
    for tag in ("summary", "p", "li"):
        found = [element.get("{http://www.w3.org/XML/1998/namespace}lang", "") for element in root.iter(tag)]
        assert {lang: found.count(lang) for lang in found} == dict.fromkeys(("", *languages), found.count("")), tag


def test_one_list_for_every_package(tmp_path: Path) -> None:
    """What is in resources is installed; whoever builds a package has the list from the same place."""
    run(sys.executable, "-B", "packaging/stage.py", str(tmp_path), "2026-01-31")
    staged = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.name for path in RESOURCES.rglob("*") if path.is_file() and path.suffix not in (".in", ".po")}
    assert kept - staged == set()
    assert {page.split("/")[1] for page in PAGES} <= staged
    assert "packaging/stage.py" in (ROOT / "packaging/tree.sh").read_text()
    for builder in ("deb.sh", "rpm/vramswap.spec", "arch/PKGBUILD"):
        text = (ROOT / "packaging" / builder).read_text()
        assert "packaging/tree.sh" in text and "share/dbus-1" not in text, builder
    programs = {path.name for path in tmp_path.rglob("*") if path.is_file() and os.access(path, os.X_OK)}
    assert programs == {"vramswap-helper", "vramswap-server", "10-vramswap", "zz-vramswap"}


def test_pages_are_all_there(share: Path) -> None:
    assert {str(path.relative_to(share / "man")) for path in (share / "man").rglob("*.*")} == PAGES


@pytest.mark.parametrize("page", sorted(PAGES))
def test_pages_without_warnings(share: Path, page: str) -> None:
    said = run(
        "man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(share / "man" / page), MANWIDTH="80",
        LC_ALL="C.UTF-8",
    )  # fmt: skip
    assert "warning" not in said.lower()
    assert not re.search("@[A-Z]+@", (share / "man" / page).read_text())


def test_pages_tell_of_everything(share: Path) -> None:
    text = (share / "man/man1/vramswapctl.1").read_text()
    assert [name for name in commands() if f"\\fB{name}\\fR" not in text] == []
    text = (share / "man/man5/vramswap.toml.5").read_text()
    assert [key for key in SETTINGS if f".B {key}\n" not in text] == []
    assert "vramswap " + __version__ in text


def test_the_same_wherever_it_is_made(share: Path, tmp_path: Path) -> None:
    """Neither the number of processors nor an installed library shows."""
    run("taskset", "1", sys.executable, "-SB", "packaging/manual.py", str(tmp_path), "2026-01-31")
    for path in share.rglob("*.*"):
        assert path.is_dir() or path.read_bytes() == (tmp_path / "share" / path.relative_to(share)).read_bytes()


@pytest.mark.parametrize("program", PROGRAMS)
def test_completions_are_valid(share: Path, program: str) -> None:
    run("shellcheck", str(share / "bash-completion/completions" / program))
    run("zsh", "-n", str(share / "zsh/vendor-completions" / f"_{program}"))
    run("fish", "--no-execute", str(share / "fish/vendor_completions.d" / f"{program}.fish"))


def bash(share: Path, *words: str) -> set[str]:
    """What bash offers for the last of ``words``."""
    program = words[0]
    script = (
        f'. "{share}/bash-completion/completions/{program}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
        f' compopt() {{ :; }}; _{program.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    return set(run("bash", "-c", script, "bash", *words).split())


def fish(share: Path, folder: Path, *words: str) -> set[str]:
    """What fish offers for the last of ``words``."""
    script = f'source "{share}/fish/vendor_completions.d/{words[0]}.fish"; complete -C "{" ".join(words)}"'
    lines = run("fish", "--no-config", "-c", script, HOME=str(folder)).splitlines()
    return {line.split("\t")[0] for line in lines}


def test_bash_completes(share: Path) -> None:
    assert bash(share, "vramswapctl", "") == {*commands(), "-h", "--help", "--version", "--debug"}
    assert bash(share, "vramswapctl", "st") == {"status"}
    assert bash(share, "vramswapctl", "status", "--j") == {"--json"}
    assert bash(share, "vramswapctl", "config", "") >= set(SETTINGS)
    assert bash(share, "vramswapctl", "config", "size", "") <= {"-h", "--help", "--json", "--debug"}
    assert bash(share, "vramswapctl", "size", "a") == {"auto"}
    assert "resources" in bash(share, "vramswapctl", "bench", "--disk", "")
    assert bash(share, "vramswap-server", "--lis") == {"--listen"}
    assert bash(share, "vramswap", "--sh") == {"--show"}


def test_fish_completes(share: Path, tmp_path: Path) -> None:
    assert set(commands()) <= fish(share, tmp_path, "vramswapctl", "")
    assert fish(share, tmp_path, "vramswapctl", "config", "") >= set(SETTINGS)
    assert "--json" in fish(share, tmp_path, "vramswapctl", "doctor", "--")
    assert "--listen" in fish(share, tmp_path, "vramswap-server", "--")


def test_zsh_knows_every_command(share: Path) -> None:
    text = (share / "zsh/vendor-completions/_vramswapctl").read_text()
    assert [name for name in commands() if f"'{name}:" not in text or f"\n            {name})\n" not in text] == []


def test_scripts_of_packages() -> None:
    written = {f"{folder}/{path.name}" for folder in ("debian", "rpm", "arch") for path in
               (ROOT / "packaging" / folder).iterdir()}  # fmt: skip
    others = {"debian/control.in", "debian/lintian-overrides", "rpm/vramswap.spec", "rpm/rpmlint.toml",
              "arch/PKGBUILD", "arch/vramswap.hook"}  # fmt: skip
    assert written - others == set(SCRIPTS)
    services = [*(RESOURCES / "openrc").iterdir(), *(RESOURCES / "elogind").glob("*vramswap")]
    scripts = [*(ROOT / "packaging").glob("*.sh"), ROOT / "packaging/arch/PKGBUILD", *services]
    run("shellcheck", *map(str, scripts), *(f"packaging/{name}" for name in SCRIPTS))


def whole(script: str) -> str:
    """A script of a package as it is in the package."""
    return run("packaging/whole.sh", f"packaging/{script}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_whole(script: str, tmp_path: Path) -> None:
    """Nothing is read from the tree, or from a file of the package that may be gone."""
    text = whole(script).replace("@VERSION@", "1")
    assert "may_go()" in text and "upkeep.sh\n. " not in text and "\n. packaging" not in text
    (tmp_path / "script").write_text(text)
    run("sh", "-n", str(tmp_path / "script"))


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_end_at_the_first_error(script: str) -> None:
    first, licence, then = (ROOT / "packaging/debian" / script).read_text().splitlines()[:3]
    assert (first, licence[0], then) == ("#!/bin/sh", "#", "set -e")


SERVING = b"/usr/bin/python3\0-P\0-m\0vramswap_gui.server.main\0--control\0/run/vramswap/control.sock\0"
HELPER = b"/usr/bin/python3\0-P\0/usr/libexec/vramswap-helper\0"
OTHER = b"less\0/run/vramswap/control.sock.txt\0"


class Machine:
    """Runs a package's scripts with a /proc, programs to call and folders of its own."""

    def __init__(self, folder: Path, device: str, process: bytes) -> None:
        self.root, self.programs, self.log = folder / "root", folder / "bin", folder / "log"
        proc = self.root / "proc"
        (proc / "4000000").mkdir(parents=True)
        (proc / "4000000/cmdline").write_bytes(process)
        (proc / "swaps").write_text(f"Filename Type Size Used Priority\n{device} partition 1048572 4 1000\n")
        self.programs.mkdir()
        for name in ("deb-systemd-invoke", "deb-systemd-helper", "py3clean", "py3compile", "systemctl", "vramswapctl",
                     "rc-service", "rc-update", "udevadm", "dbus-send"):  # fmt: skip
            self.program(name, f'echo "{name} $*" >>{self.log}')
        self.program("dpkg-query", "echo 1.2")

    def program(self, name: str, text: str) -> None:
        """One that the scripts may call."""
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def run(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A script, which is told apart from this machine."""
        # But for the argument that the server is known by.
        places = (
            r"/proc/|/run/(?!vramswap/control)|/var/lib/|/etc/|/sbin/openrc-run|/usr/lib/vramswap/|/usr/share/vramswap/"
        )
        text = re.sub(rf"(?<![\w}}.])({places})", rf"{self.root}\1", text)
        text = text.replace("kill -TERM", f"echo kill >>{self.log}; :")
        return subprocess.run(
            ["sh", "-c", text, "script", *arguments], capture_output=True, text=True, check=False,
            env={"PATH": f"{self.programs}:{os.environ['PATH']}"},
        )  # fmt: skip

    def calls(self) -> list[str]:
        """What was called, in order."""
        return self.log.read_text().splitlines() if self.log.exists() else []


def prerm(
    folder: Path, device: str, process: bytes, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """``prerm`` of version 1.2 on a machine that systemd runs: how it ended, and what it called."""
    machine = Machine(folder, device, process)
    (machine.root / "run/systemd/system").mkdir(parents=True)
    done = machine.run(whole("debian/prerm"), *arguments)
    return done, machine.calls()


@pytest.mark.parametrize("action", [("remove",), ("upgrade", "1.1"), ("failed-upgrade", "9"), ("deconfigure", "9")])
@pytest.mark.parametrize(
    ("device", "process", "refused"),
    [
        ("/dev/nbd0", SERVING, True),
        ("/nbd0", SERVING, True),
        ("/dev/nbd0", OTHER, False),
        ("/dev/sda2", SERVING, False),
        ("", SERVING, False),
    ],
)
def test_the_package_stays_while_its_swap_is_on(
    action: tuple[str, ...], device: str, process: bytes, refused: bool, tmp_path: Path
) -> None:
    done, calls = prerm(tmp_path, device, process, *action)
    if refused:
        assert done.returncode == 1 and "vramswapctl off" in done.stderr and calls == []
    else:
        # What is stopped stays so, also when a version comes that is started otherwise, or nothing comes of it.
        stopped = ["deb-systemd-invoke stop vramswap-helper.service"] if action == ("remove",) else []
        assert done.returncode == 0 and [call for call in calls if call != "kill"] == [*stopped, "py3clean -p vramswap"]
        assert ("kill" in calls) == (process == SERVING)


@pytest.mark.parametrize("version", ["1.2", "1.10"])
def test_a_newer_package_takes_the_swap_over(version: str, tmp_path: Path) -> None:
    done, calls = prerm(tmp_path, "/dev/nbd0", SERVING, "upgrade", version)
    assert (done.returncode, done.stderr) == (0, "")
    # The server is left alone, and so are all units.
    assert calls == ["py3clean -p vramswap"]


@pytest.mark.parametrize("device", ["/dev/nbd0", "/dev/sda2"])
@pytest.mark.parametrize("init", ["run/systemd/system", "run/openrc"])
def test_an_upgrade_ends_the_helper_and_stops_no_service(init: str, device: str, tmp_path: Path) -> None:
    """Who runs it starts it anew. A service that is stopped would stay so, whatever had it started."""
    for script, arguments, function in (
        ("debian/prerm", ("upgrade", "1.3"), ""),
        ("debian/postinst", ("configure", "1.1"), ""),
        ("rpm/posttrans", (), ""),
        ("arch/vramswap.install", (), "post_upgrade"),
    ):
        machine = Machine(tmp_path / script / function, device, HELPER)
        (machine.root / init).mkdir(parents=True)
        done = machine.run(f"{whole(script)}\n{function}", *arguments)
        assert done.returncode == 0, done
        assert "kill" in machine.calls(), script
        assert [call for call in machine.calls() if "stop" in call] == [], script


@pytest.mark.parametrize("init", ["run/systemd/system", "run/openrc"])
def test_an_upgrade_does_not_wait_for_the_next_try_to_start_what_it_mends(init: str, tmp_path: Path) -> None:
    """systemd's are up to a minute apart, and the bus waits for one."""
    for script, arguments, function in (
        ("debian/postinst", ("configure", "1.1"), ""),
        ("rpm/posttrans", (), ""),
        ("arch/vramswap.install", (), "post_upgrade"),
    ):
        for state in ("running", "auto-restart", "auto-restart-queued"):
            machine = Machine(tmp_path / script / state, "/dev/nbd0", SERVING)
            (machine.root / init).mkdir(parents=True)
            machine.program("systemctl", f'[ "$1" != show ] || echo {state}; echo "systemctl $*" >>{machine.log}')
            assert machine.run(f"{whole(script)}\n{function}", *arguments).returncode == 0
            tries = "systemd" in init and state != "running"
            again = "systemctl try-restart vramswap-helper.service"
            assert ((again in machine.calls()), machine.calls()[-1]) == (tries, "vramswapctl upgrade"), script


def test_a_fresh_package_enables_the_sleep_unit_alone(tmp_path: Path) -> None:
    """The helper is enabled by its setting at_boot, the server is started by the helper."""
    enabled = {
        "debian/postinst": ("configure", "", "deb-systemd-helper enable vramswap-sleep.service"),
        "rpm/post": ("1", "", "systemctl --no-reload enable vramswap-sleep.service"),
        "arch/vramswap.install": ("", "post_install", "systemctl enable vramswap-sleep.service"),
    }
    for script, (first, called, command) in enabled.items():
        machine = Machine(tmp_path / script, "", OTHER)
        done = machine.run(f"{whole(script)}\n{called if called else ''}", first, "")
        assert done.returncode == 0, done
        assert [call for call in machine.calls() if " enable " in call] == [command]
    helper = (RESOURCES / "systemd/vramswap-helper.service").read_text()
    assert "WantedBy=graphical.target\n" in helper and "After=display-manager.service\n" in helper
    assert "[Install]" not in (RESOURCES / "systemd/vramswap-server.service").read_text()


@pytest.mark.parametrize(
    ("device", "process", "refused"), [("/dev/nbd0", SERVING, True), ("/dev/sda2", SERVING, False)]
)
@pytest.mark.parametrize("script", ["rpm/preun", "arch/may-go"])
def test_no_package_goes_while_its_swap_is_on(
    script: str, device: str, process: bytes, refused: bool, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, device, process)
    done = machine.run(whole(script), "0")
    assert (done.returncode != 0) == refused and ("vramswapctl off" in done.stderr) == refused, done
    assert not refused or machine.calls() == []


#: The scripts around a removal: one before and one after the files go, each with its argument, or its function.
REMOVALS = {
    "debian": (("debian/prerm", "remove", ""), ("debian/postrm", "remove", "")),
    "rpm": (("rpm/preun", "0", ""), ("rpm/postun", "0", "")),
    "arch": (("arch/vramswap.install", "1.2", "pre_remove"), ("arch/vramswap.install", "1.2", "post_remove")),
}


def removal(folder: Path, init: str, *, served: bytes = OTHER) -> Machine:
    """A machine on which nothing is lent, and vramswap runs under an init."""
    machine = Machine(folder, "", served)
    (machine.root / init).mkdir(parents=True)
    (machine.root / "run/vramswap").mkdir(parents=True)
    return machine


def take(machine: Machine, script: str, argument: str, function: str) -> subprocess.CompletedProcess[str]:
    """One of the scripts around a removal."""
    return machine.run(f"{whole(script)}\n{function}", argument)


def managed(machine: Machine) -> list[str]:
    """What was to become of the helper's service, in order."""
    calls = (call.split() for call in machine.calls() if "vramswap-helper" in call)
    return [word for call in calls for word in call if word in ("start", "stop")]


@pytest.mark.parametrize("kind", REMOVALS)
@pytest.mark.parametrize("init", ["run/systemd/system", "run/openrc"])
def test_swap_that_was_turned_on_until_the_helper_was_stopped_keeps_the_package(
    init: str, kind: str, tmp_path: Path
) -> None:
    machine = removal(tmp_path, init, served=SERVING)
    for name in ("deb-systemd-invoke", "systemctl", "rc-service"):
        lends = f'echo "/dev/nbd0 partition 1048572 4 1000" >>{machine.root}/proc/swaps'
        machine.program(name, f'echo "{name} $*" >>{machine.log}\ncase "$*" in *stop*) {lends} ;; esac')
    done = take(machine, *REMOVALS[kind][0])
    assert "vramswapctl off" in done.stderr
    # Whoever has the pages is left alone, and somebody looks after them.
    assert managed(machine) == ["stop", "start"] and "kill" not in machine.calls()
    if kind != "arch":
        # pacman goes on whatever is said.
        assert done.returncode == 1
        assert [call for call in machine.calls() if "disable" in call] == []


@pytest.mark.parametrize("kind", REMOVALS)
@pytest.mark.parametrize("fits", [True, False])
def test_pages_that_landed_come_home_or_keep_the_package(fits: bool, kind: str, tmp_path: Path) -> None:
    """Also from a folder whose name the kernel escapes."""
    machine = removal(tmp_path, "run/systemd/system")
    folder = tmp_path / "a disk/vramswap-landing-0"
    folder.mkdir(parents=True)
    (folder / "swap").touch()
    escaped = str(folder).replace(" ", "\\040")
    (machine.root / "proc/swaps").write_text(f"Filename Type\n/swap file\n{escaped}/swap file\n/dev/sda2 partition\n")
    machine.program("swapoff", f'echo "swapoff $*" >>{machine.log}\nexit {0 if fits else 1}')
    done = take(machine, *REMOVALS[kind][0])
    assert [call for call in machine.calls() if "swapoff" in call] == [f"swapoff {folder}/swap"]
    assert folder.exists() != fits
    assert managed(machine) == (["stop"] if fits else ["stop", "start"])
    assert fits or f"swapoff '{folder}/swap'" in done.stderr
    assert (done.returncode == 0) == (fits or kind == "arch"), done


@pytest.mark.parametrize("init", ["run/systemd/system", "run/openrc"])
def test_after_a_removal_that_came_to_nothing_the_helper_runs(init: str, tmp_path: Path) -> None:
    for action, wanted in (("abort-remove", ["start"]), ("configure", []), ("abort-upgrade", [])):
        machine = removal(tmp_path / action, init)
        assert take(machine, "debian/postinst", action, "").returncode == 0
        assert managed(machine) == wanted, action


@pytest.mark.parametrize("fits", [True, False])
def test_pacman_is_told_in_time_that_pages_landed(fits: bool, tmp_path: Path) -> None:
    machine = removal(tmp_path, "run/systemd/system")
    (machine.root / "proc/swaps").write_text(f"Filename Type\n{tmp_path}/vramswap-landing-0/swap file\n")
    machine.program("swapoff", f"exit {0 if fits else 1}")
    assert (machine.run(whole("arch/may-go")).returncode == 0) == fits


@pytest.mark.parametrize("kind", REMOVALS)
@pytest.mark.parametrize("init", ["run/systemd/system", "run/openrc"])
@pytest.mark.parametrize("lent", [False, True])
def test_what_was_started_while_the_package_went_is_stopped(lent: bool, init: str, kind: str, tmp_path: Path) -> None:
    """A tray that is open has the bus start the helper, which may lend; then its server is not cut off."""
    machine = removal(tmp_path, init, served=SERVING if lent else HELPER)
    place, state = machine.root / "run/vramswap", machine.root / "var/lib/vramswap"
    (state / "vramswap-landing-3").mkdir(parents=True)
    (state / "at_boot").touch()
    if lent:
        (machine.root / "proc/swaps").write_text("Filename Type\n/dev/nbd0 partition\n")
    for name in ("deb-systemd-invoke", "systemctl", "rc-service"):
        machine.program(name, f'[ ! -d {place} ] || echo "{name} $*" >>{machine.log}')
    done = take(machine, *REMOVALS[kind][1])
    assert done.returncode == 0, done
    assert managed(machine) == ["stop"] and "kill" in machine.calls()
    assert not state.exists() and place.exists() == lent and ("swapoff /dev/nbdN" in done.stderr) == lent


@pytest.mark.parametrize(
    ("installed", "count", "refused"), [("1.10", 2, True), ("1.2", 2, False), ("1.1", 2, False), ("", 1, False)]
)
def test_an_older_rpm_does_not_replace_a_newer_one(installed: str, count: int, refused: bool, tmp_path: Path) -> None:
    machine = Machine(tmp_path, "/dev/nbd0", SERVING)
    place = machine.root / "usr/lib/vramswap/vramswap_gui"
    place.mkdir(parents=True)
    if installed:
        (place / "__init__.py").write_text(f'__version__ = "{installed}"\n')
    done = machine.run(whole("rpm/pre").replace("@VERSION@", "1.2"), str(count))
    assert (done.returncode != 0) == refused, done


@pytest.mark.parametrize("script", ["debian/postinst", "rpm/posttrans", "arch/vramswap.install"])
@pytest.mark.parametrize("device", ["/dev/nbd0", "/dev/sda2"])
def test_every_package_has_the_server_taken_over(script: str, device: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, device, SERVING)
    done = machine.run(f"{whole(script)}\n{'post_upgrade' if 'arch' in script else ''}", "configure", "1.1")
    assert done.returncode == 0, done
    assert ("vramswapctl upgrade" in machine.calls()) == (device == "/dev/nbd0")


#: Who places what OpenRC and elogind read, and who removes it.
PLACING = {
    "debian": (("debian/postinst", "configure", ""), ("debian/postrm", "remove", "")),
    "rpm": (("rpm/post", "1", ""), ("rpm/postun", "0", "")),
    "arch": (("arch/vramswap.install", "1.2", "post_install"), ("arch/vramswap.install", "1.2", "post_remove")),
}
COPIES = {
    "init.d/vramswap-helper", "init.d/vramswap-server", "elogind/system-sleep/10-vramswap",
    "elogind/system-sleep/zz-vramswap", "elogind/sleep.conf.d/vramswap.conf",
}  # fmt: skip


@pytest.fixture
def openrc(tmp_path: Path) -> Machine:
    """A machine with OpenRC and elogind, and the package's files."""
    machine = Machine(tmp_path, "", OTHER)
    for path in ("sbin/openrc-run", "etc/elogind/logind.conf"):
        (machine.root / path).parent.mkdir(parents=True, exist_ok=True)
        (machine.root / path).write_text("#!/bin/sh\n")
        (machine.root / path).chmod(0o755)
    run(sys.executable, "-B", "packaging/stage.py", str(machine.root / "usr"), "2026-01-31")
    return machine


def copies(machine: Machine) -> dict[str, Path]:
    """What is there for OpenRC and elogind, by its path below /etc."""
    etc = machine.root / "etc"
    return {
        str(path.relative_to(etc)): path for path in etc.rglob("*") if path.is_file() and path.name != "logind.conf"
    }


@pytest.mark.parametrize("kind", PLACING)
def test_what_a_helper_compiled_that_came_back_meanwhile_goes_too(kind: str, openrc: Machine) -> None:
    compiled = openrc.root / "usr/lib/vramswap/vramswap_gui/__pycache__/paths.cpython-313.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(b"")
    assert take(openrc, *PLACING[kind][1]).returncode == 0
    assert not (openrc.root / "usr/lib/vramswap").exists()


@pytest.mark.parametrize("kind", PLACING)
def test_openrc_and_elogind_find_their_files_where_they_are(kind: str, openrc: Machine) -> None:
    """They go again; a file of an administrator's is left alone."""
    theirs = openrc.root / "etc/init.d/vramswap-server"
    theirs.parent.mkdir()
    theirs.write_text("#!/bin/sh\n")
    share = openrc.root / "usr/share/vramswap"
    for _ in range(2):
        assert take(openrc, *PLACING[kind][0]).returncode == 0
    assert copies(openrc).keys() == COPIES
    for copy in copies(openrc).values():
        (source,) = share.rglob(copy.name)
        if copy != theirs:
            assert (copy.read_bytes(), copy.stat().st_mode) == (source.read_bytes(), source.stat().st_mode)
    assert take(openrc, *PLACING[kind][1]).returncode == 0
    assert list(copies(openrc).values()) == [theirs] and theirs.read_text() == "#!/bin/sh\n"
    assert not (openrc.root / "var/lib/vramswap").exists()


@pytest.mark.parametrize("kind", PLACING)
def test_an_edited_copy_stays_as_it_is(kind: str, openrc: Machine) -> None:
    """The others follow the package, with the mode that they have. A purge takes all that ever was the package's."""
    (openrc.root / "etc/init.d").mkdir()
    (openrc.root / "etc/init.d/vramswap-server").write_text("of somebody else")
    take(openrc, *PLACING[kind][0])
    edited, asleep = copies(openrc)["init.d/vramswap-helper"], copies(openrc)["elogind/system-sleep/10-vramswap"]
    edited.write_text("as I want it")
    asleep.chmod(0o644)
    for source in (openrc.root / "usr/share/vramswap").rglob("*vramswap*"):
        source.write_text(source.read_text() + "# newer\n")
    done = take(openrc, *PLACING[kind][0])
    assert done.returncode == 0
    told = [line.split(" is not as it was placed", 1)[0] for line in done.stderr.splitlines()]
    assert told == [f"vramswap: {openrc.root}/etc/init.d/{name}" for name in ("vramswap-helper", "vramswap-server")]
    kept = {name for name, path in copies(openrc).items() if not path.read_text().endswith("# newer\n")}
    assert copies(openrc).keys() == COPIES and kept == {"init.d/vramswap-helper", "init.d/vramswap-server"}
    assert not os.access(asleep, os.X_OK)
    take(openrc, *PLACING[kind][1])
    assert copies(openrc).keys() == kept and edited.read_text() == "as I want it"
    # It is theirs also after the package has come again.
    take(openrc, *PLACING[kind][0])
    assert edited.read_text() == "as I want it"
    take(openrc, *PLACING[kind][1])
    if kind == "debian":
        assert take(openrc, "debian/postrm", "purge", "").returncode == 0
        assert copies(openrc).keys() == {"init.d/vramswap-server"}
        assert not (openrc.root / "var/lib/vramswap").exists()


def test_a_copy_that_is_as_this_version_has_it_was_not_edited(openrc: Machine) -> None:
    take(openrc, *PLACING["debian"][0])
    helper, source = copies(openrc)["init.d/vramswap-helper"], openrc.root / "usr/share/vramswap/openrc/vramswap-helper"
    source.write_text("newer")
    helper.write_text("newer")
    assert take(openrc, *PLACING["debian"][0]).stderr == ""
    source.write_text("newest")
    assert take(openrc, *PLACING["debian"][0]).stderr == ""
    assert helper.read_text() == "newest"


@pytest.mark.parametrize("hook", ["10-vramswap", "zz-vramswap"])
def test_a_hook_that_outlives_its_package_keeps_no_machine_awake(hook: str, tmp_path: Path) -> None:
    text = (RESOURCES / "elogind" / hook).read_text()
    program = tmp_path / "vramswapctl"
    (tmp_path / hook).write_text(text.replace("/usr/bin/vramswapctl", str(program)))
    for when in ("pre", "post"):
        run("sh", str(tmp_path / hook), when, "suspend")
    program.write_text("#!/bin/sh\necho $1\n")
    program.chmod(0o755)
    said = [run("sh", str(tmp_path / hook), when, "suspend") for when in ("pre", "post")]
    assert said == (["sleep\n", ""] if hook == "10-vramswap" else ["", "wake\n"])


def test_paths_agree() -> None:
    """The bus, systemd and the package start the same helper."""
    helper = "/usr/libexec/vramswap-helper"
    assert f"Exec={helper}\n" in (RESOURCES / "dbus/org.vramswap.Helper.service").read_text()
    assert f"ExecStart={helper}\n" in (RESOURCES / "systemd/vramswap-helper.service").read_text()
    assert f"\ncommand={helper}\n" in (RESOURCES / "openrc/vramswap-helper").read_text()
    assert f" {helper} --take-down\n" in (RESOURCES / "openrc/vramswap-server").read_text()
    assert helper in (ROOT / "packaging/upkeep.sh").read_text()
    assert f"launcher {helper[1:]} " in (ROOT / "packaging/tree.sh").read_text()
    server = (RESOURCES / "systemd/vramswap-server.service").read_text()
    assert "ExecStart=/usr/bin/vramswap-server --control /run/vramswap/control.sock " in server


def test_every_program_has_a_launcher_and_a_parser() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    build, manual = ((ROOT / "packaging" / name).read_text() for name in ("tree.sh", "manual.py"))
    begin = (ROOT / "vramswap_gui/start.py").read_text()
    for program, entry in scripts.items():
        name = entry.removeprefix("vramswap_gui.start:")
        module = f"vramswap_gui.{name}.main"
        assert f'def {name}() -> object:\n    """``{program}``."""\n    return start("{module}")\n' in begin
        assert f"/{program} {module}\n" in build and f'"{program}": "{module}"' in manual


def test_versions_agree() -> None:
    run(sys.executable, "-B", "packaging/versions.py")
    said = run(sys.executable, "-B", "packaging/versions.py", "--released", status=(0, 1))
    assert said == "" or f"packaging/arch/PKGBUILD says {__version__}\n" in said
