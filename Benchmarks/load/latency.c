// SPDX-License-Identifier: Apache-2.0
// Latency at a fixed rate; see latency.h.
// The generator does not sleep here, so that its own waking up is no part of the figures.

#include "latency.h"

#include "clock.h"
#include "failure.h"
#include "payload.h"
#include "report.h"
#include "schedule.h"
#include "topology.h"
#include "window.h"

#include <stdlib.h>

enum { PATIENCE_SECONDS = 2 };

// What these very connections reach within the window, in messages a second.
static double saturate(struct load *load) {
    window_begin(load, load->options->groups);
    window_run(load, clock_now() + clock_from_seconds(load->options->warm_up));
    uint64_t already = load->received, start = clock_now();
    window_run(load, start + clock_from_seconds(load->options->seconds / 2));
    double rate = (double)(load->received - already) / clock_to_seconds(clock_now() - start);
    window_drain(load);
    return rate;
}

static uint32_t choose_rate(struct load *load, double *saturation) {
    const struct options *options = load->options;
    if (options->percent == 0) return options->rate;
    *saturation = saturate(load);
    double rate = *saturation / options->subscribers * options->percent / 100;
    if (rate < 1) fail("The broker delivers less than a message a second: there is no part of that to publish at.");
    return (uint32_t)rate;
}

void latency_run(const struct options *options) {
    if (options->payload_length < PAYLOAD_TIMED_LENGTH) {
        fail("A latency run needs a payload of at least %d bytes (--size).", PAYLOAD_TIMED_LENGTH);
    }
    if (options->qos > 0) fail("A latency run publishes at QoS 0 only; leave --qos out.");
    struct load load;
    load_prepare(&load, options);
    topology_build(&load);
    topology_connect(&load);
    struct latency_result result = {.lateness = allocate(1, sizeof *result.lateness)};
    struct schedule schedule = {
        .rate = choose_rate(&load, &result.saturation), .groups = options->groups, .lateness = result.lateness};
    load.latency = allocate(1, sizeof *load.latency);
    schedule.start = clock_now();
    schedule.due_from = load.latency_from = schedule.start + clock_from_seconds(options->warm_up);
    schedule.end = load.latency_until = load.latency_from + clock_from_seconds(options->seconds);

    struct usage before = {0};
    for (uint64_t now; (now = clock_now()) < schedule.end;) {
        if (before.wall == 0 && now >= load.latency_from) before = usage_sample(options->broker);
        schedule_publish(&load, &schedule);
        load_turn(&load, 0);
    }
    // What came due while the last turn lasted is sent all the same.
    schedule_publish(&load, &schedule);
    struct usage after = usage_sample(options->broker);
    uint64_t deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    while (topology_missing(&load) > 0 && clock_now() < deadline) load_turn(&load, 0);

    result.usage = usage_between(&before, &after);
    result.rate = schedule.rate;
    report_latency(&load, &result, topology_missing(&load));
    free(load.latency);
    free(result.lateness);
    topology_close(&load);
}
