// SPDX-License-Identifier: MIT
/* Stands for liblz4.so.1 and does what the real one does, but for threads that a test has wait in it. In the file that
 * both map: whether those wait that are not the owner, the owner's number, and how many of the others wait. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HOLD, OWNER, WAITING, WORDS };

static _Atomic uint64_t *control;
static int (*size)(void);
static int (*compress)(void *, const char *, char *, int, int, int);
static int (*expand)(const char *, char *, int, int);

__attribute__((constructor)) static void begin(void) {
    int fd = open(getenv("SLOW_CODEC_FILE"), O_RDWR | O_CLOEXEC);
    void *real = dlopen(getenv("SLOW_CODEC_REAL"), RTLD_NOW);
    if (fd < 0 || !real)
        abort();
    control = mmap(NULL, WORDS * sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    size = (int (*)(void))dlsym(real, "LZ4_sizeofState");
    compress = (int (*)(void *, const char *, char *, int, int, int))dlsym(real, "LZ4_compress_fast_extState");
    expand = (int (*)(const char *, char *, int, int))dlsym(real, "LZ4_decompress_safe");
}

int LZ4_sizeofState(void) {
    return size();
}

int LZ4_compress_fast_extState(void *state, const char *from, char *to, int length, int room, int acceleration) {
    if (!control[HOLD]) {
        control[OWNER] = (uint64_t)gettid();
    } else if (control[OWNER] != (uint64_t)gettid()) {
        ++control[WAITING];
        while (control[HOLD])
            usleep(1000);
        --control[WAITING];
    }
    return compress(state, from, to, length, room, acceleration);
}

int LZ4_decompress_safe(const char *from, char *to, int length, int room) {
    return expand(from, to, length, room);
}
