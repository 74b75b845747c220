# SPDX-License-Identifier: MIT
"""Large writes are packed by workers that have nothing else to do, and by nobody who hangs."""

from __future__ import annotations

from pathlib import Path

from tests.support import counting, slow_codec
from tests.support.alone import said
from tests.support.counting import Counter
from tests.support.fakegpu import FakeGpu
from tests.support.slow_codec import SlowCodec

#: Three workers with a connection each, whatever processors there are.
_BEGIN = """
import os, socket, struct, sys, time
from pathlib import Path
from tests.support.nbd_client import PAGE, Client
from tests.support.page_model import Model
from tests.support.slow_codec import SlowCodec
from tests.support.waiting import wait_for
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.messages import Kind
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters

SIZE, SHIFT, WORKERS, LARGE, EACH = 32 << 20, 21, 3, 128, 2688
os.sched_getaffinity = lambda _: range(WORKERS)
vram, counters, entries = Vram(), Counters(), PageSums(SIZE, kind=Kind.PACKED)
mapping, _ = vram.create(24 << SHIFT)
engine = Engine(vram.context, WORKERS, vram.can_batch, counters.address, compression="lz4")
engine.add_extent(0, mapping.base, 24 << SHIFT, SHIFT)
engine.add_packed_segment(0, SIZE, entries.address)
clients, models = [], []
for place in range(WORKERS):
    ours, theirs = socket.socketpair()
    engine.add_connection(0, theirs.detach())
    clients.append(Client(ours))
    models.append(Model(place * EACH, EACH, place))


def write(which):
    model = models[which]
    number = model.pages.draw.randrange(model.range.start, model.range.stop - LARGE)
    model.write(clients[which], number, b"".join(model.pages.any() for _ in range(LARGE)))
    model.check(clients[which], number, LARGE)


def helped():
    return counters.read()["helped"]


def beats():
    return counters.heartbeats()[:WORKERS]


def settled():
    before = beats()
    time.sleep(0.1)
    return beats() == before


def until(done, which=0):
    # Who is to help may have other things to do at first.
    for _ in range(1000):
        write(which)
        if done():
            return
    raise AssertionError("it never came")


"""
_END = """
for client, model in zip(clients, models):
    model.check_all(client)
    client.end.close()
assert sum(model.refused for model in models) == 0
engine.close()
print("done")
"""
_SHARED = """
for which in range(WORKERS):
    before = helped()
    until(lambda: helped() > before, which)
# Whoever was woken for that sleeps again until somebody has a large write, and for what is small nobody is woken.
wait_for(settled, "all workers to sleep")

def alone():
    before = helped(), beats()[1:]
    for count in range(1, 16):
        models[0].write(clients[0], count * 16, b"".join(models[0].pages.any() for _ in range(count)))
    return settled() and (helped(), beats()[1:]) == before


wait_for(alone, "others to sleep through what is small")
"""
_HUNG = """
codec = SlowCodec(Path(sys.argv[1]), Path(os.environ["SLOW_CODEC_FILE"]))
models[0].write(clients[0], 0, models[0].pages.text())
codec["hold"] = 1
until(lambda: codec["waiting"] == WORKERS - 1)
# They hang with parts of writes in their hands, and write after write is done all the same.
hung = helped()
for _ in range(20):
    write(0)
assert helped() == hung and codec["waiting"] == WORKERS - 1
# Whoever watches the workers sees that.
wait_for(settled, "the first worker to sleep")
for _ in range(3):
    before = beats()
    engine.poke()
    wait_for(lambda: beats()[0] > before[0], "the first worker's answer")
    assert beats()[1:] == before[1:]
codec["hold"] = 0
wait_for(lambda: codec["waiting"] == 0, "nobody to hang any more")
before = beats()
engine.poke()
wait_for(lambda: all(now > then for now, then in zip(beats(), before)), "all workers' answers")
# What they had in their hands is of no use any more, and was put nowhere.
assert helped() == hung
models[0].check_all(clients[0])
for which in range(WORKERS):
    write(which)
until(lambda: helped() > hung)
"""
_COUNTED = """
def asked():
    return struct.unpack("=QQ", Path(os.environ["COUNTING_FILE"]).read_bytes())[1]


for which in range(WORKERS):
    before = helped()
    until(lambda: helped() > before, which)
before, then = asked(), helped()
assert before > 0, "the library does not count"
until(lambda: helped() > then + 2000)
assert asked() == before
"""


def run(gpu: FakeGpu, script: str, *arguments: str, env: dict[str, str] | None = None) -> None:
    assert said(gpu, "-c", _BEGIN + script + _END, *arguments, env=env) == "done\n"


def test_large_writes_are_packed_by_idle_workers(gpu: FakeGpu) -> None:
    run(gpu, _SHARED)


def test_those_that_help_allocate_nothing(gpu: FakeGpu, tmp_path: Path) -> None:
    counter = Counter(counting.build(tmp_path), tmp_path / "count")
    run(gpu, _COUNTED, env=counter.env)


def test_nobody_waits_for_a_worker_that_hangs_while_it_helps(gpu: FakeGpu, tmp_path: Path) -> None:
    library = slow_codec.build(tmp_path)
    codec = SlowCodec(library, tmp_path / "codec")
    path = {"LD_LIBRARY_PATH": f"{gpu.env()['LD_LIBRARY_PATH']}:{codec.env['LD_LIBRARY_PATH']}"}
    run(gpu, _HUNG, str(library), env=codec.env | path)
