# SPDX-License-Identifier: MIT
# cython: boundscheck=False, wraparound=False, cdivision=True
"""The data path as Python sees it: workers, and the segments and connections they serve.

Every buffer is allocated and touched here; what runs from then on is worker.pyx.
"""
from libc.errno cimport errno
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from cuda.bindings cimport cydriver
from vramswap_gui.server.engine.atomic cimport load_acquire, load_long, store_release
from vramswap_gui.server.engine.clock cimport now
from vramswap_gui.server.engine.copy_batch cimport (
    EXIT_CONTEXT_LOST,
    MAX_LISTED,
    ZEROES,
    Channel,
    CopyBatch,
    Listed,
    add,
    poll,
    submit,
)
from vramswap_gui.server.engine.codecs cimport CodecState, close_state, open_state
from vramswap_gui.server.engine.crew cimport Crew, Hand
from vramswap_gui.server.engine.crc32c cimport CRC_BY_FOLDING, crc_of_page, crc_of_zero_page, crc_prepare, crc_way
from vramswap_gui.server.engine.desk cimport PAGES_INTO, PAGES_OUT, Desk
from vramswap_gui.server.engine.frontends.nbd cimport ACROSS, RX_SIZE, TX_SIZE, NbdConnection, open_connection
from vramswap_gui.server.engine.frontends.ublk cimport (
    DESCRIPTORS_SIZE,
    RING_SIZE,
    TAGS,
    UblkQueue,
    open_queue,
    vs_io_desc,
)
from vramswap_gui.server.engine.frontends.uring cimport uring_open
from vramswap_gui.server.engine.page cimport PAGE
from vramswap_gui.server.engine.records cimport LONGEST, form_of, record_length, RAW, UNWRITTEN
from vramswap_gui.server.engine.request cimport DEAD, FREE, INTO, LANES, LIVE, OUT, Port, Store
from vramswap_gui.server.engine.stores.cleaner cimport CARRIED, MOVED, Cleaner, clean
from vramswap_gui.server.engine.stores.linear cimport LinearStore, linear_store_size, open_linear
from vramswap_gui.server.engine.stores.log cimport LogStore, open_log
from vramswap_gui.server.engine.stores.pool cimport (
    LATER,
    LEFT,
    MAX_TABLES,
    MAX_WRITERS,
    Pool,
    add_extent,
    begin_pool,
    close_pool,
    compact_to,
    dismiss_extent,
    free_chunks,
    holes,
    live_bytes,
    open_pool,
    remove_table,
    stored_pages,
)
from vramswap_gui.server.engine.tally cimport CLEANER, HEARTBEAT, ROW
from vramswap_gui.server.engine.worker cimport BATCHES, MAX_PORTS, Worker, watch, work

import os
import select
import threading

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.engine.records import METHODS
from vramswap_gui.server.memlock import go_with_the_others
from vramswap_gui.server.page_sums import SPARES
from vramswap_gui.units import MAX_EXTENTS

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        void *ptr
    cdef struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_create1(int)
    int epoll_ctl(int, int, int, epoll_event *)
    enum: EPOLLIN, EPOLL_CTL_ADD, EPOLL_CLOEXEC

cdef extern from "<sys/mman.h>" nogil:
    void *mmap(void *, size_t, int, int, int, long)
    int munmap(void *, size_t)
    void *MAP_FAILED
    enum: PROT_READ, MAP_SHARED, MAP_POPULATE

cdef enum:
    # Both together are MAX_PORTS: all may be one worker's.
    MAX_CONNECTIONS = 1008
    MAX_QUEUES = 16
    # How the ways to copy are compared: pages as they come from a socket, behind a header; so many times for each number.
    STRIDE = PAGE + 28
    TRIES = 7
    WARM_UP = 3
    MOST = 64
    # Nanoseconds. Somebody else uses the GPU, and there is nothing to be learned.
    GIVE_UP = 1000000
    # Milliseconds for a worker to take a queue. One that takes longer hangs.
    BEGIN_MS = 5000
    # From how many pages on the kernel is the faster way, where it could not be measured: as on an H100.
    KERNEL_OUT_FROM = 16
    KERNEL_INTO_FROM = 8
    NEVER = 1 << 30

#: See copy_batch.pxd.
CONTEXT_LOST = EXIT_CONTEXT_LOST


cdef void check(cydriver.CUresult result, str call) except *:
    if result == cydriver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        # Be it the card's memory or the computer's: others have it.
        raise VramswapError(Problem.VRAM_TOO_FULL, call=call)
    if result != cydriver.CUresult.CUDA_SUCCESS:
        raise VramswapError(Problem.CUDA_FAILED, call=call, status=str(<int>result))


cdef cydriver.CUstream new_stream() except *:
    cdef cydriver.CUstream stream = NULL
    cdef cydriver.CUresult result
    with nogil:
        result = cydriver.cuStreamCreate(&stream, cydriver.CUstream_flags_enum.CU_STREAM_NON_BLOCKING)
    check(result, "cuStreamCreate")
    return stream


cdef int prepare(CopyBatch *batch, Channel *channel, bint inward, bint can_batch, Listed *listed) except -1:
    batch.inward = inward
    batch.can_batch = can_batch
    batch.channel = channel
    batch.listed = listed
    batch.stream = new_stream()
    return 0


cdef uint64_t timed(CopyBatch *batch, cydriver.CUdeviceptr vram, unsigned char *host, int count) noexcept nogil:
    """Nanoseconds that scattered copies of a page take at the best of some tries: what comes between only adds to it."""
    cdef uint64_t best = <uint64_t>-1
    cdef int i, k
    # The first ones, not counted, also make the driver load what it needs.
    for k in range(-WARM_UP, TRIES):
        # The channel counts as free, and is not asked.
        batch.channel.free_until = batch.channel.ask_next = <uint64_t>-1
        for i in range(count):
            add(batch, vram + i * 2 * PAGE, host + i * STRIDE, PAGE)
        submit(batch)
        while not poll(batch):
            pass
        if k >= 0:
            best = min(best, now() - batch.began)
        if k > 0 and best > GIVE_UP:
            break
    return best


cdef void touch(void *memory, size_t size) noexcept:
    """Write to zeroed memory, so that all of it is there, and locked."""
    cdef volatile unsigned char *bytes = <volatile unsigned char *>memory
    cdef size_t place
    for place in range(0, size, PAGE):
        bytes[place] = 0


cdef object started(run, argument, str name):
    """A thread. Each locked byte of its stack is locked memory, and the data path needs little."""
    threading.stack_size(256 << 10)
    thread = threading.Thread(target=run, args=(argument,), name=name, daemon=True)
    thread.start()
    threading.stack_size(0)
    return thread


cdef void open_desk(Desk *desk, Hand *hand, unsigned char *memory, size_t pages) noexcept:
    desk.hand = hand
    desk.memory = memory
    desk.size = pages * LONGEST
    desk.record = memory + desk.size


cdef void *pinned(size_t size) except NULL:
    """So many bytes of locked memory for copies, zeroed and touched."""
    cdef void *memory = NULL
    cdef cydriver.CUresult result
    # A driver may take its time, and a new keeper is told of us all the same.
    with nogil:
        result = cydriver.cuMemHostAlloc(&memory, size, cydriver.CU_MEMHOSTALLOC_PORTABLE)
    check(result, "cuMemHostAlloc")
    memset(memory, 0, size)
    return memory


def kernel_pays_from(ways, int default) -> int:
    """From how many pages on the kernel is the faster way for all numbers that follow.

    `ways`: how many pages, and the nanoseconds without the kernel and with it; half as many each time, down to 2 unless
    somebody else used the GPU. What was not measured then is as with `default`.
    """
    found = NEVER
    for count, without, took in ways:
        if took >= without:
            return found
        found = count
    return found if found == 2 else min(found, default)


#: How a page's sum may be made, from the slowest way to the fastest (crc32c.pxd).
SUM_WAYS = ("tables", "instruction", "folding")


def page_sum(unsigned int seed, bytes page, str way) -> int:
    """The CRC32C of 4,096 bytes as the store has it, by that way, or by the next slower one that the processor has."""
    if len(page) != PAGE:
        raise ValueError("a page has 4096 bytes")
    crc_prepare(SUM_WAYS.index(way))
    return crc_of_page(seed, page)


def sum_way() -> str:
    """The best way that the processor has, which is the one that is taken."""
    crc_prepare(CRC_BY_FOLDING)
    return SUM_WAYS[crc_way]


def zero_page_sum(unsigned int seed) -> int:
    """The same of zeroes, without looking at any."""
    crc_prepare(CRC_BY_FOLDING)
    return crc_of_zero_page(seed)


cdef class _Cleaning:
    """The pool and the thread that cleans it. All methods are for one thread, with the CUDA context current on it."""

    cdef Pool pool
    cdef Cleaner *_cleaner
    cdef object _thread
    cdef readonly int wake
    cdef readonly int told

    cdef int _begin(
        self, str compression, cydriver.CUfunction kernel, unsigned long long context, unsigned long long tallies
    ) except -1:
        cdef Cleaner *cleaner
        codec, level = METHODS[compression]
        self._cleaner = cleaner = <Cleaner *>calloc(1, sizeof(Cleaner))
        if cleaner == NULL:
            raise MemoryError
        touch(cleaner, sizeof(Cleaner))
        open_state(&cleaner.codecs, codec, level)
        cleaner.memory = <unsigned char *>pinned(CARRIED)
        prepare(&cleaner.out, &cleaner.channel, False, False, NULL)
        prepare(&cleaner.into, &cleaner.channel, True, False, <Listed *>pinned(MOVED * sizeof(Listed)))
        cleaner.into.kernel = kernel
        cleaner.into.kernel_from = NEVER
        self.wake = os.eventfd(0, os.EFD_CLOEXEC)
        self.told = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        open_pool(&self.pool, MAX_EXTENTS, self.wake, self.told)
        cleaner.pool = &self.pool
        cleaner.beat = <uint64_t *><uintptr_t>tallies + CLEANER * ROW + HEARTBEAT
        self._thread = started(self._run, context, "cleaner")
        return 0

    def _run(self, unsigned long long context):
        go_with_the_others()
        check(cydriver.cuCtxSetCurrent(<cydriver.CUcontext><uintptr_t>context), "cuCtxSetCurrent")
        with nogil:
            clean(self._cleaner)

    def remove(self, int number, seconds: float) -> int:
        dismiss_extent(&self.pool, number)
        told = select.poll()
        told.register(self.told, select.POLLIN)
        if not told.poll(seconds * 1000):
            raise VramswapError(Problem.CLEANER_HANGS)
        os.eventfd_read(self.told)
        if load_long(&self.pool.outcome) == LATER:
            return -1
        # A page that is being written has room there as well.
        return 0 if load_long(&self.pool.outcome) == LEFT else max(PAGE, load_long(&self.pool.left))

    def stop(self) -> None:
        store_release(&self._cleaner.ending, 1)
        os.eventfd_write(self.wake, 1)
        self._thread.join()
        for stream in (<uintptr_t>self._cleaner.out.stream, <uintptr_t>self._cleaner.into.stream):
            cydriver.cuStreamDestroy(<cydriver.CUstream><uintptr_t>stream)
        cydriver.cuMemFreeHost(self._cleaner.memory)
        cydriver.cuMemFreeHost(self._cleaner.into.listed)
        close_state(&self._cleaner.codecs)
        free(self._cleaner)
        self._cleaner = NULL
        close_pool(&self.pool)
        os.close(self.wake)
        os.close(self.told)


cdef class Engine:
    """Workers, segments and connections. All methods are for one thread, with the CUDA context current on it."""

    cdef Worker *_workers
    cdef unsigned char *_zeroes
    cdef cydriver.CUdeviceptr _words
    cdef int _count
    cdef int _next
    cdef NbdConnection *_connections[MAX_CONNECTIONS]
    cdef UblkQueue *_queues[MAX_QUEUES]
    cdef Listed *_listed
    cdef cydriver.CUmodule _module
    cdef cydriver.CUfunction _kernel
    cdef Desk *_desks
    cdef CodecState *_codecs
    cdef Crew _crew
    cdef unsigned char *_packed
    #: The address of each segment's store, its size, and whether it is packed.
    cdef dict _segments
    cdef _Cleaning _cleaning
    #: By which of METHODS pages can be packed; or empty.
    cdef readonly str compression
    cdef list _threads
    cdef readonly int died
    #: From how many scattered pages on, read and written, the kernel copies them; None without it.
    cdef readonly object kernel_from
    #: What was measured for that: whether it is writing, how many pages, and the nanoseconds without the kernel and with.
    cdef readonly list ways

    def __cinit__(self):
        self._workers = NULL
        self._desks = NULL
        self._codecs = NULL
        self._crew.hand = NULL
        self._packed = NULL
        self._segments = {}
        self._threads = []

    def __init__(self, unsigned long long context, int workers, bint can_batch, unsigned long long tallies,
                 unsigned int spin=20000, bytes cubin=b"", str compression=""):
        """`cubin`: what compile_copy_kernel() gave on this GPU; without it there is no kernel, and all works as well.

        `compression`: one of METHODS, for segments that are packed; empty: there are none. Raises VramswapError
        CODEC_MISSING.
        """
        cdef int i
        try:
            self._make(context, workers, can_batch, tallies, spin, cubin, compression)
        except BaseException:
            # There may be another try. CUDA's memory goes with the context.
            self._close_descriptors()
            raise
        for i in range(workers):
            self._threads.append(started(self._run, i, f"worker-{i}"))
        if compression:
            self._cleaning = _Cleaning()
            self._cleaning._begin(compression, self._kernel, context, tallies)

    cdef int _make(self, unsigned long long context, int workers, bint can_batch, unsigned long long tallies,
                   unsigned int spin, bytes cubin, str compression) except -1:
        """All but the threads."""
        cdef int i, lane, b
        cdef epoll_event event
        self.died = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._count = workers
        self._workers = <Worker *>calloc(workers, sizeof(Worker))
        if self._workers == NULL:
            raise MemoryError
        self._zeroes = <unsigned char *>pinned(ZEROES)
        # What the workers set through the compute channel, to see whether it is free.
        check(cydriver.cuMemAlloc(&self._words, workers * sizeof(uint64_t)), "cuMemAlloc")
        self.compression = compression
        if compression:
            self._provide_desks()
        self._listed = <Listed *>pinned(workers * LANES * BATCHES * MAX_LISTED * sizeof(Listed))
        self._kernel = self._load(cubin)
        kernel_from = self._measure(self._kernel, can_batch)
        for i in range(workers):
            w = &self._workers[i]
            w.context = <cydriver.CUcontext><uintptr_t>context
            w.died = self.died
            w.epoll = epoll_create1(EPOLL_CLOEXEC)
            w.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            w.tally = <uint64_t *><uintptr_t>tallies + i * ROW
            if w.epoll < 0:
                raise OSError(errno, "epoll_create1")
            event.events = EPOLLIN
            event.data.ptr = NULL
            if epoll_ctl(w.epoll, EPOLL_CTL_ADD, w.wake, &event):
                raise OSError(errno, "epoll_ctl")
            w.spin = spin
            if compression:
                w.hand = &self._crew.hand[i]
                w.hand.wake = w.wake
                w.hand.tally = w.tally
            w.channel.stream = new_stream()
            w.channel.word = self._words + i * sizeof(uint64_t)
            for lane in range(LANES):
                for b in range(BATCHES):
                    copies = &w.lane[lane].batch[b].copies
                    listed = self._listed + ((i * LANES + lane) * BATCHES + b) * MAX_LISTED
                    prepare(copies, &w.channel, lane == INTO, can_batch, listed)
                    copies.kernel = self._kernel
                    copies.kernel_from = kernel_from[lane]
                    if compression:
                        copies.desk = &self._desks[(i * LANES + lane) * BATCHES + b]
        return 0

    cdef int _close_descriptors(self) except -1:
        """Those of an engine whose threads are not there, or no more."""
        cdef int i
        for i in range(self._count if self._workers != NULL else 0):
            for fd in (self._workers[i].wake, self._workers[i].epoll):
                # None has the number of a standard stream: those are open all the time.
                if fd > 0:
                    os.close(fd)
        if self.died > 0:
            os.close(self.died)
        return 0

    cdef int _provide_desks(self) except -1:
        """Make all that workers need to pack pages and to unpack them."""
        cdef int i, b
        cdef size_t into = (PAGES_INTO + 1) * LONGEST, out = (PAGES_OUT + 1) * LONGEST
        cdef unsigned char *memory
        cdef Hand *hand
        codec, level = METHODS[self.compression]
        if self._count > MAX_WRITERS:
            raise ValueError("so many workers find no room in a pool")
        self._desks = <Desk *>calloc(self._count * LANES * BATCHES, sizeof(Desk))
        self._codecs = <CodecState *>calloc(self._count, sizeof(CodecState))
        self._crew.hand = <Hand *>calloc(self._count, sizeof(Hand))
        if self._desks == NULL or self._codecs == NULL or self._crew.hand == NULL:
            raise MemoryError
        touch(self._desks, self._count * LANES * BATCHES * sizeof(Desk))
        touch(self._crew.hand, self._count * sizeof(Hand))
        self._crew.count = self._count
        # More would only take turns.
        self._crew.helpers = min(self._count, len(os.sched_getaffinity(0))) - 1
        self._crew.offering = self._crew.asleep = 0
        memory = self._packed = <unsigned char *>pinned(self._count * BATCHES * (into + out))
        for i in range(self._count):
            open_state(&self._codecs[i], codec, level)
            hand = &self._crew.hand[i]
            hand.crew = &self._crew
            hand.worker = i
            hand.codecs = &self._codecs[i]
            for b in range(BATCHES):
                open_desk(&self._desks[(i * LANES + INTO) * BATCHES + b], hand, memory, PAGES_INTO)
                memory += into
                open_desk(&self._desks[(i * LANES + OUT) * BATCHES + b], hand, memory, PAGES_OUT)
                memory += out
        return 0

    cdef cydriver.CUfunction _load(self, bytes cubin) except? NULL:
        """The kernel, or NULL when there is none for this GPU."""
        cdef cydriver.CUfunction kernel = NULL
        self._module = NULL
        if cubin and cydriver.cuModuleLoadData(&self._module, <char *>cubin) == cydriver.CUresult.CUDA_SUCCESS:
            check(cydriver.cuModuleGetFunction(&kernel, self._module, "copy"), "cuModuleGetFunction")
        return kernel

    cdef tuple _measure(self, cydriver.CUfunction kernel, bint can_batch):
        """Compare the kernel with the other ways on the card at hand, and warm all of them up."""
        cdef cydriver.CUdeviceptr vram = 0
        cdef CopyBatch *batch
        cdef Channel channel
        cdef unsigned char *host
        cdef int lane, count
        cdef uint64_t without, took
        self.kernel_from = None
        self.ways = []
        if kernel == NULL:
            return NEVER, NEVER
        batch = <CopyBatch *>calloc(1, sizeof(CopyBatch))
        host = <unsigned char *>pinned(MOST * STRIDE)
        check(cydriver.cuMemAlloc(&vram, MOST * 2 * PAGE), "cuMemAlloc")
        memset(&channel, 0, sizeof(channel))
        found = []
        for lane, default in enumerate((KERNEL_OUT_FROM, KERNEL_INTO_FROM)):
            prepare(batch, &channel, lane == INTO, can_batch, self._listed)
            batch.kernel_from = 1
            ways = []
            count = MOST
            while count > 1:
                with nogil:
                    batch.kernel = NULL
                    without = timed(batch, vram, host, count)
                    batch.kernel = kernel
                    took = timed(batch, vram, host, count)
                if max(took, without) > GIVE_UP:
                    break
                ways.append((count, without, took))
                count //= 2
            self.ways += [(lane == INTO, *way) for way in ways]
            found.append(kernel_pays_from(ways, default))
            cydriver.cuStreamDestroy(batch.stream)
        cydriver.cuMemFree(vram)
        cydriver.cuMemFreeHost(host)
        free(batch)
        self.kernel_from = tuple(found)
        return self.kernel_from

    def _run(self, int index):
        # A thread starts out with the scheduling of the one that makes it, and those that serve are nobody special.
        go_with_the_others()
        with nogil:
            work(&self._workers[index])

    def add_segment(self, int index, unsigned long long base, unsigned long long size, unsigned long long sums=0,
                    unsigned long long spares=0):
        """Serve `size` bytes of VRAM at device address `base` as segment `index`.

        `sums`: the address of its pages' sums (page_sums.py); 0: nothing is verified. `spares`: of what it has in place of
        bad places; 0: nothing.
        """
        cdef LinearStore *store = <LinearStore *>calloc(1, linear_store_size(size))
        if store == NULL:
            raise MemoryError
        open_linear(store, base, size, self._zeroes, <uint32_t *><uintptr_t>sums, <uint64_t *><uintptr_t>spares, SPARES)
        self._segments[index] = (<uintptr_t>store, size, False)

    def add_extent(self, int number, unsigned long long base, unsigned long long size, int shift,
                   unsigned long long bad=0):
        """Have `size` bytes of VRAM at device address `base` as extent `number` of the pool, in chunks of 2 ** `shift`
        bytes. All extents are alike. `bad`: the address of what is known of its chunks (page_sums.py); 0: the next engine
        will know nothing of them. Raises VramswapError, MemoryError."""
        add_extent(&self._packer().pool, number, base, size, shift, <uint64_t *><uintptr_t>bad)

    def remove_extent(self, int number, seconds: float) -> int:
        """Move what lies in extent `number` into the others, after which its VRAM may be unmapped.

        Returns 0; or how many bytes are left in it, for which there is no room; or -1 if some more can be moved later.
        No engine before writes any more. Raises VramswapError CLEANER_HANGS.
        """
        cdef _Cleaning cleaning = self._packer()
        begin_pool(&cleaning.pool)
        return cleaning.remove(number, seconds)

    def add_packed_segment(self, int index, unsigned long long size, unsigned long long entries):
        """Serve `size` bytes as segment `index`, packed into the pool.

        `entries`: the address of its pages' entries (page_sums.py), 8 bytes each, zeroes or an engine's before. It may hold
        more than the pool can: writes that find no room end with ENOSPC. Raises VramswapError.
        """
        cdef _Cleaning cleaning = self._packer()
        cdef LogStore *store = <LogStore *>calloc(1, sizeof(LogStore))
        if store == NULL:
            raise MemoryError
        codec, _ = METHODS[self.compression]
        open_log(store, &cleaning.pool, <uint64_t *><uintptr_t>entries, size // PAGE, codec)
        if store.table < 0:
            free(store)
            raise VramswapError(Problem.SEGMENTS_FULL, count=MAX_TABLES)
        self._segments[index] = (<uintptr_t>store, size, True)

    cdef _Cleaning _packer(self):
        if self._cleaning is None:
            raise VramswapError(Problem.NO_POOL)
        return self._cleaning

    def pool(self) -> tuple[int, int, int]:
        """Bytes that pages take of the pool, how many pages are stored, and bytes of chunks that nobody can fill before they
        were cleaned. No engine before writes any more."""
        cdef _Cleaning cleaning = self._packer()
        begin_pool(&cleaning.pool)
        return live_bytes(&cleaning.pool), stored_pages(&cleaning.pool), holes(&cleaning.pool)

    def shares(self) -> list[tuple[int, int]]:
        """How many pages are stored of each segment that is packed. As for `pool`."""
        cdef Pool *pool = &self._packer().pool
        begin_pool(pool)
        return [
            (index, load_long(&pool.table[(<LogStore *><uintptr_t>store).table].stored))
            for index, (store, _, packed) in sorted(self._segments.items()) if packed
        ]

    def compact(self, unsigned long long least) -> None:
        """Have chunks emptied until no more than `least` bytes are holes, or somebody writes. As for `pool`."""
        cdef Pool *pool = &self._packer().pool
        begin_pool(pool)
        compact_to(pool, least)

    def stored(self) -> dict:
        """What the pool holds: pages that were written, those of one word and those kept as they are; the bytes of the
        others' records and of all chunks, those of free chunks, and those that were moved to clean some."""
        cdef Pool *pool = &self._packer().pool
        cdef uint64_t number, entry, pages = 0, filled = 0, raw = 0, live = 0
        cdef uint64_t i
        for i in range(pool.tables):
            for number in range(pool.table[i].pages):
                entry = pool.table[i].entry[number]
                pages += form_of(entry) != UNWRITTEN
                filled += UNWRITTEN < form_of(entry) < RAW
                raw += form_of(entry) == RAW
                live += record_length(entry)
        return {
            "pages": pages, "filled": filled, "raw": raw, "live": live, "room": pool.present << pool.shift,
            "free": free_chunks(pool) << pool.shift, "moved": pool.moved,
        }

    def add_connection(self, int index, int fd):
        """Serve segment `index` on the connected stream socket `fd`, which the engine owns from now on."""
        cdef NbdConnection *c
        try:
            _, size, _ = self._segments[index]
            c = self._vacant()
        except BaseException:
            os.close(fd)
            raise
        open_connection(c, size)
        c.port.fd = fd
        self._begin(&c.port, index)

    def add_queue(self, int index, str device) -> None:
        """Serve segment `index` as the ublk device whose `/dev/ublkcN` is `device`. Raises OSError."""
        cdef UblkQueue *q
        cdef int error
        _, size, _ = self._segments[index]
        q = self._vacant_queue()
        open_queue(q, size)
        opened = []
        try:
            opened.append(os.open(device, os.O_RDWR | os.O_CLOEXEC))
            for _ in range(2):
                opened.append(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
        except OSError:
            # The device has one opener at a time, and the next try is another one.
            for fd in opened:
                os.close(fd)
            raise
        q.device, q.port.fd, q.began = opened
        q.descriptors = <const vs_io_desc *>mmap(
            NULL, DESCRIPTORS_SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, q.device, 0
        )
        error = errno if <void *>q.descriptors == MAP_FAILED else uring_open(&q.uring, TAGS, q.port.fd)
        if error:
            # A mapping alone would keep the device open.
            if <void *>q.descriptors != MAP_FAILED:
                munmap(<void *>q.descriptors, DESCRIPTORS_SIZE)
            for fd in opened:
                os.close(fd)
            raise OSError(error, os.strerror(error))
        self._begin(&q.port, index)
        # Its worker's first turn, in which all of it is fetched.
        os.eventfd_write(q.port.fd, 1)
        began = select.poll()
        began.register(q.began, select.POLLIN)
        if not began.poll(BEGIN_MS):
            q.port.frontend.hang_up(&q.port)
            raise TimeoutError(f"no worker took {device}")
        error = -load_acquire(&q.started)
        if error > 0:
            raise OSError(error, os.strerror(error))

    cdef int _begin(self, Port *port, int index) except -1:
        """Give a port, which has its descriptor, to a worker."""
        cdef uintptr_t store
        cdef int error = 0
        worker = &self._workers[self._next]
        self._next = (self._next + 1) % self._count
        store, _, _ = self._segments[index]
        # From here on nobody else writes: engines before us are dead.
        port.store = <Store *>store
        port.store.begin(port.store)
        port.tally = worker.tally
        port.segment = index
        store_release(&port.state, LIVE)
        watch(worker, port, &error)
        if error:
            port.frontend.close(port)
            store_release(&port.state, FREE)
            raise OSError(error, "epoll_ctl")
        return 0

    cdef Port *_port(self, int i) noexcept:
        """The port at place `i`, of whatever kind; or NULL."""
        if i < MAX_CONNECTIONS:
            return <Port *>self._connections[i]
        return <Port *>self._queues[i - MAX_CONNECTIONS]

    cdef UblkQueue *_vacant_queue(self) except NULL:
        cdef UblkQueue *q
        cdef int i
        for i in range(MAX_QUEUES):
            q = self._queues[i]
            if q == NULL:
                return self._new_queue(i)
            if load_acquire(&q.port.state) == FREE:
                return q
        raise VramswapError(Problem.CONNECTIONS_FULL, most=MAX_QUEUES)

    cdef UblkQueue *_new_queue(self, int i) except NULL:
        cdef UblkQueue *q = <UblkQueue *>calloc(1, sizeof(UblkQueue))
        if q == NULL:
            raise MemoryError
        try:
            q.memory[OUT] = <unsigned char *>pinned(LANES * RING_SIZE)
        except BaseException:
            free(q)
            raise
        q.memory[INTO] = q.memory[OUT] + RING_SIZE
        self._queues[i] = q
        return q

    cdef NbdConnection *_vacant(self) except NULL:
        cdef NbdConnection *c
        cdef int i
        for i in range(MAX_CONNECTIONS):
            c = self._connections[i]
            if c == NULL:
                break
            if load_acquire(&c.port.state) == FREE:
                return c
        else:
            raise VramswapError(Problem.CONNECTIONS_FULL, most=MAX_CONNECTIONS)
        return self._new_connection(i)

    def provide(self, int connections, int queues) -> None:
        """Have memory for so many connections and queues in all, so that none is needed when they come."""
        cdef int i
        for i in range(min(connections, MAX_CONNECTIONS)):
            if self._connections[i] == NULL:
                self._new_connection(i)
        for i in range(min(queues, MAX_QUEUES)):
            if self._queues[i] == NULL:
                self._new_queue(i)

    cdef NbdConnection *_new_connection(self, int i) except NULL:
        """A vacant one at place `i`, the first that is empty."""
        cdef NbdConnection *c = <NbdConnection *>calloc(1, sizeof(NbdConnection))
        if c == NULL:
            raise MemoryError
        try:
            c.rx = <unsigned char *>pinned(RX_SIZE + TX_SIZE + ACROSS)
        except BaseException:
            free(c)
            raise
        c.tx = c.rx + RX_SIZE
        c.across = c.tx + TX_SIZE
        self._connections[i] = c
        return c

    def reap(self):
        """Close the descriptors of connections that ended; to be called when `died` is readable."""
        cdef Port *port
        cdef int i
        try:
            os.eventfd_read(self.died)
        except BlockingIOError:
            pass
        for i in range(MAX_PORTS):
            port = self._port(i)
            if port != NULL and load_acquire(&port.state) == DEAD:
                port.frontend.close(port)
                store_release(&port.state, FREE)

    def connections(self, int index) -> int:
        """How many connections of segment `index` (-1: of all segments) are alive."""
        cdef Port *port
        cdef int i, alive = 0
        for i in range(MAX_PORTS):
            port = self._port(i)
            if port != NULL:
                alive += load_acquire(&port.state) == LIVE and (index < 0 or port.segment == index)
        return alive

    def fence(self, int index) -> None:
        """End every connection of segment `index`; when it returns, no copy of theirs is under way or can come."""
        cdef Port *port
        cdef int i
        self.reap()
        for i in range(MAX_PORTS):
            port = self._port(i)
            # Only this thread closes descriptors, so the number still means this connection.
            if port != NULL and load_acquire(&port.state) == LIVE and port.segment == index:
                port.frontend.hang_up(port)
        while self.connections(index):
            select.select([self.died], [], [])
            self.reap()
        self.reap()

    def drop_segment(self, int index, bint for_good=True) -> None:
        """Forget segment `index` after fencing it; its VRAM may then be unmapped. Not `for_good`: the next engine has its
        pages."""
        cdef uintptr_t store
        self.fence(index)
        store, _, packed = self._segments.pop(index)
        if packed:
            remove_table(&self._cleaning.pool, (<LogStore *>store).table, for_good)
        free(<void *>store)

    def poke(self) -> None:
        """Send every worker round its loop once, and the cleaner, so that an idle one shows a heartbeat and a hung one does
        not."""
        cdef int i
        for i in range(self._count):
            os.eventfd_write(self._workers[i].wake, 1)
        if self._cleaning is not None:
            os.eventfd_write(self._cleaning.wake, 1)

    def close(self) -> None:
        """End all connections and workers, and give back their memory. What was not dropped stays where it is."""
        cdef int i, lane, b
        for index in list(self._segments):
            self.drop_segment(index, for_good=False)
        if self._cleaning is not None:
            self._cleaning.stop()
            self._cleaning = None
        for i in range(self._count):
            store_release(&self._workers[i].ending, 1)
        self.poke()
        for thread in self._threads:
            thread.join()
        for i in range(self._count):
            for lane in range(LANES):
                for b in range(BATCHES):
                    cydriver.cuStreamDestroy(self._workers[i].lane[lane].batch[b].copies.stream)
            cydriver.cuStreamDestroy(self._workers[i].channel.stream)
        self._close_descriptors()
        for i in range(MAX_CONNECTIONS):
            if self._connections[i] == NULL:
                break
            cydriver.cuMemFreeHost(self._connections[i].rx)
            free(self._connections[i])
            self._connections[i] = NULL
        for i in range(MAX_QUEUES):
            if self._queues[i] != NULL:
                cydriver.cuMemFreeHost(self._queues[i].memory[OUT])
                free(self._queues[i])
                self._queues[i] = NULL
        if self._desks != NULL:
            for i in range(self._count):
                close_state(&self._codecs[i])
            cydriver.cuMemFreeHost(self._packed)
            free(self._codecs)
            free(self._crew.hand)
            free(self._desks)
        if self._module != NULL:
            cydriver.cuModuleUnload(self._module)
        cydriver.cuMemFreeHost(self._listed)
        cydriver.cuMemFreeHost(self._zeroes)
        cydriver.cuMemFree(self._words)
        free(self._workers)
        self._workers = NULL
        self._count = 0
