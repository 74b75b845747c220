// SPDX-License-Identifier: MIT
/* A stand-in for libnvidia-ml.so.1 with the calls that vramswap makes through pynvml; types as in nvml.h. */
#define _GNU_SOURCE
#include "state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef int nvmlReturn_t;
enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    GPU_IS_LOST = 15
};
/* What control()->tells_little can be. */
enum { NO_PROCESS_BYTES = 1, MEMORY_ALONE = 2 };
/* What control()->nvml_lies can be: each number is the largest there is, or 0, or more than the one it is a part of. */
enum { ALL_ONES = 1, ALL_ZERO = 2, PARTS_ABOVE_ALL = 3 };
#define NO_TEXT "\xff\xfe\x1b[2J\n"

static int initialised;
static int device; /* its address is the one device there is */

static nvmlReturn_t enter(void) {
    control()->nvml_calls++;
    return !initialised ? UNINITIALIZED : control()->lost ? GPU_IS_LOST : SUCCESS;
}

#define ENTER()                        \
    do {                               \
        nvmlReturn_t entered_ = enter(); \
        if (entered_)                  \
            return entered_;           \
    } while (0)

/* For what some cards do not tell. */
#define ENTER_OPTIONAL()                           \
    do {                                           \
        ENTER();                                   \
        if (control()->tells_little == MEMORY_ALONE) \
            return NOT_SUPPORTED;                  \
    } while (0)

static nvmlReturn_t put(char *target, unsigned room, const char *text) {
    if (strlen(text) >= room)
        return INSUFFICIENT_SIZE;
    strcpy(target, text);
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    control()->nvml_calls++;
    control()->nvml_waits++;
    while (control()->nvml_hangs)
        usleep(1000);
    control()->nvml_waits--;
    initialised++;
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

EXPORT nvmlReturn_t nvmlShutdown(void) {
    control()->nvml_calls++;
    if (!initialised)
        return UNINITIALIZED;
    initialised--;
    return SUCCESS;
}

EXPORT const char *nvmlErrorString(nvmlReturn_t error) {
    switch (error) {
    case SUCCESS:
        return "Success";
    case UNINITIALIZED:
        return "Uninitialized";
    case NOT_SUPPORTED:
        return "Not Supported";
    case NOT_FOUND:
        return "Not Found";
    case GPU_IS_LOST:
        return "GPU is lost";
    default:
        return "Error";
    }
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned room) {
    ENTER();
    return put(version, room, "580.00.00");
}

EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned room) {
    ENTER();
    return put(version, room, "13.580.00.00");
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    ENTER();
    *version = (int)control()->driver_version;
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    ENTER();
    *count = !control()->no_device;
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    ENTER();
    *handle = &device;
    return index || control()->no_device ? INVALID_ARGUMENT : SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **handle) {
    ENTER();
    *handle = &device;
    size_t length = strlen(GPU_PCI), given = strlen(id);
    /* NVML writes the domain with eight digits, sysfs with four. */
    return given >= length && !strcasecmp(id + given - length, GPU_PCI) ? SUCCESS : NOT_FOUND;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    ENTER();
    *handle = &device;
    return strcmp(uuid, GPU_UUID) ? NOT_FOUND : SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetName(void *handle, char *name, unsigned room) {
    (void)handle;
    ENTER();
    return put(name, room, control()->nvml_lies ? NO_TEXT : GPU_NAME);
}

EXPORT nvmlReturn_t nvmlDeviceGetUUID(void *handle, char *uuid, unsigned room) {
    (void)handle;
    ENTER();
    return put(uuid, room, GPU_UUID);
}

struct pci_info {
    char legacy_id[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char id[32];
};

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(void *handle, struct pci_info *info) {
    (void)handle;
    ENTER();
    *info = (struct pci_info){GPU_PCI, 0, 1, 0, 0x5eed10de, 0, "0000" GPU_PCI};
    return SUCCESS;
}

struct memory_v1 {
    uint64_t total, free, used;
};

struct memory_v2 {
    unsigned version;
    uint64_t total, reserved, free, used;
};

/* A number as it is told. */
static uint64_t told(uint64_t right, uint64_t all) {
    switch (control()->nvml_lies) {
    case ALL_ONES:
        return ~0ULL;
    case ALL_ZERO:
        return 0;
    case PARTS_ABOVE_ALL:
        return all + 1;
    default:
        return right;
    }
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(void *handle, struct memory_v1 *memory) {
    (void)handle;
    ENTER();
    uint64_t total = control()->vram, used = used_bytes();
    uint64_t rest = used < total ? total - used : 0;
    *memory = (struct memory_v1){told(total, total - 1), told(rest, total), told(used, total)};
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory_v2 *memory) {
    struct memory_v1 plain;
    nvmlReturn_t result = nvmlDeviceGetMemoryInfo(handle, &plain);
    if (!result)
        *memory = (struct memory_v2){memory->version, plain.total, told(0, plain.total), plain.free, plain.used};
    return result;
}

EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(void *handle, unsigned rates[2]) {
    (void)handle;
    ENTER_OPTIONAL();
    rates[0] = (unsigned)told(control()->utilisation, 100);
    rates[1] = 0;
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) {
    (void)handle;
    ENTER_OPTIONAL();
    *milliwatts = (unsigned)told(control()->milliwatts, ~0U - 1);
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *degrees) {
    (void)handle, (void)sensor;
    ENTER_OPTIONAL();
    *degrees = 41;
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetDisplayActive(void *handle, int *active) {
    (void)handle;
    ENTER_OPTIONAL();
    *active = control()->display != 0;
    return SUCCESS;
}

struct process_info {
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
};

static nvmlReturn_t list_processes(const struct process_use *found, size_t live, unsigned *count,
                                   struct process_info *list) {
    unsigned room = *count;
    *count = (unsigned)live;
    if (room < live)
        return INSUFFICIENT_SIZE;
    bool counted = control()->tells_little != NO_PROCESS_BYTES;
    for (size_t i = 0; i < live; i++)
        list[i] = (struct process_info){(unsigned)told(found[i].pid, found[i].pid - 1),
                                        counted ? told(found[i].bytes, control()->vram) : ~0ULL, ~0U, ~0U};
    return SUCCESS;
}

static struct process_use others(void) {
    return (struct process_use){(uint32_t)control()->others_pid, control()->others_bytes};
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process_info *list) {
    (void)handle;
    ENTER_OPTIONAL();
    struct process_use found[64];
    size_t live = users(found, 63);
    if (control()->others_bytes)
        found[live++] = others();
    return list_processes(found, live, count, list);
}

EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, struct process_info *list) {
    (void)handle;
    ENTER_OPTIONAL();
    struct process_use drawing = others();
    return list_processes(&drawing, control()->others_bytes && control()->others_draw, count, list);
}

EXPORT nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char *name, unsigned room) {
    ENTER();
    if (control()->others_bytes && pid == control()->others_pid)
        return put(name, room, control()->nvml_lies ? NO_TEXT : control()->others_name);
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return NOT_FOUND;
    if (!fgets(line, sizeof line, file))
        line[0] = 0;
    fclose(file);
    line[strcspn(line, "\n")] = 0;
    return put(name, room, line);
}
