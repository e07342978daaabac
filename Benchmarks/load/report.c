// SPDX-License-Identifier: Apache-2.0
// The result of a run as one JSON object; see report.h.

#include "report.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

static void print_usage(const struct usage *usage) {
    double wall = (double)usage->wall;
    printf(", \"seconds\": %.4f, \"load_cpu\": %.4f, \"broker_cpu\": %.4f", clock_to_seconds(usage->wall),
           (double)usage->load_cpu / wall, (double)usage->broker_cpu / wall);
    printf(", \"load_waiting\": %.4f, \"broker_waiting\": %.4f, \"stolen\": %.4f", (double)usage->load_waiting / wall,
           (double)usage->broker_waiting / wall, (double)usage->stolen / wall);
}

static void print_faults(const struct load *load, int64_t missing) {
    printf(", \"missing\": %" PRId64 ", \"disorder\": %" PRIu64 ", \"refused\": %" PRIu64, missing, load->disorder,
           load->refused);
}

void report_number(const char *name, double value) {
    static bool begun;
    printf("%s\"%s\": %.2f", begun ? ", " : "{", name, value);
    begun = true;
}

void report_end(const struct load *load, const struct usage *usage, int64_t missing) {
    print_usage(usage);
    print_faults(load, missing);
    printf("}\n");
}

// What each member of the shared subscriptions had, and the smallest share in percent of an even one.
static void print_shares(const struct load *load) {
    double even = (double)load->received / load->subscriber_count, least = even;
    printf(", \"members\": [");
    for (uint32_t i = 0; i < load->subscriber_count; i++) {
        uint64_t received = load->connections[i].received;
        printf("%s%" PRIu64, i > 0 ? ", " : "", received);
        if ((double)received < least) least = (double)received;
    }
    printf("], \"least_share\": %.2f", even > 0 ? 100 * least / even : 0);
}

void report_throughput(const struct load *load, const struct usage *usage, uint64_t messages, int64_t missing) {
    double count = messages > 0 ? (double)messages : 1;
    printf("{\"messages\": %" PRIu64 ", \"rate\": %.1f", messages, (double)messages / clock_to_seconds(usage->wall));
    printf(", \"broker_ns\": %.2f, \"load_ns\": %.2f", (double)usage->broker_cpu / count,
           (double)usage->load_cpu / count);
    if (load->options->shared) print_shares(load);
    print_usage(usage);
    print_faults(load, missing);
    printf("}\n");
}

void report_latency(const struct load *load, const struct latency_result *result, int64_t missing) {
    const struct histogram *latency = load->latency;
    printf("{\"messages\": %" PRIu64 ", \"published_rate\": %.1f", latency->total, result->rate);
    if (result->saturation > 0) printf(", \"saturation\": %.1f", result->saturation);
    printf(", \"p50\": %.0f, \"p99\": %.0f, \"p999\": %.0f, \"max\": %.0f", histogram_percentile(latency, 0.5),
           histogram_percentile(latency, 0.99), histogram_percentile(latency, 0.999), histogram_maximum(latency));
    printf(", \"late_p99\": %.0f, \"late_max\": %.0f", histogram_percentile(result->lateness, 0.99),
           histogram_maximum(result->lateness));
    double count = latency->total > 0 ? (double)latency->total : 1;
    printf(", \"broker_ns\": %.2f", (double)result->usage.broker_cpu / count);
    print_usage(&result->usage);
    print_faults(load, missing);
    printf("}\n");
}

void report_idle(const struct load *load, const struct idle_result *result) {
    double count = load->options->connections;
    printf("{\"connections\": %u, \"connects\": %.1f, \"subscribes\": %.1f", load->options->connections,
           count / result->connect_seconds, count / result->subscribe_seconds);
    printf(", \"broker_ns\": %.1f, \"load_ns\": %.1f", (double)result->connecting.broker_cpu / count,
           (double)result->connecting.load_cpu / count);
    printf(", \"resident_before\": %" PRIu64 ", \"resident_after\": %" PRIu64, result->resident_before,
           result->resident_after);
    printf(", \"bytes\": %.1f", ((double)result->resident_after - (double)result->resident_before) / count);
    print_usage(&result->connecting);
    print_faults(load, 0);
    printf("}\n");
}
