// SPDX-License-Identifier: MIT
/* Preloaded into linux.uml: lets it set the floating point registers of its processes on processors whose extended
 * state has another size than it knows of. It passes as many bytes as it knows, and a host with more refuses anything but
 * the whole state (EFAULT, and the guest's init dies). What it leaves out belongs to instructions that its guests do not
 * use; what it has too much, on processors with less, is none of the state. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

static char whole[64 << 10] __attribute__((aligned(64)));

static long set_state(long pid, const struct iovec *known) {
    struct iovec all = {whole, sizeof whole};
    if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &all))
        return -1;
    memcpy(whole, known->iov_base, known->iov_len < all.iov_len ? known->iov_len : all.iov_len);
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &all);
}

long ptrace(enum __ptrace_request request, ...) {
    va_list list;
    va_start(list, request);
    long pid = va_arg(list, int), address = va_arg(list, long), data = va_arg(list, long), peeked;
    va_end(list);
    if (request == PTRACE_SETREGSET && address == NT_X86_XSTATE)
        return set_state(pid, (const struct iovec *)data);
    if (request != PTRACE_PEEKTEXT && request != PTRACE_PEEKDATA && request != PTRACE_PEEKUSER)
        return syscall(SYS_ptrace, request, pid, address, data);
    if (syscall(SYS_ptrace, request, pid, address, &peeked))
        return -1;
    errno = 0;
    return peeked;
}
