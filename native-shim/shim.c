// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // CLOCK_MONOTONIC_RAW
#include "shim.h"

#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))
#error "The shim is for Linux on x86-64 and arm64"
#endif

uint32_t dataplane_shim_abi(void)
{
    return DATAPLANE_SHIM_ABI;
}

#if defined(__aarch64__)

// Outer shareable: a device need not be in the inner domain, which "dmb ish" of Interlocked and Volatile stops at.
// Arm ARM B2.3.12 (DMB); Linux: dma_wmb, dma_rmb and dma_mb in asm/barrier.h are the same three.
void dataplane_io_store_barrier(void)
{
    __asm__ volatile("dmb oshst" ::: "memory");
}

void dataplane_io_load_barrier(void)
{
    __asm__ volatile("dmb oshld" ::: "memory");
}

void dataplane_io_full_barrier(void)
{
    __asm__ volatile("dmb osh" ::: "memory");
}

uint64_t dataplane_cycles(void)
{
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

uint64_t dataplane_cycle_frequency(void)
{
    uint64_t hertz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
    return hertz;
}

#else

#include <time.h>
#include <x86intrin.h>

// Stores to write-back memory and to uncached registers become visible in program order, and so do loads
// (Intel SDM vol. 3A 9.2.2, AMD APM vol. 2 7.2): only the compiler can reorder them.
void dataplane_io_store_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

void dataplane_io_load_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

// A load may pass an earlier store; MFENCE holds it, and drains write-combining buffers.
void dataplane_io_full_barrier(void)
{
    _mm_mfence();
}

uint64_t dataplane_cycles(void)
{
    return __rdtsc();
}

struct instant {
    uint64_t cycles, nanoseconds;
};

// Both clocks at one moment: of several readings the one that was interrupted least.
static struct instant now(void)
{
    struct instant best = {0, 0};
    uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < 32; i++) {
        struct timespec time;
        uint64_t before = __rdtsc();
        clock_gettime(CLOCK_MONOTONIC_RAW, &time);
        uint64_t width = __rdtsc() - before;
        if (width < narrowest) {
            narrowest = width;
            best.cycles = before + width / 2;
            best.nanoseconds = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
        }
    }
    return best;
}

// The rate that the kernel calibrated at boot, read back to about 0.1 ppm: CLOCK_MONOTONIC_RAW is the TSC times that rate,
// without NTP's slewing. Not asked: perf's page (perf_event_open(2), cap_user_time), which sandboxes forbid and guests of
// KVM find empty; CPUID leaves 0x15 and 0x40000010, which many machines lack and scaled guests cannot trust.
uint64_t dataplane_cycle_frequency(void)
{
    struct instant start = now();
    struct timespec left = {.tv_nsec = 10000000};
    while (nanosleep(&left, &left) != 0) {
        // A signal of the runtime came.
    }
    struct instant end = now();
    return (uint64_t)((double)(end.cycles - start.cycles) * 1e9 / (double)(end.nanoseconds - start.nanoseconds));
}

#endif
