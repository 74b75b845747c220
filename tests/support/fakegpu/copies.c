// SPDX-License-Identifier: MIT
/* The simulated libcuda's copies: queued, and only done when their stream is synchronised, so that forgetting to wait
 * shows. */
#define _GNU_SOURCE
#include "cuda.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct copy {
    void *target;
    const void *source;
    size_t size;
    int zero; /* set memory instead, to `value` */
    unsigned char value;
    int by_channel; /* where programs compute, and what is copied waits for them */
};

struct stream {
    pthread_mutex_t lock;
    size_t count, room;
    struct copy *queue;
    uint64_t busy_until; /* as far as the compute channel makes it wait */
    int hangs;           /* it is the one of which whoever asks is told that it is not done */
};

static struct stream default_stream = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A cosmic ray, a lane of the bus that is not quite right: one bit in the middle. */
static void flip(_Atomic uint64_t *left, void *target, size_t size) {
    uint64_t flips = *left;
    if (flips && size >= 512) {
        if (flips != UINT64_MAX)
            *left = flips - 1;
        ((unsigned char *)target)[size / 2] ^= 0x10;
    }
}

/* A segment of zeroes is a hole in its file, where the file system has such: the zeroes that segments are wiped with would
 * be most of what all tests write. */
static void fill(void *target, int value, size_t size) {
    if (value || size % GRANULE || madvise(target, size, MADV_REMOVE))
        memset(target, value, size);
}

static CUresult copy_now(const struct copy *copy) {
    struct control *c = control();
    uint64_t first = 3;
    int alone = __atomic_compare_exchange_n((uint64_t *)&c->hang, &first, 4, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (alone || c->hang < 3)
        c->hanging = c->hang;
    while (alone ? c->hang == 4 : c->hang == 1 || c->hang == 2)
        usleep(1000);
    if (c->slow_copy_us)
        usleep((useconds_t)c->slow_copy_us);
    uint64_t failing = c->failing_copies;
    if (failing) {
        if (failing != UINT64_MAX)
            c->failing_copies--;
        return UNKNOWN;
    }
    if (!in_vram(copy->target, copy->size) && (copy->zero || !in_vram(copy->source, copy->size)))
        return break_context(ILLEGAL_ADDRESS);
    if (copy->zero)
        fill(copy->target, copy->value, copy->size);
    else
        memcpy(copy->target, copy->source, copy->size);
    if (!copy->zero)
        flip(in_vram(copy->target, copy->size) ? &c->flips_in : &c->flips_out, copy->target, copy->size);
    return SUCCESS;
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What a driver sends to the copy engine however small it is, and what only from so many bytes on. */
static int by_channel(const void *target, size_t size) { return size < (32 << 10) && in_vram(target, size); }

static CUresult enqueue(struct stream *stream, struct copy copy) {
    ENTER_CONTEXT();
    struct control *c = control();
    if (copy.by_channel && !copy.zero)
        c->channel_copies++;
    if (copy.by_channel && c->computing_us && stream)
        stream->busy_until = now() + c->computing_us;
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
    for (uint64_t at = now(); stream->busy_until > at; at = now())
        usleep((useconds_t)(stream->busy_until - at));
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

EXPORT CUresult cuStreamQuery(struct stream *stream) {
    ENTER_CONTEXT();
    struct control *c = control();
    uint64_t first = 5;
    if (stream->count && __atomic_compare_exchange_n((uint64_t *)&c->hang, &first, 6, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        stream->hangs = 1;
    stream->hangs = stream->hangs && c->hang == 6;
    if (stream->count && (c->hang == 1 || stream->hangs)) {
        c->hanging = stream->hangs ? 6 : 1;
        return NOT_READY;
    }
    return stream->busy_until > now() ? NOT_READY : drain(stream);
}

EXPORT CUresult cuCtxSynchronize(void) {
    ENTER_CONTEXT();
    return drain(&default_stream);
}

EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr target, const void *source, size_t size, struct stream *stream) {
    return enqueue(stream, (struct copy){(void *)target, source, size, 0, 0, by_channel((void *)target, size)});
}

EXPORT CUresult cuMemcpyDtoHAsync(void *target, CUdeviceptr source, size_t size, struct stream *stream) {
    return enqueue(stream, (struct copy){target, (const void *)source, size, 0, 0, 0});
}

/* Row by row, as any of them may fail. */
EXPORT CUresult cuMemcpy2DAsync_v2(const struct rows *rows, struct stream *stream) {
    if (rows->source_kind == rows->target_kind || rows->width > rows->source_pitch || rows->width > rows->target_pitch)
        return INVALID_VALUE;
    for (size_t row = 0; row < rows->height; row++) {
        const char *source = rows->source_kind == ON_HOST ? rows->source_host : (const char *)rows->source_device;
        char *target = rows->target_kind == ON_HOST ? rows->target_host : (char *)rows->target_device;
        CUresult result = enqueue(stream, (struct copy){target + row * rows->target_pitch,
                                                        source + row * rows->source_pitch, rows->width, 0, 0,
                                                        rows->height == 1 && by_channel(target, rows->width)});
        if (result)
            return result;
    }
    return SUCCESS;
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr target, unsigned value, size_t count, struct stream *stream) {
    return enqueue(stream, (struct copy){(void *)target, NULL, 4 * count, 1, (unsigned char)value, 1});
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t size, struct stream *stream) {
    return enqueue(stream, (struct copy){(void *)target, NULL, size, 1, value, 1});
}

EXPORT CUresult cuMemcpyBatchAsync(CUdeviceptr *targets, CUdeviceptr *sources, size_t *sizes, size_t count,
                                   void *attributes, size_t *indices, size_t attribute_count, struct stream *stream) {
    if (!attributes || !indices || !attribute_count || !stream)
        return INVALID_VALUE;
    for (uint64_t until = now() + count * control()->slow_lists_us; now() < until;)
        continue;
    /* Backwards, for a caller must not count on an order within a batch. */
    for (size_t i = count; i-- > 0;) {
        CUresult result = enqueue(stream, (struct copy){(void *)targets[i], (void *)sources[i], sizes[i], 0, 0,
                                                        by_channel((void *)targets[i], sizes[i])});
        if (result)
            return result;
    }
    return SUCCESS;
}

/* Only what cuLinkComplete gave is a module here, and the copy kernel is all there is in it. */
EXPORT CUresult cuModuleLoadData(void **module, const void *image) {
    ENTER_CONTEXT();
    if (strcmp(image, FAKE_CUBIN))
        return INVALID_IMAGE;
    *module = (void *)image;
    return SUCCESS;
}

EXPORT CUresult cuModuleUnload(void *module) {
    (void)module;
    return enter();
}

EXPORT CUresult cuModuleGetFunction(void **function, void *module, const char *name) {
    ENTER();
    *function = module;
    return strcmp(name, "copy") ? NOT_FOUND : SUCCESS;
}

EXPORT CUresult cuLaunchKernel(void *function, unsigned blocks, unsigned y, unsigned z, unsigned threads, unsigned ty,
                               unsigned tz, unsigned shared, struct stream *stream, void **arguments, void **extra) {
    (void)function, (void)y, (void)z, (void)threads, (void)ty, (void)tz, (void)shared, (void)extra;
    const struct {
        void *target;
        const void *source;
        uint64_t size;
    } *list = *(void **)arguments[0];
    control()->kernels++;
    for (unsigned i = blocks; i-- > 0;) {
        if (((uintptr_t)list[i].target | (uintptr_t)list[i].source | list[i].size) % 4)
            return break_context(ILLEGAL_ADDRESS);
        CUresult result = enqueue(stream, (struct copy){list[i].target, list[i].source, list[i].size, 0, 0, 1});
        if (result)
            return result;
    }
    return SUCCESS;
}

EXPORT CUresult cuLinkCreate_v2(unsigned count, void *options, void **values, void **state) {
    (void)count, (void)options, (void)values;
    ENTER_CONTEXT();
    if (control()->no_compiler)
        return NOT_FOUND;
    *state = (void *)FAKE_CUBIN;
    return SUCCESS;
}

EXPORT CUresult cuLinkAddData_v2(void *state, int type, void *data, size_t size, const char *name, unsigned count,
                                 void *options, void **values) {
    (void)state, (void)name, (void)count, (void)options, (void)values;
    ENTER_CONTEXT();
    return type == 1 && size && !((char *)data)[size - 1] && strstr(data, ".visible .entry copy(") ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult cuLinkComplete(void *state, void **cubin, size_t *size) {
    ENTER_CONTEXT();
    *cubin = state;
    *size = sizeof FAKE_CUBIN;
    return SUCCESS;
}

EXPORT CUresult cuLinkDestroy(void *state) {
    (void)state;
    return enter();
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
