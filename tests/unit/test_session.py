# SPDX-License-Identifier: MIT
"""What a run inherits does not matter to it, and whatever a test waits for, it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import conftest
from tests.support import inner


def test_these_tests_run_that_way() -> None:
    assert conftest.pytest_plugins == inner.PLUGINS


#: As nohup(1), ``&`` in a script, cron and a hostile terminal leave it.
HOSTILE = """
import os, resource, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGALRM))
os.umask(0o077)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
os.close(0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
SEES = """
import json, os, signal, subprocess, sys
from pathlib import Path

SHOW = '''
import os, resource, signal, sys
print({
    "ignored": sorted(s.name for s in signal.Signals if signal.getsignal(s) is signal.SIG_IGN),
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "umask": os.umask(0),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
    "size": resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.getrlimit(resource.RLIMIT_FSIZE)[1],
    "input": sys.stdin.read(),
    "encoding": sys.stdout.encoding,
    "told": sorted({"DISPLAY", "LC_ALL", "COLUMNS", "NOTIFY_SOCKET", "MAKEFLAGS"} & set(os.environ)),
    "keeps": (not sys.dont_write_bytecode, sys.pycache_prefix),
    "terminal": os.environ["TERM"],
})
'''

def test_programs_inherit_what_a_login_gives(tmp_path):
    said = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True).stdout
    assert eval(said) == {
        "ignored": ["SIGPIPE", "SIGXFSZ"], "blocked": [], "umask": 0o022, "files": True, "size": True, "input": "",
        "encoding": "utf-8", "told": [], "keeps": (True, None), "terminal": "xterm",
    }

def test_what_is_compiled_is_kept(tmp_path, monkeypatch):
    (tmp_path / "some_module.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import some_module
    assert (tmp_path / "__pycache__").is_dir()

def test_this_process_reads_and_writes_unicode(tmp_path):
    (tmp_path / "text").write_text("\\N{SNOWMAN}")
    assert subprocess.run(["cat", tmp_path / "text"], capture_output=True, text=True).stdout == "\\N{SNOWMAN}"

def test_a_program_is_interrupted():
    process = subprocess.Popen(["sleep", "infinity"])
    process.send_signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
"""


@pytest.mark.parametrize("how", [(), ("-n", "1")], ids=["here", "xdist"])
def test_nothing_depends_on_what_is_inherited(how: tuple[str, ...], tmp_path: Path) -> None:
    done = inner.run(
        tmp_path, SEES, *how, before=(sys.executable, "-c", HOSTILE), unset=("TERM", "LANG"),
        LC_ALL="POSIX", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0", COLUMNS="20", DISPLAY=":987", NOTIFY_SOCKET="@none",
        MAKEFLAGS="-j --jobserver-auth=98,99", PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


#: Each waits for what never comes, in a place where one exception is not enough.
HANGS = {
    "a program that is waited for again": """
    with subprocess.Popen(["sleep", "infinity"]) as process:
        process.wait()
""",
    "a program that has left": """
    reader, writer = os.pipe()
    subprocess.run(["setsid", "--fork", "sleep", "infinity"], pass_fds=[writer])
    os.close(writer)
    try:
        os.read(reader, 1)
    finally:
        os.read(reader, 1)
""",
    "nothing": """
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass
""",
}


@pytest.mark.parametrize("what", HANGS)
def test_a_test_that_hangs_ends(what: str, tmp_path: Path) -> None:
    text = f"import os, subprocess, time\ndef test_hangs():{HANGS[what]}\ndef test_the_next_one(): pass\n"
    done = inner.run(tmp_path, text, "-n", "1", "-o", "timeout=1", TEST_GRACE="1", PYTHONPATH=str(inner.ROOT))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
