// SPDX-License-Identifier: Apache-2.0
// Run by ctest, and for arm64 by qemu: every function of the shim, its counter against the system's clock.
#define _GNU_SOURCE
#include "shim.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int failures;

static void check(int passed, const char *what)
{
    printf("%s: %s\n", passed ? "ok" : "FAILED", what);
    failures += !passed;
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
    return failures != 0;
}
