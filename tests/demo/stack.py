# SPDX-License-Identifier: MIT
"""Starts the parts of vramswap from the checkout, and stops them in the order that loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.demo.plan import Plan
from tests.support import fakegpu
from tests.support.fakekernel import FakeKernel
from tests.support.raw_bus import RawClient
from tests.support.sockets import accepts
from tests.support.waiting import PATIENCE
from vramswap_gui.server import lock

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent

#: Where Debian 12 and 13 have it, and where others do.
_POLKITD: Final = ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd")
#: Simulated VRAM is ordinary memory, so there is little of it.
_SIMULATED_VRAM: Final = 2 << 30
#: How the folders of what runs are called, before the process id of who made them.
FOLDERS: Final = "vramswap-run-"
#: What is lent at first.
FIRST_SIZE: Final = 256 << 20

_BUS_CONFIG: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  {policy}
</busconfig>
"""
#: Where root starts it: as the machine's own bus, nothing is allowed that a policy file does not allow.
_STRICT: Final = f"""<policy context="default">
    <allow user="*"/>
    <deny own="*"/><deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>
  <include>{ROOT}/resources/dbus/org.vramswap.Helper.conf</include>"""
#: Where a user starts it, it is for that user alone, who is root and polkit there too.
_LENIENT: Final = """<policy context="default">
    <allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>"""


class DemoError(Exception):
    """One line: what failed, and what to do."""


class Stack:
    """Everything that runs, with the folder it runs in."""

    #: What can be changed from outside, where it is simulated.
    gpu: fakegpu.FakeGpu
    fake: FakeKernel

    def __init__(self, plan: Plan, rules: str = "", libraries: Path | None = None) -> None:
        self.plan = plan
        #: Where the simulated GPU's libraries are built already; None: nowhere.
        self.libraries = libraries
        #: polkit rules (JavaScript, polkit(8)) that hold beside the actions' own defaults.
        self.rules = rules
        # /tmp rather than TMPDIR: a Unix socket's path holds 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}-", dir="/tmp"))
        self.kernel = self.folder / "kernel"
        self.control = self.folder / "run" / "control.sock"
        #: Where simulated batteries are, and GPUs that sleep.
        self.sys = self.folder / "sys"
        self.config = self.folder / "config.toml"
        #: Where simulated VRAM lies.
        self.gpu_folder = self.folder / "gpu"
        self.environment = dict(os.environ)
        #: What polkitd has for /usr/share/locale, if not the machine's.
        self.locale = Path("/usr/share/locale")
        #: Whether the bus is a dbus-broker.
        self.broker = False
        #: What is put before the helper's command, and so around the server too.
        self.around: Callable[[list[str]], list[str]] = list
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        # polkitd, which is another user, must reach the bus in it, and nobody anything else.
        self.folder.chmod(0o711)
        for folder in ("kernel", "run", "logs", "gpu", "sys"):
            (self.folder / folder).mkdir(0o700)

    # Starting

    def start(self, without: Sequence[str] = (), **variables: str) -> None:
        """Bring up bus, polkit and helper, ``without`` some variables in their environment and with others.

        Raises DemoError.
        """
        self._prepare_environment()
        self.environment.update(variables)
        for variable in without:
            self.environment.pop(variable, None)
        self.bring_up()

    def bring_up(self) -> None:
        """Start bus, polkit and helper; again, after the end of all three."""
        self._start_bus()
        self._start_polkit()
        self.start_helper()

    def _prepare_environment(self) -> None:
        environment = self.environment
        environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={self.folder}/bus"
        environment["PYTHONUNBUFFERED"] = "1"
        path = f"{BIN}:{environment.get('PATH', '')}:/usr/sbin:/sbin"
        if self.plan.gpu:
            libraries = self.libraries or fakegpu.build(self.folder / "libraries")
            self.gpu = fakegpu.FakeGpu(self.gpu_folder, libraries, _SIMULATED_VRAM)
            environment.update(self.gpu.env())
        if self.plan.kernel:
            self.fake = FakeKernel(self.kernel)
            environment.update(self.fake.env(path))
        else:
            environment["PATH"] = path

    def _start_bus(self) -> None:
        if self.broker:
            (self.folder / "bus").unlink(missing_ok=True)
            self.spawn("dbus-broker", [sys.executable, "-m", "tests.support.broker", str(self.folder / "bus")])
            self.wait("the bus", lambda: accepts(self.folder / "bus"))
            return
        config = self.folder / "bus.conf"
        policy = _LENIENT if self.plan.polkit else _STRICT
        config.write_text(_BUS_CONFIG.format(socket=self.folder / "bus", policy=policy))
        self.spawn("dbus-daemon", ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"])
        self.wait("the bus", lambda: accepts(self.folder / "bus"))

    def _start_polkit(self) -> None:
        if self.plan.polkit:
            self.spawn("polkit", [sys.executable, "-m", "tests.demo.authority"])
        else:
            # polkitd reads actions from one folder. In a mount namespace that is ours; the machine's stays as it is.
            polkitd = next((path for path in _POLKITD if Path(path).exists()), _POLKITD[0])
            actions, rules = self.folder / "actions", self.folder / "rules"
            actions.mkdir(mode=0o755, exist_ok=True)
            rules.mkdir(mode=0o755, exist_ok=True)
            Path(shutil.copy(ROOT / "resources/polkit/org.vramswap.policy", actions)).chmod(0o644)
            (rules / "10-vramswap.rules").write_text(self.rules)
            script = (
                'mount --bind "$1" /usr/share/polkit-1/actions && mount --bind "$2" /etc/polkit-1/rules.d'
                ' && mount --bind "$3" /usr/share/locale && exec "$4"'
            )
            command = ["unshare", "--mount", "sh", "-c", script, "sh"]
            self.spawn("polkit", [*command, str(actions), str(rules), str(self.locale), polkitd])
        self.wait("polkit", lambda: self._owned("org.freedesktop.PolicyKit1"))

    def start_helper(self) -> None:
        """Start the helper; again, after its end."""
        if not self.config.exists():
            self.config.write_text(f'mode = "off"\nsize = {FIRST_SIZE}\n')
        command = [str(BIN / "vramswap-helper"), "--bus", self.environment["DBUS_SYSTEM_BUS_ADDRESS"],
                   "--config", str(self.config), "--runtime-dir", str(self.control.parent),
                   "--state-dir", str(self.folder / "state")]  # fmt: skip
        if self.plan.kernel:
            command += ["--attach", str(self.kernel), "--proc", str(self.kernel), "--sys", str(self.sys)]
        self.spawn("helper", self.around(command))
        self.wait("the helper", lambda: self._owned("org.vramswap.Helper"))

    def spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a program in its own session, so that Ctrl-C reaches this process alone; output goes to its log."""
        with (self.folder / "logs" / name).open("wb") as log:
            try:
                process = subprocess.Popen(
                    command, env=self.environment, cwd=ROOT, start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                )  # fmt: skip
            except OSError as error:
                raise DemoError(f"{command[0]}: {error.strerror}. `make run` sets up all that is needed.") from None
        self._running.append((name, process))
        return process

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait until ``ready``; a program that ends meanwhile is the failure."""
        end = time.monotonic() + PATIENCE
        while not ready():
            dead = next((name for name, process in self._running if process.poll() is not None), None)
            if dead or time.monotonic() > end:
                said = self.last_words(dead) if dead else "it does not answer"
                raise DemoError(f"{what} did not start ({said}). Its log is {self.folder}/logs/{dead or ''}.")
            time.sleep(0.02)

    def last_words(self, name: str) -> str:
        """The last line that a program wrote."""
        lines = (self.folder / "logs" / name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _owned(self, name: str) -> bool:
        try:
            with contextlib.closing(RawClient(str(self.folder / "bus"))) as bus:
                return bus.has_owner(name)
        except (OSError, EOFError):
            return False

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``vramswapctl``, out of reach of Ctrl-C."""
        return subprocess.run(
            [str(BIN / "vramswapctl"), *arguments], env=self.environment, capture_output=True, text=True, check=False,
            start_new_session=True,
        )  # fmt: skip

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """One of those that run."""
        return next(process for its, process in self._running if its == name)

    def kill(self, name: str) -> None:
        """End one of the programs as a crash would."""
        process = self.process(name)
        process.kill()
        process.wait()
        self._running.remove((name, process))

    # Stopping

    def stop(self) -> list[str]:
        """Swap first, then who serves it, then the rest. Returns what could not be stopped, as sentences."""
        trouble: list[str] = []
        if self._has_server():
            trouble += self._swap_off()
        self._end("helper")
        trouble += self._end_server()
        for name, _ in reversed(self._running.copy()):
            self._end(name)
        return trouble

    def remove(self) -> None:
        """Remove the folder with all sockets, settings and logs."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _swap_off(self) -> list[str]:
        if self.ctl("off").returncode == 0:
            return []
        # The helper cannot do it, so it is done without: a device that is swap still has a server to read from.
        proc = self.kernel if self.plan.kernel else Path("/proc")
        trouble = []
        for device in self._devices():
            subprocess.run(["swapoff", device], env=self.environment, capture_output=True, check=False)
            if any(line.split()[0] == device for line in (proc / "swaps").read_text().splitlines()[1:]):
                trouble.append(f"{device} is still swap. Free some memory, then run `swapoff {device}` as root.")
        return trouble

    def _devices(self) -> list[str]:
        try:
            return [str(segment["device"]) for segment in self._ask("status")["segments"]]
        except (OSError, ValueError):
            return []

    def _end_server(self) -> list[str]:
        """End the server, which it does by itself only when nothing is attached."""
        # One that just starts hears nothing yet. Bringing pages home takes as long as it takes; a server is never
        # killed for being slow.
        end = time.monotonic() + PATIENCE
        while self._has_server():
            try:
                for segment in self._ask("status")["segments"]:
                    self._ask("remove", index=segment["index"])
                self._ask("quit")
                said = "it said that it ends"
            except (OSError, ValueError) as error:
                said = str(error)
            if time.monotonic() > end and self._has_server():
                return [f"the server still runs ({said}); its log is in {self.folder}/logs."]
            time.sleep(0.02)
        return []

    def _has_server(self) -> bool:
        """Whether one runs, or starts, or an engine whose keeper is gone."""
        return lock.is_held(self.control.parent)

    def _ask(self, verb: str, **fields: object) -> Any:
        """One request on the server's control socket. Raises OSError, or ValueError with the server's error."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE)
            control.connect(str(self.control))
            control.sendall(json.dumps({"id": 1, "verb": verb, **fields}).encode() + b"\n")
            with control.makefile() as lines:
                reply = json.loads(lines.readline() or "{}")
        if "result" not in reply:
            raise ValueError(reply.get("error", {}).get("message", "no answer"))
        return reply["result"]

    def _end(self, name: str) -> None:
        for entry in [entry for entry in self._running if entry[0] == name]:
            self._running.remove(entry)
            process = entry[1]
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def running(plan: Plan, prepare: Callable[[Stack], None] = lambda stack: None) -> Iterator[Stack]:
    """A stack that is stopped on the way out, whatever happened; its logs stay when something failed."""
    stack = Stack(plan)
    try:
        prepare(stack)
        stack.start()
        yield stack
    except DemoError:
        _stop(stack)
        raise
    except BaseException:
        if not _stop(stack):
            stack.remove()
        raise
    trouble = _stop(stack)
    if trouble:
        raise DemoError(" ".join(trouble))
    stack.remove()


def _stop(stack: Stack) -> list[str]:
    trouble = stack.stop()
    for line in trouble:
        print(f"vramswap: {line}", file=sys.stderr)
    return trouble
