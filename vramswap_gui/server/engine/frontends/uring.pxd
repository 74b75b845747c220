# SPDX-License-Identifier: MIT
# io_uring as a ublk queue needs it. Source: io_uring(7), io_uring_setup(2), io_uring_enter(2) and the kernel's
# include/uapi/linux/io_uring.h, of which systems in use have older ones: hence the constants.
from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    struct vs_sqe { uint8_t opcode, flags; uint16_t ioprio; int32_t fd; uint32_t command, pad; uint64_t addr; uint32_t len,
                    rw_flags; uint64_t user_data, unused[1]; uint16_t queue, tag; int32_t result; uint64_t cmd_addr; };
    struct vs_cqe { uint64_t user_data; int32_t res; uint32_t flags; };
    struct vs_sq_offsets { uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, resv1; uint64_t user_addr; };
    struct vs_cq_offsets { uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1; uint64_t user_addr; };
    struct vs_params { uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, resv[3];
                       struct vs_sq_offsets sq; struct vs_cq_offsets cq; };

    typedef struct {
        int fd;
        unsigned int entries;
        uint32_t *sq_tail, *sq_flags, *cq_head, *cq_tail, sq_mask, cq_mask;
        struct vs_sqe *sqes;
        struct vs_cqe *cqes;
        void *rings;
        size_t rings_size, sqes_size;
        unsigned int queued;
    } Uring;

    enum { VS_R_DISABLED = 1 << 6, VS_COOP_TASKRUN = 1 << 8, VS_TASKRUN_FLAG = 1 << 9, VS_SINGLE_ISSUER = 1 << 12,
           VS_DEFER_TASKRUN = 1 << 13, VS_SQ_TASKRUN = 1 << 2, VS_GETEVENTS = 1 << 0, VS_URING_CMD = 46,
           VS_REGISTER_EVENTFD = 4, VS_REGISTER_ENABLE_RINGS = 12 };

    static inline void uring_close(Uring *u) {
        munmap(u->sqes, u->sqes_size);
        munmap(u->rings, u->rings_size);
        close(u->fd);
    }

    /* A ring that is not enabled yet: the thread that enables it is the only one that may use it. 0 or an errno. */
    static inline int uring_open(Uring *u, unsigned int entries, int eventfd) {
        struct vs_params p;
        int error;
        memset(&p, 0, sizeof(p));
        memset(u, 0, sizeof(*u));
        p.flags = VS_R_DISABLED | VS_COOP_TASKRUN | VS_TASKRUN_FLAG | VS_SINGLE_ISSUER | VS_DEFER_TASKRUN;
        u->fd = syscall(SYS_io_uring_setup, entries, &p);
        if (u->fd < 0)
            return errno;
        u->entries = p.sq_entries;
        u->rings_size = p.sq.array + p.sq_entries * sizeof(uint32_t);
        if (u->rings_size < p.cq.cqes + p.cq_entries * sizeof(struct vs_cqe))
            u->rings_size = p.cq.cqes + p.cq_entries * sizeof(struct vs_cqe);
        u->sqes_size = p.sq_entries * sizeof(struct vs_sqe);
        u->rings = mmap(0, u->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, 0);
        u->sqes = (struct vs_sqe *)mmap(0, u->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, 0x10000000);
        if (u->rings == MAP_FAILED || (void *)u->sqes == MAP_FAILED
                || syscall(SYS_io_uring_register, u->fd, VS_REGISTER_EVENTFD, &eventfd, 1)) {
            error = errno;
            uring_close(u);
            return error;
        }
        char *rings = (char *)u->rings;
        u->sq_tail = (uint32_t *)(rings + p.sq.tail);
        u->sq_flags = (uint32_t *)(rings + p.sq.flags);
        u->sq_mask = *(uint32_t *)(rings + p.sq.ring_mask);
        u->cq_head = (uint32_t *)(rings + p.cq.head);
        u->cq_tail = (uint32_t *)(rings + p.cq.tail);
        u->cq_mask = *(uint32_t *)(rings + p.cq.ring_mask);
        u->cqes = (struct vs_cqe *)(rings + p.cq.cqes);
        for (unsigned int i = 0; i < p.sq_entries; i++)
            ((uint32_t *)(rings + p.sq.array))[i] = i;
        return 0;
    }

    /* By the thread that is to use it. 0 or an errno. */
    static inline int uring_enable(Uring *u) {
        return syscall(SYS_io_uring_register, u->fd, VS_REGISTER_ENABLE_RINGS, 0, 0) ? errno : 0;
    }

    /* Queue a command to the driver behind `fd`, of queue 0. There is room, as each tag has one at most. */
    static inline void uring_push(Uring *u, int fd, uint32_t command, unsigned int tag, int result) {
        uint32_t tail = *u->sq_tail;
        struct vs_sqe *sqe = &u->sqes[tail & u->sq_mask];
        memset(sqe, 0, sizeof(*sqe));
        sqe->opcode = VS_URING_CMD;
        sqe->fd = fd;
        sqe->command = command;
        sqe->user_data = tag;
        sqe->tag = tag;
        sqe->result = result;
        __atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
        u->queued++;
    }

    /* Whether the kernel has something that only comes out when it is entered. */
    static inline int uring_has_work(const Uring *u) {
        return __atomic_load_n(u->sq_flags, __ATOMIC_RELAXED) & VS_SQ_TASKRUN;
    }

    static inline int uring_is_done(const Uring *u) {
        return __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) != *u->cq_head;
    }

    /* Send what is queued, and have done what can be done without waiting. */
    static inline void uring_enter(Uring *u) {
        long sent = syscall(SYS_io_uring_enter, u->fd, u->queued, 0, VS_GETEVENTS, 0, 0);
        if (sent > 0)
            u->queued -= sent;
    }

    /* The next command that is done: its tag and result. Only when uring_is_done(). */
    static inline unsigned int uring_take(Uring *u, int *result) {
        const struct vs_cqe *cqe = &u->cqes[*u->cq_head & u->cq_mask];
        unsigned int tag = cqe->user_data;
        *result = cqe->res;
        __atomic_store_n(u->cq_head, *u->cq_head + 1, __ATOMIC_RELEASE);
        return tag;
    }
    """
    ctypedef struct Uring:
        int fd
        unsigned int queued
    int uring_open(Uring *, unsigned int, int) nogil
    void uring_close(Uring *) nogil
    int uring_enable(Uring *) nogil
    void uring_push(Uring *, int, uint32_t, unsigned int, int) nogil
    bint uring_has_work(const Uring *) nogil
    bint uring_is_done(const Uring *) nogil
    void uring_enter(Uring *) nogil
    unsigned int uring_take(Uring *, int *) nogil
