#define _GNU_SOURCE
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX - 300];
static struct control *shared;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fail(const char *what) {
    fprintf(stderr, "fakegpu: %s: %s\n", what, strerror(errno));
    abort();
}

static void set_up(void) {
    const char *named = getenv("FAKEGPU_DIR");
    if (named)
        snprintf(folder, sizeof folder, "%s", named);
    else
        snprintf(folder, sizeof folder, "/dev/shm/fakegpu-%u", getuid());
    if (mkdir(folder, 0700) && errno != EEXIST)
        fail(folder);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/control", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) || ftruncate(fd, sizeof *shared))
        fail(path);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        fail(path);
    if (!shared->vram) {
        const char *vram = getenv("FAKEGPU_VRAM");
        shared->driver_version = 13000;
        shared->allocations_left = UINT64_MAX;
        shared->milliwatts = 6500;
        shared->vram = vram ? strtoull(vram, NULL, 10) : 8ULL << 30;
    }
    close(fd);
}

struct control *control(void) {
    pthread_once(&once, set_up);
    return shared;
}

/* Calls `each` for every live allocation. An allocation's file is locked through the open file description that its
 * maker got; descriptors sent elsewhere and mappings are of that same description, so the lock says who still cares. */
static void for_each_live(void (*each)(uint32_t pid, uint64_t size, void *context), void *context) {
    DIR *directory = opendir(folder);
    if (!directory)
        fail(folder);
    for (struct dirent *entry; (entry = readdir(directory));) {
        uint32_t pid;
        uint64_t size;
        if (sscanf(entry->d_name, "vram-%u-%lu", &pid, &size) != 2)
            continue;
        int fd = openat(dirfd(directory), entry->d_name, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_SH | LOCK_NB) == 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
        else
            each(pid, size, context);
        close(fd);
    }
    closedir(directory);
}

static void add(uint32_t pid, uint64_t size, void *context) {
    (void)pid;
    *(uint64_t *)context += size;
}

uint64_t used_bytes(void) {
    uint64_t sum = control()->others_bytes;
    for_each_live(add, &sum);
    return sum;
}

struct list {
    struct process_use *found;
    size_t room, count;
};

static void note(uint32_t pid, uint64_t size, void *context) {
    struct list *list = context;
    for (size_t i = 0; i < list->count; i++)
        if (list->found[i].pid == pid) {
            list->found[i].bytes += size;
            return;
        }
    if (list->count < list->room)
        list->found[list->count++] = (struct process_use){pid, size};
}

size_t users(struct process_use *found, size_t room) {
    struct list list = {found, room, 0};
    control();
    for_each_live(note, &list);
    return list.count;
}

int allocate(size_t size) {
    static _Atomic unsigned serial;
    struct control *c = control();
    char path[PATH_MAX];
    /* One allocation at a time on the whole machine, or two could take the same last bytes. */
    int guard = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (guard < 0 || flock(guard, LOCK_EX))
        fail(folder);
    int fd = -1;
    if (c->allocations_left && used_bytes() + size <= c->vram) {
        if (c->allocations_left != UINT64_MAX)
            c->allocations_left--;
        snprintf(path, sizeof path, "%s/vram-%u-%zu-%u", folder, getpid(), size, serial++);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || flock(fd, LOCK_EX) || ftruncate(fd, (off_t)size))
            fail(path);
    }
    close(guard);
    return fd;
}
