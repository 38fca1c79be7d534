// SPDX-License-Identifier: Apache-2.0
// Run by ctest, and for arm64 by qemu: every function of the shim, its counter against the system's clock.
#define _GNU_SOURCE
#include "shim.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

static void check(int passed, const char *what)
{
    printf("%s: %s\n", passed ? "ok" : "FAILED", what);
    failures += !passed;
}

static sigjmp_buf elsewhere;

static void not_ours(int number)
{
    siglongjmp(elsewhere, number);
}

// In a child, where nothing was installed yet: how a SIGBUS that somebody sends ends it; 0 if not at all.
static int end_of_sent(void (*before)(int))
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, before);
        dataplane_guard_add((void *)1, 1);
        raise(SIGBUS);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static volatile char *map(int file, size_t length)
{
    return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static void check_guard(void)
{
    size_t length = 4 * (size_t)sysconf(_SC_PAGESIZE);
    int file = memfd_create("guarded", 0);
    check(file >= 0 && ftruncate(file, (off_t)length) == 0, "there is a file");
    volatile char *guarded = map(file, length), *bare = map(file, length);
    check(end_of_sent(SIG_DFL) == SIGBUS, "a signal that somebody sends ends the process");
    check(end_of_sent(SIG_IGN) == 0, "unless it was ignored");
    signal(SIGBUS, not_ours);
    int32_t slot = dataplane_guard_add((void *)guarded, length), other = dataplane_guard_add((void *)1, 1);
    check(slot >= 0 && other >= 0 && slot != other, "a slot for each");
    guarded[length - 1] = 7;
    check(!dataplane_guard_lost(slot) && bare[length - 1] == 7, "the memory is the file's");

    check(ftruncate(file, 0) == 0, "the file is cut");
    check(guarded[length - 1] == 0 && dataplane_guard_lost(slot), "what is lost reads as zeros");
    guarded[0] = 8;
    check(guarded[0] == 8 && !dataplane_guard_lost(other), "and can be written; nothing else is lost");

    int number = sigsetjmp(elsewhere, 1);
    if (number == 0)
        bare[0] = 1;
    check(number == SIGBUS, "another SIGBUS goes to the handler that was there");

    dataplane_guard_remove(slot);
    check(dataplane_guard_add((void *)1, 1) == slot && !dataplane_guard_lost(slot), "a slot is used again");
    int32_t last = other;
    while (last >= 0 && last < DATAPLANE_GUARDS)
        last = dataplane_guard_add((void *)1, 1);
    check(last == -1, "there is an end of slots");
}

int main(void)
{
    check(dataplane_shim_abi() == DATAPLANE_SHIM_ABI, "the ABI version is the header's");

    volatile int cell = 1;
    dataplane_io_store_barrier();
    cell++;
    dataplane_io_load_barrier();
    cell++;
    dataplane_io_full_barrier();
    check(cell == 3, "the barriers return");

    uint64_t hertz = dataplane_cycle_frequency();
    printf("%" PRIu64 " Hz\n", hertz);
    check(hertz >= 1000000 && hertz <= 20000000000, "the frequency is between 1 MHz and 20 GHz");

    uint64_t start = dataplane_cycles();
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    uint64_t elapsed = dataplane_cycles() - start;
    check(elapsed >= hertz / 1000 * 19, "20 ms of sleep are at least 19 ms of cycles");
    check_guard();
    return failures != 0;
}
