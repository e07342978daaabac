// SPDX-License-Identifier: Apache-2.0
// The one clock of the load generator: monotonic nanoseconds.
// Latency, intervals and deadlines all use it, so that they can be compared.

#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_from_seconds(double seconds) { return (uint64_t)(seconds * 1e9); }

static inline double clock_to_seconds(uint64_t nanoseconds) { return (double)nanoseconds / 1e9; }
