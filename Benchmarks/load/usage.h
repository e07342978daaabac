// SPDX-License-Identifier: Apache-2.0
// What a stretch of time cost: CPU of the broker and of the generator, time both waited for a core, and stolen time.
// Read from /proc, so the broker need not cooperate; without its process id its figures stay zero.

#pragma once

#include <stdint.h>
#include <sys/types.h>

struct usage {
    uint64_t wall;          // nanoseconds, all of them
    uint64_t load_cpu;      // of the calling thread
    uint64_t load_waiting;  // runnable, but not running
    uint64_t broker_cpu;    // of all threads of the broker
    uint64_t broker_waiting;
    uint64_t stolen;        // by the hypervisor, all cores together
};

struct usage usage_sample(pid_t broker);
struct usage usage_between(const struct usage *before, const struct usage *after);

// Several stretches as if they were one.
struct usage usage_sum(const struct usage *one, const struct usage *other);

// Resident memory in bytes; 0 when there is no such process.
uint64_t resident_bytes(pid_t process);

// The most that it ever was.
uint64_t resident_peak_bytes(pid_t process);
