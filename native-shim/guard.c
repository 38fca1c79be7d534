// SPDX-License-Identifier: Apache-2.0
// Memory that a peer shares with us is a file that the peer may cut short at any moment; whoever then touches what is
// gone gets SIGBUS. This is C because .NET runs no managed code in a signal handler: the thread may hold any lock of the
// runtime, and the instruction must go on as if nothing had happened. The handler calls nothing but mmap.
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

struct guard {
    atomic_int taken;
    atomic_uint version; // odd while start and end change
    atomic_uintptr_t start, end;
    atomic_int lost;
};

static struct guard guards[DATAPLANE_GUARDS];
static struct sigaction previous;
static atomic_int installation; // 0: none, 1: under way, 2: done

// Puts zero pages over the range that an address lies in. Another thread may do the same at once, or change other slots.
static int replace(struct guard *guard, uintptr_t address)
{
    unsigned version = guard->version;
    uintptr_t start = guard->start, end = guard->end;
    if (address < start || address >= end || version % 2 != 0 || version != guard->version)
        return 0;
    guard->lost = 1; // before anybody can read a zero
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    return mmap((void *)start, end - start, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int error = errno;
    for (size_t i = 0; i < DATAPLANE_GUARDS && info->si_code > 0; i++) {
        if (replace(&guards[i], (uintptr_t)info->si_addr)) {
            errno = error;
            return;
        }
    }
    errno = error;
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else if (previous.sa_handler == SIG_DFL || info->si_code > 0) {
        // The end: the instruction faults once more, and what somebody sent is sent again. Faults cannot be ignored.
        signal(number, SIG_DFL);
        if (info->si_code <= 0)
            raise(number);
    }
}

static void install(void)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&installation, &none, 1)) {
        sigaction(SIGBUS, NULL, &previous);
        struct sigaction ours = previous; // on the stack and with the mask that the one before chose
        ours.sa_sigaction = on_bus_error;
        ours.sa_flags |= SA_SIGINFO;
        sigaction(SIGBUS, &ours, NULL);
        installation = 2;
    }
    while (installation != 2) {
        // Another thread is about to finish.
    }
}

static void set(struct guard *guard, uintptr_t start, uintptr_t end)
{
    guard->version++;
    guard->start = start;
    guard->end = end;
    guard->version++;
}

int32_t dataplane_guard_add(void *start, uint64_t length)
{
    install();
    for (int32_t i = 0; i < DATAPLANE_GUARDS; i++) {
        int none = 0;
        if (!guards[i].taken && atomic_compare_exchange_strong(&guards[i].taken, &none, 1)) {
            guards[i].lost = 0;
            set(&guards[i], (uintptr_t)start, (uintptr_t)start + length);
            return i;
        }
    }
    return -1;
}

int32_t dataplane_guard_lost(int32_t slot)
{
    return guards[slot].lost;
}

void dataplane_guard_remove(int32_t slot)
{
    set(&guards[slot], 0, 0);
    guards[slot].taken = 0;
}
