// SPDX-License-Identifier: Apache-2.0
// Latencies counted by microsecond: exact up to half a second, one count for all that lies above, and the true maximum.
// No logarithmic buckets: the array is small enough, and a percentile is then a value that occurred.

#pragma once

#include <stdint.h>

enum { HISTOGRAM_MICROSECONDS = 500000 };

struct histogram {
    uint64_t total;
    uint64_t maximum;  // nanoseconds
    uint32_t counts[HISTOGRAM_MICROSECONDS + 1];
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);

// Microseconds within which the given share (0 to 1) of all values lies, rounded up to a whole microsecond.
double histogram_percentile(const struct histogram *histogram, double share);
double histogram_maximum(const struct histogram *histogram);
