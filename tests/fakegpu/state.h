/* What the simulated GPU's two libraries share: its VRAM, its counters and the faults that tests switch on. */
#ifndef FAKEGPU_STATE_H
#define FAKEGPU_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPU_NAME "vramswap Simulated GPU"
#define GPU_UUID "GPU-5eed5eed-5eed-5eed-5eed-5eed5eed5eed"
#define GPU_UUID_BYTES "\x5e\xed\x5e\xed\x5e\xed\x5e\xed\x5e\xed\x5e\xed\x5e\xed\x5e\xed"
#define GPU_PCI "0000:01:00.0"

/* The file "control" in the GPU's folder, mapped by every process and by the tests (tests/fakegpu/__init__.py). */
struct control {
    _Atomic uint64_t cuda_calls;
    _Atomic uint64_t nvml_calls;
    _Atomic uint64_t vram;           /* bytes; 0 means not set up yet */
    _Atomic uint64_t driver_version; /* as cuDriverGetVersion tells it: 13000 is CUDA 13.0 */
    _Atomic uint64_t allocations_left; /* UINT64_MAX: no limit; 0: out of memory */
    _Atomic uint64_t failing_copies; /* this many copies fail; UINT64_MAX: all */
    _Atomic uint64_t slow_copy_us;   /* each copy takes this much longer */
    _Atomic uint64_t sticky_epoch;   /* raising it breaks the contexts that exist now, for good */
    _Atomic uint64_t lost;           /* the GPU has fallen off the bus */
    _Atomic uint64_t no_device;      /* the driver finds no GPU */
    _Atomic uint64_t import_refused; /* shared memory cannot be imported */
    _Atomic uint64_t others_bytes;   /* VRAM that another program uses */
    _Atomic uint64_t others_pid;
    _Atomic uint64_t utilisation;    /* percent */
    _Atomic uint64_t milliwatts;
    _Atomic uint64_t display;        /* 1: a display is active, 2: a screen is plugged in, 3: both */
    _Atomic uint64_t others_draw;    /* the other program is on the list of those that draw, too */
    _Atomic uint64_t tells_little;   /* 1: no bytes of each process; 2: nothing but memory, as on some old cards */
    char others_name[64];
};

struct process_use {
    uint32_t pid;
    uint64_t bytes;
};

/* The control block; made on first use. Never NULL. */
struct control *control(void);

/* A new allocation: a file descriptor, or -1 when there is not enough. It counts for as long as any process has the
 * descriptor open or its memory mapped, and not a moment longer, however the process ends. */
int allocate(size_t size);

/* Bytes in use by allocations and by others. */
uint64_t used_bytes(void);

/* The processes that made live allocations; returns how many, at most `room`. */
size_t users(struct process_use *found, size_t room);

#endif
