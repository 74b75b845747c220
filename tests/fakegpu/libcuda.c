/* A stand-in for libcuda.so.1 with the calls that vramswap makes. VRAM is files mapped shared, so that exporting and
 * importing descriptors means what it means on a card; a device address is the address of the mapping. The types are
 * those of cuda.h (CUDA 13), written down here so that building needs a C compiler and nothing else. */
#define _GNU_SOURCE
#include "state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef int CUresult;
typedef uintptr_t CUdeviceptr;

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    DEVICE_UNAVAILABLE = 46,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    NOT_SUPPORTED = 801,
    UNKNOWN = 999,
};

static const struct {
    CUresult code;
    const char *name;
} ERRORS[] = {
    {SUCCESS, "CUDA_SUCCESS"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
    {DEVICE_UNAVAILABLE, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
    {UNKNOWN, "CUDA_ERROR_UNKNOWN"},
};

#define MAX_RANGES 256
#define GRANULE (2UL << 20)

struct range {
    uintptr_t start;
    size_t size;
    int prot; /* PROT_NONE until access is allowed */
};

struct copy {
    void *target;
    const void *source;
    size_t size;
    int zero; /* set memory instead, to `value` */
    unsigned char value;
};

struct stream {
    pthread_mutex_t lock;
    size_t count, room;
    struct copy *queue;
    CUresult failed;
};

struct memory {
    int fd;
    size_t size;
};

static int initialised;
static uint64_t my_epoch;
static CUresult broken; /* a sticky error of this process's context */
static _Thread_local void *current;
static int context; /* its address is the one context there is */
static struct stream default_stream = {.lock = PTHREAD_MUTEX_INITIALIZER};
static pthread_rwlock_t ranges_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct range ranges[MAX_RANGES];

/* Every call begins here: counts it and says what keeps it from working. */
static CUresult enter(void) {
    struct control *c = control();
    c->cuda_calls++;
    if (!initialised)
        return NOT_INITIALIZED;
    if (c->lost)
        return DEVICE_UNAVAILABLE;
    if (c->sticky_epoch != my_epoch)
        broken = ILLEGAL_ADDRESS;
    return broken;
}

static CUresult enter_context(void) {
    CUresult result = enter();
    return result ? result : current ? SUCCESS : INVALID_CONTEXT;
}

#define ENTER()                    \
    do {                           \
        CUresult entered_ = enter(); \
        if (entered_)              \
            return entered_;       \
    } while (0)
#define ENTER_CONTEXT()                    \
    do {                                   \
        CUresult entered_ = enter_context(); \
        if (entered_)                      \
            return entered_;               \
    } while (0)

EXPORT CUresult cuInit(unsigned flags) {
    (void)flags;
    struct control *c = control();
    c->cuda_calls++;
    if (c->no_device)
        return NO_DEVICE;
    if (c->lost)
        return DEVICE_UNAVAILABLE;
    initialised = 1;
    my_epoch = c->sticky_epoch;
    return SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
    control()->cuda_calls++;
    *version = (int)control()->driver_version;
    return SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult error, const char **name) {
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == error) {
            *name = ERRORS[i].name;
            return SUCCESS;
        }
    *name = NULL;
    return INVALID_VALUE;
}

EXPORT CUresult cuGetErrorString(CUresult error, const char **text) { return cuGetErrorName(error, text); }

EXPORT CUresult cuDeviceGetCount(int *count) {
    ENTER();
    *count = 1;
    return SUCCESS;
}

EXPORT CUresult cuDeviceGet(int *device, int ordinal) {
    ENTER();
    *device = 0;
    return ordinal ? INVALID_DEVICE : SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, int device) {
    (void)device;
    ENTER();
    strncpy(name, GPU_NAME, (size_t)length);
    return SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(char *uuid, int device) {
    (void)device;
    ENTER();
    memcpy(uuid, GPU_UUID_BYTES, 16);
    return SUCCESS;
}

EXPORT CUresult cuDeviceGetPCIBusId(char *id, int length, int device) {
    (void)device;
    ENTER();
    strncpy(id, GPU_PCI, (size_t)length);
    return SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem(size_t *bytes, int device) {
    (void)device;
    ENTER();
    *bytes = control()->vram;
    return SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags(int device, unsigned flags) {
    (void)device, (void)flags;
    return enter();
}

EXPORT CUresult cuDevicePrimaryCtxRetain(void **made, int device) {
    (void)device;
    ENTER();
    *made = &context;
    return SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease(int device) {
    (void)device;
    return enter();
}

EXPORT CUresult cuCtxSetCurrent(void *made) {
    ENTER();
    current = made;
    return SUCCESS;
}

EXPORT CUresult cuMemGetInfo(size_t *free_bytes, size_t *total) {
    ENTER_CONTEXT();
    uint64_t used = used_bytes();
    *total = control()->vram;
    *free_bytes = used < *total ? *total - used : 0;
    return SUCCESS;
}

/* ---- Memory ---- */

EXPORT CUresult cuMemHostAlloc(void **memory, size_t size, unsigned flags) {
    (void)flags;
    ENTER_CONTEXT();
    return posix_memalign(memory, 4096, size) ? OUT_OF_MEMORY : SUCCESS;
}

EXPORT CUresult cuMemFreeHost(void *memory) {
    free(memory);
    return enter();
}

EXPORT CUresult cuMemGetAllocationGranularity(size_t *granule, const void *properties, int option) {
    (void)properties, (void)option;
    ENTER();
    *granule = GRANULE;
    return SUCCESS;
}

EXPORT CUresult cuMemCreate(struct memory **handle, size_t size, const void *properties, unsigned long long flags) {
    (void)properties, (void)flags;
    ENTER_CONTEXT();
    if (!size || size % GRANULE)
        return INVALID_VALUE;
    int fd = allocate(size);
    if (fd < 0)
        return OUT_OF_MEMORY;
    *handle = malloc(sizeof **handle);
    **handle = (struct memory){fd, size};
    return SUCCESS;
}

EXPORT CUresult cuMemRelease(struct memory *handle) {
    close(handle->fd);
    free(handle);
    return enter();
}

EXPORT CUresult cuMemExportToShareableHandle(int *fd, struct memory *handle, int type, unsigned long long flags) {
    (void)flags;
    ENTER();
    if (type != 1)
        return NOT_SUPPORTED;
    *fd = dup(handle->fd);
    return *fd < 0 ? UNKNOWN : SUCCESS;
}

EXPORT CUresult cuMemImportFromShareableHandle(struct memory **handle, void *fd, int type) {
    ENTER_CONTEXT();
    if (type != 1)
        return NOT_SUPPORTED;
    if (control()->import_refused)
        return INVALID_DEVICE;
    off_t size = lseek((int)(intptr_t)fd, 0, SEEK_END);
    int own = dup((int)(intptr_t)fd);
    if (size <= 0 || own < 0)
        return INVALID_VALUE;
    *handle = malloc(sizeof **handle);
    **handle = (struct memory){own, (size_t)size};
    return SUCCESS;
}

EXPORT CUresult cuMemAddressReserve(CUdeviceptr *address, size_t size, size_t align, CUdeviceptr wanted,
                                    unsigned long long flags) {
    (void)align, (void)wanted, (void)flags;
    ENTER();
    void *made = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *address = (CUdeviceptr)made;
    return made == MAP_FAILED ? OUT_OF_MEMORY : SUCCESS;
}

EXPORT CUresult cuMemAddressFree(CUdeviceptr address, size_t size) {
    munmap((void *)address, size);
    return enter();
}

static struct range *range_at(uintptr_t start) {
    for (int i = 0; i < MAX_RANGES; i++)
        if (ranges[i].start == start)
            return &ranges[i];
    return NULL;
}

EXPORT CUresult cuMemMap(CUdeviceptr address, size_t size, size_t offset, struct memory *handle,
                         unsigned long long flags) {
    (void)flags;
    ENTER();
    if (size + offset > handle->size)
        return INVALID_VALUE;
    if (mmap((void *)address, size, PROT_NONE, MAP_SHARED | MAP_FIXED, handle->fd, (off_t)offset) == MAP_FAILED)
        return UNKNOWN;
    pthread_rwlock_wrlock(&ranges_lock);
    struct range *range = range_at(0);
    if (range)
        *range = (struct range){address, size, PROT_NONE};
    pthread_rwlock_unlock(&ranges_lock);
    return range ? SUCCESS : OUT_OF_MEMORY;
}

EXPORT CUresult cuMemUnmap(CUdeviceptr address, size_t size) {
    pthread_rwlock_wrlock(&ranges_lock);
    struct range *range = range_at(address);
    if (range)
        range->start = 0;
    pthread_rwlock_unlock(&ranges_lock);
    mmap((void *)address, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    CUresult result = enter();
    return result ? result : range ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult cuMemSetAccess(CUdeviceptr address, size_t size, const void *access, size_t count) {
    (void)access, (void)count;
    ENTER();
    pthread_rwlock_wrlock(&ranges_lock);
    struct range *range = range_at(address);
    if (range && mprotect((void *)address, size, PROT_READ | PROT_WRITE) == 0)
        range->prot = PROT_READ | PROT_WRITE;
    pthread_rwlock_unlock(&ranges_lock);
    return range ? SUCCESS : INVALID_VALUE;
}

/* The plain allocator, for programs that play another user of the GPU. */
EXPORT CUresult cuMemAlloc(CUdeviceptr *address, size_t size) {
    struct memory *memory;
    size = (size + GRANULE - 1) / GRANULE * GRANULE;
    CUresult result = cuMemCreate(&memory, size, NULL, 0);
    if (result)
        return result;
    cuMemAddressReserve(address, size, 0, 0, 0);
    cuMemMap(*address, size, 0, memory, 0);
    cuMemSetAccess(*address, size, NULL, 0);
    return cuMemRelease(memory);
}

EXPORT CUresult cuMemFree(CUdeviceptr address) {
    pthread_rwlock_rdlock(&ranges_lock);
    struct range *range = range_at(address);
    size_t size = range ? range->size : 0;
    pthread_rwlock_unlock(&ranges_lock);
    if (!size)
        return INVALID_VALUE;
    CUresult result = cuMemUnmap(address, size);
    munmap((void *)address, size);
    return result;
}

/* ---- Copies: queued, and only done when their stream is synchronised, so that forgetting to wait shows. ---- */

/* Whether [start, start + size) is mapped VRAM that may be accessed. */
static bool in_vram(const void *start, size_t size) {
    uintptr_t from = (uintptr_t)start;
    bool found = false;
    pthread_rwlock_rdlock(&ranges_lock);
    for (int i = 0; i < MAX_RANGES && !found; i++)
        found = ranges[i].start && ranges[i].prot && from >= ranges[i].start && size <= ranges[i].size &&
                from - ranges[i].start <= ranges[i].size - size;
    pthread_rwlock_unlock(&ranges_lock);
    return found;
}

static CUresult copy_now(const struct copy *copy) {
    struct control *c = control();
    if (c->slow_copy_us)
        usleep((useconds_t)c->slow_copy_us);
    uint64_t failing = c->failing_copies;
    if (failing) {
        if (failing != UINT64_MAX)
            c->failing_copies--;
        return UNKNOWN;
    }
    if (!in_vram(copy->target, copy->size) && (copy->zero || !in_vram(copy->source, copy->size)))
        return broken = ILLEGAL_ADDRESS;
    if (copy->zero)
        memset(copy->target, copy->value, copy->size);
    else
        memcpy(copy->target, copy->source, copy->size);
    return SUCCESS;
}

static CUresult enqueue(struct stream *stream, struct copy copy) {
    ENTER_CONTEXT();
    if (!stream)
        stream = &default_stream;
    pthread_mutex_lock(&stream->lock);
    if (stream->count == stream->room) {
        stream->room = stream->room ? 2 * stream->room : 1024;
        stream->queue = realloc(stream->queue, stream->room * sizeof copy);
    }
    stream->queue[stream->count++] = copy;
    pthread_mutex_unlock(&stream->lock);
    return SUCCESS;
}

static CUresult drain(struct stream *stream) {
    CUresult result = SUCCESS;
    pthread_mutex_lock(&stream->lock);
    for (size_t i = 0; i < stream->count && !result; i++)
        result = copy_now(&stream->queue[i]);
    stream->count = 0;
    pthread_mutex_unlock(&stream->lock);
    return result;
}

EXPORT CUresult cuStreamCreate(struct stream **stream, unsigned flags) {
    (void)flags;
    ENTER_CONTEXT();
    *stream = calloc(1, sizeof **stream);
    pthread_mutex_init(&(*stream)->lock, NULL);
    /* Room from the start: a real driver does not allocate on every copy either. */
    (*stream)->room = 1024;
    (*stream)->queue = calloc(1024, sizeof(struct copy));
    return SUCCESS;
}

EXPORT CUresult cuStreamDestroy(struct stream *stream) {
    free(stream->queue);
    free(stream);
    return enter();
}

EXPORT CUresult cuStreamSynchronize(struct stream *stream) {
    ENTER_CONTEXT();
    return drain(stream ? stream : &default_stream);
}

EXPORT CUresult cuCtxSynchronize(void) {
    ENTER_CONTEXT();
    return drain(&default_stream);
}

EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr target, const void *source, size_t size, struct stream *stream) {
    return enqueue(stream, (struct copy){(void *)target, source, size, 0, 0});
}

EXPORT CUresult cuMemcpyDtoHAsync(void *target, CUdeviceptr source, size_t size, struct stream *stream) {
    return enqueue(stream, (struct copy){target, (const void *)source, size, 0, 0});
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t size, struct stream *stream) {
    return enqueue(stream, (struct copy){(void *)target, NULL, size, 1, value});
}

EXPORT CUresult cuMemcpyBatchAsync(CUdeviceptr *targets, CUdeviceptr *sources, size_t *sizes, size_t count,
                                   void *attributes, size_t *indices, size_t attribute_count, struct stream *stream) {
    if (!attributes || !indices || !attribute_count || !stream)
        return INVALID_VALUE;
    /* Backwards, for a caller must not count on an order within a batch. */
    for (size_t i = count; i-- > 0;) {
        CUresult result = enqueue(stream, (struct copy){(void *)targets[i], (void *)sources[i], sizes[i], 0, 0});
        if (result)
            return result;
    }
    return SUCCESS;
}

EXPORT CUresult cuMemcpyHtoD(CUdeviceptr target, const void *source, size_t size) {
    CUresult result = cuMemcpyHtoDAsync(target, source, size, NULL);
    return result ? result : drain(&default_stream);
}

EXPORT CUresult cuMemcpyDtoH(void *target, CUdeviceptr source, size_t size) {
    CUresult result = cuMemcpyDtoHAsync(target, source, size, NULL);
    return result ? result : drain(&default_stream);
}

EXPORT CUresult cuMemsetD8(CUdeviceptr target, unsigned char value, size_t size) {
    CUresult result = cuMemsetD8Async(target, value, size, NULL);
    return result ? result : drain(&default_stream);
}

/* ---- How cuda-bindings finds all of it ---- */

#define ENTRY(name) {#name, (void *)name}
static const struct {
    const char *name;
    void *function;
} ENTRIES[] = {
    ENTRY(cuInit), ENTRY(cuDriverGetVersion), ENTRY(cuGetErrorName), ENTRY(cuGetErrorString),
    ENTRY(cuDeviceGetCount), ENTRY(cuDeviceGet), ENTRY(cuDeviceGetName), ENTRY(cuDeviceGetUuid),
    ENTRY(cuDeviceGetPCIBusId), ENTRY(cuDeviceTotalMem), ENTRY(cuDevicePrimaryCtxSetFlags),
    ENTRY(cuDevicePrimaryCtxRetain), ENTRY(cuDevicePrimaryCtxRelease), ENTRY(cuCtxSetCurrent),
    ENTRY(cuCtxSynchronize), ENTRY(cuMemGetInfo), ENTRY(cuMemHostAlloc), ENTRY(cuMemFreeHost),
    ENTRY(cuMemGetAllocationGranularity), ENTRY(cuMemCreate), ENTRY(cuMemRelease),
    ENTRY(cuMemExportToShareableHandle), ENTRY(cuMemImportFromShareableHandle), ENTRY(cuMemAddressReserve),
    ENTRY(cuMemAddressFree), ENTRY(cuMemMap), ENTRY(cuMemUnmap), ENTRY(cuMemSetAccess), ENTRY(cuMemAlloc),
    ENTRY(cuMemFree), ENTRY(cuStreamCreate), ENTRY(cuStreamDestroy), ENTRY(cuStreamSynchronize),
    ENTRY(cuMemcpyHtoDAsync), ENTRY(cuMemcpyDtoHAsync), ENTRY(cuMemsetD8Async), ENTRY(cuMemcpyBatchAsync),
    ENTRY(cuMemcpyHtoD), ENTRY(cuMemcpyDtoH), ENTRY(cuMemsetD8),
};

EXPORT CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status) {
    (void)version, (void)flags;
    *function = NULL;
    for (size_t i = 0; i < sizeof ENTRIES / sizeof *ENTRIES; i++)
        if (!strcmp(ENTRIES[i].name, name))
            *function = ENTRIES[i].function;
    if (!strcmp(name, "cuGetProcAddress"))
        *function = (void *)cuGetProcAddress_v2;
    /* CU_GET_PROC_ADDRESS_SUCCESS and CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND */
    if (status)
        *status = *function ? 0 : 1;
    return *function ? SUCCESS : NOT_FOUND;
}
