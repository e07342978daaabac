// SPDX-License-Identifier: Apache-2.0
// The result of a run as one JSON object on standard output.

#pragma once

#include "load.h"
#include "usage.h"

// A result made up by its mode: its own figures first, then what every result has.
void report_number(const char *name, double value);
void report_end(const struct load *load, const struct usage *usage, int64_t missing);

void report_throughput(const struct load *load, const struct usage *usage, uint64_t messages, int64_t missing);

struct latency_result {
    double rate;        // that was published
    double saturation;  // deliveries a second that were reached before; 0 = not measured
    struct usage usage;
    struct histogram *lateness;
};

void report_latency(const struct load *load, const struct latency_result *result, int64_t missing);

struct idle_result {
    double connect_seconds, subscribe_seconds;
    uint64_t resident_before, resident_after;
    struct usage connecting;
};

void report_idle(const struct load *load, const struct idle_result *result);
