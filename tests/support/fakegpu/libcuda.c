// SPDX-License-Identifier: MIT
/* A stand-in for libcuda.so.1 with the calls that vramswap makes: the device, its one context, and the table by which
 * cuda-bindings finds every call. */
#define _GNU_SOURCE
#include "cuda.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    CUresult code;
    const char *name;
} ERRORS[] = {
    {SUCCESS, "CUDA_SUCCESS"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
    {UNKNOWN, "CUDA_ERROR_UNKNOWN"},
};

static int initialised;
static uint64_t my_epoch;
static CUresult broken; /* a sticky error of this process's context */
static _Thread_local void *current;
static int context; /* its address is the one context there is */

CUresult enter(void) {
    struct control *c = control();
    c->cuda_calls++;
    if (!initialised)
        return NOT_INITIALIZED;
    if (c->lost)
        return UNKNOWN;
    if (c->sticky_epoch != my_epoch)
        broken = ILLEGAL_ADDRESS;
    return broken;
}

CUresult enter_context(void) {
    CUresult result = enter();
    return result ? result : current ? SUCCESS : INVALID_CONTEXT;
}

CUresult break_context(CUresult error) { return broken = error; }

EXPORT CUresult cuInit(unsigned flags) {
    (void)flags;
    struct control *c = control();
    c->cuda_calls++;
    if (c->no_device)
        return NO_DEVICE;
    if (c->lost)
        return UNKNOWN;
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
    *count = control()->second ? 2 : 1;
    return SUCCESS;
}

EXPORT CUresult cuDeviceGet(int *device, int ordinal) {
    ENTER();
    *device = ordinal;
    return ordinal < 0 || ordinal > !!control()->second ? INVALID_DEVICE : SUCCESS;
}

/* CUDA's own order begins with the fastest card. */
static bool is_second(int device) {
    const char *order = getenv("CUDA_DEVICE_ORDER");
    return control()->second && device == (order && !strcmp(order, "PCI_BUS_ID"));
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    ENTER();
    *value = attribute == 18 /* CU_DEVICE_ATTRIBUTE_INTEGRATED */ && control()->integrated;
    return SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, int device) {
    (void)device;
    ENTER();
    strncpy(name, GPU_NAME, (size_t)length);
    return SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(char *uuid, int device) {
    ENTER();
    memcpy(uuid, is_second(device) ? SECOND_UUID_BYTES : GPU_UUID_BYTES, 16);
    return SUCCESS;
}

EXPORT CUresult cuDeviceGetPCIBusId(char *id, int length, int device) {
    ENTER();
    strncpy(id, is_second(device) ? SECOND_PCI : GPU_PCI, (size_t)length);
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

#define ENTRY(name) {#name, (void *)name}
static const struct {
    const char *name;
    void *function;
} ENTRIES[] = {
    ENTRY(cuInit), ENTRY(cuDriverGetVersion), ENTRY(cuGetErrorName), ENTRY(cuGetErrorString),
    ENTRY(cuDeviceGetCount), ENTRY(cuDeviceGet), ENTRY(cuDeviceGetAttribute), ENTRY(cuDeviceGetName), ENTRY(cuDeviceGetUuid),
    ENTRY(cuDeviceGetPCIBusId), ENTRY(cuDeviceTotalMem), ENTRY(cuDevicePrimaryCtxSetFlags),
    ENTRY(cuDevicePrimaryCtxRetain), ENTRY(cuDevicePrimaryCtxRelease), ENTRY(cuCtxSetCurrent),
    ENTRY(cuCtxSynchronize), ENTRY(cuMemGetInfo), ENTRY(cuMemHostAlloc), ENTRY(cuMemFreeHost),
    ENTRY(cuMemGetAllocationGranularity), ENTRY(cuMemCreate), ENTRY(cuMemRelease),
    ENTRY(cuMemExportToShareableHandle), ENTRY(cuMemImportFromShareableHandle), ENTRY(cuMemAddressReserve),
    ENTRY(cuMemAddressFree), ENTRY(cuMemMap), ENTRY(cuMemUnmap), ENTRY(cuMemSetAccess), ENTRY(cuMemAlloc),
    ENTRY(cuMemFree), ENTRY(cuStreamCreate), ENTRY(cuStreamDestroy), ENTRY(cuStreamSynchronize),
    ENTRY(cuStreamQuery), {"cuMemcpy2DAsync", (void *)cuMemcpy2DAsync_v2}, ENTRY(cuMemsetD32Async),
    ENTRY(cuMemcpyHtoDAsync), ENTRY(cuMemcpyDtoHAsync), ENTRY(cuMemsetD8Async), ENTRY(cuMemcpyBatchAsync),
    ENTRY(cuModuleLoadData), ENTRY(cuModuleUnload), ENTRY(cuModuleGetFunction), ENTRY(cuLaunchKernel),
    {"cuLinkCreate", (void *)cuLinkCreate_v2}, {"cuLinkAddData", (void *)cuLinkAddData_v2}, ENTRY(cuLinkComplete),
    ENTRY(cuLinkDestroy), ENTRY(cuMemcpyHtoD), ENTRY(cuMemcpyDtoH), ENTRY(cuMemsetD8),
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
