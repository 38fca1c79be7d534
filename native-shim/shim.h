// SPDX-License-Identifier: Apache-2.0
// What .NET cannot say: ordering towards devices, the CPU's cycle counter, and surviving a peer that takes shared memory
// away. Called from src/Dataplane.Core/Linux/Shim.cs.
#ifndef DATAPLANE_SHIM_H
#define DATAPLANE_SHIM_H

#include <stdint.h>

#define DATAPLANE_EXPORT __attribute__((visibility("default")))

// Grows with every change of this file, together with Shim.AbiVersion: a library of another build is noticed at start.
#define DATAPLANE_SHIM_ABI 3
DATAPLANE_EXPORT uint32_t dataplane_shim_abi(void);

// Memory that a device reads or writes, against its registers: stores stay before later stores (descriptors before the
// doorbell), loads before later loads and stores (status before what it guards), everything before everything.
DATAPLANE_EXPORT void dataplane_io_store_barrier(void);
DATAPLANE_EXPORT void dataplane_io_load_barrier(void);
DATAPLANE_EXPORT void dataplane_io_full_barrier(void);

// A counter of constant rate that all CPUs share; not ordered with the instructions around it.
DATAPLANE_EXPORT uint64_t dataplane_cycles(void);

// Its rate in Hz. Sleeps for 10 ms on x86-64, where no register tells; ask once.
DATAPLANE_EXPORT uint64_t dataplane_cycle_frequency(void);

// Guards a mapping of a peer's file, whole pages of it: when touching it raises SIGBUS, all of it becomes zero pages and
// the access is done again. Returns a slot, or -1 if all are taken. Any thread; any other SIGBUS goes where it went before.
// There are enough for 32 peers with as many regions as a vhost-user front end may have, so that none starves the others.
#define DATAPLANE_GUARDS 16384
DATAPLANE_EXPORT int32_t dataplane_guard_add(void *start, uint64_t length);
DATAPLANE_EXPORT int32_t dataplane_guard_lost(int32_t slot);

// Before the mapping is undone, when nobody uses it any more.
DATAPLANE_EXPORT void dataplane_guard_remove(int32_t slot);

#endif
