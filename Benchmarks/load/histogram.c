// SPDX-License-Identifier: Apache-2.0
// Latencies counted by microsecond; see histogram.h.

#include "histogram.h"

void histogram_add(struct histogram *histogram, uint64_t nanoseconds) {
    uint64_t microseconds = nanoseconds / 1000;
    if (microseconds > HISTOGRAM_MICROSECONDS) microseconds = HISTOGRAM_MICROSECONDS;
    histogram->counts[microseconds]++;
    histogram->total++;
    if (nanoseconds > histogram->maximum) histogram->maximum = nanoseconds;
}

double histogram_percentile(const struct histogram *histogram, double share) {
    if (histogram->total == 0) return 0;
    double wanted = share * (double)histogram->total;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_MICROSECONDS; i++) {
        seen += histogram->counts[i];
        if ((double)seen >= wanted) return i + 1.0;
    }
    return histogram_maximum(histogram);
}

double histogram_maximum(const struct histogram *histogram) { return (double)histogram->maximum / 1000; }
