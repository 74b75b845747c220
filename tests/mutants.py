# SPDX-License-Identifier: MIT
# ruff: noqa: E501 - the changes are lines of code, which are better not broken.
"""Changes of the product that no simulator can see, or one seed in 60,000, and the tests that must fail with each.

They are tried by ``make mutants``. Those of the state machines are in ``tests/sim/mutants.py``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.support import mutation
from tests.support.mutation import ROOT, Mutant
from tests.system.debian_archive import KERNELS

#: What a copy of the checkout needs for its tests, and to compile what is changed.
_PARTS: Final = (
    "vramswap_gui", "tests", "resources", "packaging", "pyproject.toml", "setup.py", "README.md", "LICENSE",
    "vramswap.desktop", "Makefile",
)  # fmt: skip
_WORKER: Final = "vramswap_gui/server/engine/worker.pyx"
_NBD: Final = "vramswap_gui/server/engine/frontends/nbd.pyx"
_UBLK: Final = "vramswap_gui/server/engine/frontends/ublk.pyx"
_CREW: Final = "vramswap_gui/server/engine/crew.pyx"
_LINEAR: Final = "vramswap_gui/server/engine/stores/linear.pyx"
_POOL: Final = "vramswap_gui/server/engine/stores/pool"
_CLEANER: Final = "vramswap_gui/server/engine/stores/cleaner.pyx"
_SEGMENTS: Final = "vramswap_gui/helper/segments.py"
_CLAIMS: Final = ("tests/integration/test_claims.py",)
_TOGETHER: Final = ("tests/integration/test_packing_together.py",)
#: Of its tests some need more of the checkout than is copied.
_PACKAGING: Final = "tests/unit/test_packaging.py"
_BAD_CHUNKS: Final = ("tests/integration/test_pool.py::test_a_bad_chunk_is_filled_no_more",)
#: On a real kernel, in an emulated machine.
_ON_UBLK: Final = ("tests/system/test_ublk.py::test_pages_survive_whoever_dies_and_are_forgotten_when_they_may_be",)


MUTANTS: Final = (
    Mutant("VRAM is not wiped", "vramswap_gui/server/engine/vram.py",
           '        _call(driver.cuMemsetD8, mapping.base, 0, mapping.size)\n', "",
           ("tests/integration/test_wiping.py",)),
    Mutant("an engine without a keeper does not wipe at its end", "vramswap_gui/server/engine/main.py",
           "                self._commands.quit()\n                if self._options.folder", "                if self._options.folder",
           ("tests/integration/test_wiping.py",)),
    Mutant("a new keeper takes nothing over", "vramswap_gui/server/supervisor/reexec.py",
           "    if not found:\n        return None\n", "    if True:\n        return None\n",
           ("tests/integration/test_helper_faults.py",)),
    Mutant("an upgrade hands no segments on", "vramswap_gui/server/supervisor/reexec.py",
           '        "segments": [asdict(segment) for segment in legacy.inheritance.segments],\n', '        "segments": [],\n',
           ("tests/integration/test_helper.py", "tests/integration/test_helper_faults.py")),
    Mutant("a device is let go of without a claim, also while it is swap", "vramswap_gui/server/exports/nbd_kernel.py",
           "                    with _claimed(nbd.path(device.number), self._proc):\n", "                    if True:\n",
           ("tests/system/test_kernel_nbd.py",)),
    Mutant("connections are replaced while the kernel still listens on those before", "vramswap_gui/server/exports/nbd_kernel.py",
           "            _hear_out(device, job, asked)\n", "", ("tests/unit/test_hangups.py",)),
    Mutant("pages are brought home into memory that others took since it was looked at", _SEGMENTS,
           "            if isinstance(step, SwapOff) and self._shortfall", "            if False and self._shortfall", ("tests/unit/test_packed_life.py",)),
    Mutant("at shutdown the kernel kills whom it likes for pages that have no room", "vramswap_gui/helper/way_down.py",
           "        if not anyway and not _fit(", "        if False and not _fit(", ("tests/unit/test_way_down.py",)),
    Mutant("what a server did that died before it said so is not asked for", _SEGMENTS,
           "        if goal.extents is not None:\n", "        if False:\n", ("tests/unit/test_packed_life.py",)),
    Mutant("a device stays known as that of a segment which had it before", "vramswap_gui/helper/steps.py",
           " and other != device", "", ("tests/unit/test_lifecycle.py",)),
    Mutant("a device that is swap is taken away as that of a segment which had it before", _SEGMENTS,
           "            frozenset(index for index, device in self.devices.items() if device in swapped),\n",
           "            frozenset(area.index for area in self.areas()),\n", ("tests/unit/test_lifecycle.py",)),
    Mutant("a device that is being made may keep another one from its connections", "vramswap_gui/server/supervisor/keeper.py",
           "        seconds = LATE_SECONDS if any(map(_is_bare, self.segments.values())) else 0.0\n", "        seconds = 0.0\n",
           ("tests/unit/test_keeper_links.py",)),
    Mutant("an engine is asked for what takes long before it has new connections", "vramswap_gui/server/supervisor/keeper.py",
           "None and not any(map(_is_bare, self.segments.values()))", "None and not any(map(_is_torn, self.segments.values()))",
           ("tests/unit/test_keeper_links.py",)),
    Mutant("anybody may connect to the control socket", "vramswap_gui/server/exports/nbd_socket.py",
           "        before = os.umask(0o177)\n", "        before = os.umask(0)\n", ("tests/integration/test_helper.py",)),
    Mutant("anybody may say who owns a name", "vramswap_gui/bus/connection.py",
           "        if message.sender == BUS:\n", "        if True:\n",
           ("tests/integration/test_bus.py", "tests/integration/test_authorization.py")),
    Mutant("anybody may tell the status", "vramswap_gui/bus/connection.py",
           "                if peer.owner == message.sender:\n", "                if True:\n", ("tests/integration/test_bus.py",)),
    Mutant("what is kept for the next engine is not in memory", "vramswap_gui/server/supervisor/memory_reserve.py",
           "            part[offset] = 0\n", "            pass\n", ("tests/unit/test_memory_reserve.py",)),
    Mutant("a server starts on the last memory of others", "vramswap_gui/server/supervisor/memory_reserve.py",
           "        if there < needed:\n", "        if False:\n", ("tests/unit/test_memory_reserve.py",)),
    Mutant("what is kept for the next engine stays with the one that is forked meanwhile", "vramswap_gui/server/supervisor/memory_reserve.py",
           "        for part in self._held:\n            part.close()\n", "        return\n", ("tests/unit/test_memory_reserve.py",)),
    Mutant("nobody asks whether a connection was given up", _NBD,
           "    if not c.said_goodbye and poll(&asked, 1, 0) > 0 and asked.revents & POLLHUP:\n", "    if False:\n", _CLAIMS),
    Mutant("a connection that ends keeps its claims", _WORKER,
           "    for i in range(LANES):\n        drop(port, i)\n", "", _CLAIMS),
    Mutant("requests that are forgotten keep their claims", _WORKER,
           "        if request.claimed:\n            port.store.release(port.store, request)\n", "", _CLAIMS),
    Mutant("requests of a connection that was given up are copied all the same", _WORKER,
           "    if count and number == INTO and port.frontend.is_given_up(port):\n        drop(port, number)\n        return 0\n", "", _CLAIMS),
    Mutant("what is known of a page is forgotten by a write that came too late", _LINEAR,
           "    for word in range(first_claims(request), after_claims(request)):\n        bits =",
           "    for number in range(first_page(request), after_pages(request)):\n"
           "        if self.sums != NULL:\n            forget_sum(self, number)\n"
           "    for word in range(first_claims(request), after_claims(request)):\n        bits =", _CLAIMS),
    Mutant("a claim that fails keeps what it has", _LINEAR,
           "            clear_bits(&self.claims[word], bits & ~others)\n            release_before(self, request, word)\n", "", _CLAIMS),
    Mutant("a claim that fails takes the one that is in its way", _LINEAR, "bits & ~others", "bits", _CLAIMS),
    Mutant("memory of claims is first touched by requests", _LINEAR,
           "    memset(self.claims, 0,", "    if False: memset(self.claims, 0,", _CLAIMS),
    Mutant("a page's sum stays known while it is written", _LINEAR, "            forget_sum(self, number)\n", "            pass\n", _CLAIMS),
    Mutant("a worker that waits for another one's copy for long shows a heartbeat", _WORKER,
           "    if w.blocked_since and at - w.blocked_since > OVERDUE:\n        return True\n", "", _CLAIMS),
    Mutant("a cleaner that waits for a copy shows a heartbeat", _CLEANER,
           "    while not poll(batch):\n        if not self.hurry:\n", "    while not poll(batch):\n        self.beat[0] += 1\n        if not self.hurry:\n",
           ("tests/integration/test_heartbeat.py",)),
    Mutant("an engine that hangs over a question is not found without its keeper", "vramswap_gui/server/engine/door.py",
           "        threading.Thread(target=self._run, name=\"door\", daemon=True).start()\n", "", ("tests/integration/test_orphans.py",)),
    Mutant("a sentry ends the devices of others", "vramswap_gui/server/supervisor/sentry.py",
           "        return bool(engines)\n", "        return False\n", ("tests/unit/test_sentry.py",)),
    Mutant("a second keeper begins", "vramswap_gui/server/lock.py", "        return False\n    return True\n", "        pass\n    return True\n",
           ("tests/integration/test_orphans.py",)),
    Mutant("an engine that lives and says nothing is passed over", "vramswap_gui/server/ipc.py",
           "                raise VramswapError(Problem.ENGINE_SILENT, pid=pid)\n", "                return None\n", ("tests/integration/test_orphans.py",)),
    Mutant("what a client sent before its last request is forgotten when it hangs up", _NBD,
           "    if not c.said_goodbye and poll(", "    if poll(", _CLAIMS),
    Mutant("what was taken back is put there all the same", _CREW,
           "    if change_long(&offer.part[part], &seen, said(turn, BROUGHT)):\n", "    if True:\n", _TOGETHER),
    Mutant("a part of a large write that hangs is waited for", _CREW,
           "        elif change_long(&offer.part[part], &seen, said(offer.turn, KEPT)):\n", "        elif False:\n", _TOGETHER),
    Mutant("nobody is woken for a large write", _CREW,
           "    wake(self.crew, min(self.crew.helpers, <int>parts - 1))\n", "", _TOGETHER),
    Mutant("a page is written to its bad place again", _LINEAR,
           "            give_spare(self, number)\n", "            pass\n",
           ("tests/integration/test_integrity.py::test_a_bad_place_is_used_no_more",)),
    Mutant("a lost page is known no more to the next engine", _LINEAR,
           "                self.sums[number] = HURT if self.sums[number] in (HURT, MENDING) else UNKNOWN\n",
           "                self.sums[number] = UNKNOWN\n",
           ("tests/integration/test_integrity.py::test_a_bad_place_is_used_no_more",)),
    Mutant("a lost page is known no more once somebody was about to write it", _LINEAR,
           "    while before >= SUMS and not", "    while before != UNKNOWN and not", _CLAIMS),
    Mutant("a page that was hurt is taken for another one wherever it is moved", f"{_POOL}.pxd",
           "    exchange(pool, slot, entry, LOST)\n", "", ("tests/integration/test_damage.py",)),
    Mutant("a segment that is forgotten leaves its pages to the next engine", f"{_POOL}.pyx",
           "            forget(pool, swap_long(&table.entry[i], UNWRITTEN))\n",
           "            forget(pool, table.entry[i])\n", ("tests/integration/test_damage.py",)),
    Mutant("pages lie in VRAM that goes with the engine", "vramswap_gui/server/engine/main.py",
           "            if kind is Kind.EXTENT and is_new:\n",
           "            if False:\n", ("tests/integration/test_damage.py",)),
    Mutant("a ublk device that could not be served stays open", "vramswap_gui/server/engine/engine.pyx",
           "                munmap(<void *>q.descriptors, DESCRIPTORS_SIZE)\n",
           "                pass\n", ("tests/integration/test_damage.py",)),
    Mutant("VRAM that could not be wiped is kept", "vramswap_gui/server/engine/vram.py",
           "            undo.callback(self._unmap, mapping)\n",
           "", ("tests/integration/test_damage.py",)),
    Mutant("a large read of a lost page begins as a success", "vramswap_gui/server/engine/frontends/nbd.pyx",
           "    if error == 0 and is_to_be_refused(c, &request):\n",
           "    if False:\n", ("tests/integration/test_integrity.py",)),
    Mutant("a large write's payload comes over what is still being copied", _NBD,
           "    if gap > rx_room(c):\n        return False\n", "", ("tests/integration/test_fuzz.py",)),
    Mutant("a large write is not received by itself", _NBD,
           "        return REQUEST_SIZE - here\n", "        return CHUNK\n", ("tests/integration/test_io_path.py",)),
    Mutant("pages are folded by a wrong factor", "vramswap_gui/server/engine/crc32c.pxd",
           "crc_move_on(crc_by_32, 32)", "crc_move_on(crc_by_32, 16)", ("tests/unit/test_page_sum.py",)),
    Mutant("a bad chunk is filled on", f"{_POOL}.pyx",
           "    if length_of(rest) and not load_long(&chunk_at(pool, place_in(rest)).bad):\n", "    if length_of(rest):\n", _BAD_CHUNKS),
    Mutant("the next engine fills a bad chunk", f"{_POOL}.pxd",
           "        store_long(chunk.known, 1)\n", "        pass\n", _BAD_CHUNKS),
    Mutant("ublk: what is to be forgotten is refused", _UBLK,
           "    if not zeroes and not has_data(what):\n", "    if not has_data(what):\n", _ON_UBLK),
    Mutant("ublk: only the first part of what is to be forgotten is", _UBLK,
           "    request.last = request.length == left\n", "    request.last = True\n", _ON_UBLK),
    Mutant("ublk: each part of a request is an answer", _UBLK,
           "    if request.last:\n        commit(", "    if True:\n        commit(", _ON_UBLK),
    Mutant("ublk: what is to be written is not fetched", _UBLK,
           "    if request.op == WRITE:\n        move_data(q, request)\n", "", _ON_UBLK),
    Mutant("ublk: data lies over what is still under way", _UBLK,
           "    return not has_data(what) or has_room(q, lane, length_of(what))\n", "    return True\n", _ON_UBLK),
    Mutant("a segment is forgotten whose pages have room in other swap alone", "vramswap_gui/helper/policy/pool.py",
           "    memory = replace(room, swap_free=0, zram_free=0)\n", "    memory = room\n", ("tests/unit/test_pool.py",)),
    Mutant("a segment is forgotten nearly all of which is in use", "vramswap_gui/helper/policy/pool.py",
           "forgotten[area.index] * _MOVED > area.used and ", "", ("tests/unit/test_pool.py",)),
    Mutant("a segment is forgotten that has nothing but its header", "vramswap_gui/helper/policy/pool.py",
           " and forgotten[area.index] * _STALE_SHARE > area.size", "", ("tests/unit/test_pool.py",)),
    Mutant("VRAM is cleaned while somebody moves pages", "vramswap_gui/helper/policy/pool.py",
           "    still = not pressed and moved <= pool.vram // _STILL_SHARE\n", "    still = not pressed\n", ("tests/unit/test_pool.py",)),
    Mutant("VRAM is cleaned while tasks wait for memory", "vramswap_gui/helper/policy/pool.py",
           "    still = not pressed and moved", "    still = moved", ("tests/unit/test_pool.py",)),
    Mutant("settings are read while somebody writes them", "vramswap_gui/system/smallfile.py",
           "            whole = error.errno != errno.EAGAIN\n", "            whole = True\n", ("tests/unit/test_config_file.py",)),
    Mutant("a page under pressure is known by its number alone", "vramswap_gui/bench/pressed.py",
           "memory[at : at + PAGE] != content(number)", "memory[at : at + 8] != content(number)[:8]", ("tests/unit/test_pressure.py",)),
    Mutant("a run that came to no end took no longer than it ran", "vramswap_gui/bench/pressed.py",
           "        return self.seconds - self.seeing + self.seeing * self.pages / self.seen\n", "        return self.seconds\n",
           ("tests/unit/test_pressure.py",)),
    Mutant("other swap is measured where memory has no room for that", "vramswap_gui/bench/pressure.py",
           "    if free < needed or room < short:\n", "    if free < needed:\n", ("tests/unit/test_pressure.py",)),
    Mutant("what was measured while VRAM was turned off counts", "vramswap_gui/bench/pressure.py",
           "    _require_on(devices, proc)\n    return ran\n", "    return ran\n", ("tests/unit/test_pressure.py",)),
    Mutant("who was refused a pause is asked about its end", "vramswap_gui/ctl/pause.py",
           "            if self._is_ours((await self._client.refresh()).paused_until):\n", "            if True:\n",
           ("tests/unit/test_pause.py",)),
    Mutant("a pause that was there before a measurement ends with it", "vramswap_gui/ctl/pause.py",
           "self._client.pause(max(0, self._theirs - round(time.time())))", "self._client.pause(0)", ("tests/unit/test_pause.py",)),
    Mutant("a server outlives the measurement that started it", "vramswap_gui/server/main.py",
           "        _end_with(options.as_long_as)\n", "        pass\n", ("tests/integration/test_bench.py",)),
    Mutant("an extent that is too large stays", "vramswap_gui/helper/policy/pool.py",
           "    return each if size >= each else extent(size, largest)\n", "    return each\n",
           ("tests/unit/test_packed_life.py",)),
    Mutant("an upgrade stops the service that starts the helper anew", "packaging/debian/prerm",
           "        end_helper\n", "        end_all\n", (f"{_PACKAGING}::test_an_upgrade_ends_the_helper_and_stops_no_service",)),
    Mutant("swap that was turned on in the last moment goes with the package", "packaging/upkeep.sh",
           "    if may_go && bring", "    if bring",
           (f"{_PACKAGING}::test_swap_that_was_turned_on_until_the_helper_was_stopped_keeps_the_package",)),
    Mutant("the folder of a server that serves goes with the package", "packaging/upkeep.sh",
           "        rm -rf /run/vramswap\n    fi", "        :\n    fi\n    rm -rf /run/vramswap",
           (f"{_PACKAGING}::test_what_was_started_while_the_package_went_is_stopped",)),
    Mutant("what an administrator edited is written over", "packaging/upkeep.sh",
           "    [ ! -e \"$1\" ] || sha256sum", "    true || sha256sum", (f"{_PACKAGING}::test_an_edited_copy_stays_as_it_is",)),
    Mutant("an update that is refused leaves the sleep unit disabled", "vramswap_gui/ctl/install.py",
           "        if enables:\n", "        if True:\n",
           ("tests/unit/test_install.py::test_what_the_services_refuse_leaves_all_as_it_was",)),
    Mutant("an update enables the sleep unit again", "vramswap_gui/ctl/install.py",
           "        if first and services.booted():\n", "        if services.booted():\n",
           ("tests/unit/test_install.py::test_an_administrator_who_disabled_the_sleep_unit_is_heeded",)),
    Mutant("a unit that an administrator disabled is enabled again", "vramswap_gui/helper/at_boot.py",
           "    return unit if file is known else file\n", "    return file\n", ("tests/unit/test_at_boot.py",)),
    Mutant("pages that landed on a disk stay there for ever", "vramswap_gui/ctl/install.py",
           "        await _bring_landed_home(root)\n", "",
           ("tests/unit/test_install.py::test_pages_that_landed_come_home_before_anything_goes",)),
)  # fmt: skip


def _hunt(mutant: Mutant) -> str:
    """Whether its tests fail with it; without it they pass, as every run of the tests shows."""
    with tempfile.TemporaryDirectory(prefix="vramswap-mutant-") as name:
        folder = Path(name)
        for part in _PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / part)
        # What an emulated machine boots is fetched once.
        (folder / "build").mkdir()
        (folder / "build/kernels").symlink_to(KERNELS)
        (folder / mutant.file).write_text(mutant.changed(), encoding="utf-8")
        if mutant.file.endswith((".pyx", ".pxd")):
            subprocess.run(
                [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=folder, check=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *mutant.tests], cwd=folder,
            env=os.environ | {"PYTHONPATH": name}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return "found" if done.returncode == 1 else ""


if __name__ == "__main__":
    # Each has the machine for itself, as its tests have.
    sys.exit(mutation.main(MUTANTS, _hunt, most=1))
