// SPDX-License-Identifier: Apache-2.0
// Fairness; see fairness.h.

#include "fairness.h"

#include "clock.h"
#include "failure.h"
#include "payload.h"
#include "report.h"
#include "schedule.h"
#include "topology.h"
#include "window.h"

#include <stdlib.h>

// The generator never sleeps here, so that it looks often for what is due. Busy groups go on by themselves once begun.
static struct usage measure(
    struct load *load, struct schedule *schedule, struct histogram *latency, uint64_t *messages) {
    const struct options *options = load->options;
    load->latency = latency;
    schedule->start = clock_now();
    schedule->sent = 0;
    schedule->due_from = load->latency_from = schedule->start + clock_from_seconds(options->warm_up);
    schedule->end = load->latency_until = load->latency_from + clock_from_seconds(options->seconds);
    struct usage before = {0};
    uint64_t already = 0;
    for (uint64_t now; (now = clock_now()) < schedule->end;) {
        if (before.wall == 0 && now >= load->latency_from) {
            before = usage_sample(options->broker);
            already = load->received;
        }
        schedule_publish(load, schedule);
        load_turn(load, 0);
        window_go_on(load);
    }
    struct usage after = usage_sample(options->broker);
    *messages = load->received - already;
    window_drain(load);
    return usage_between(&before, &after);
}

static void report(
    const struct load *load, const struct histogram *alone, const struct histogram *beside,
    const struct histogram *lateness, uint64_t messages, const struct usage *usage) {
    double alone_p99 = histogram_percentile(alone, 0.99), p99 = histogram_percentile(beside, 0.99);
    report_number("timed", (double)(alone->total + beside->total));
    report_number("alone_p50", histogram_percentile(alone, 0.5));
    report_number("alone_p99", alone_p99);
    report_number("alone_max", histogram_maximum(alone));
    report_number("p50", histogram_percentile(beside, 0.5));
    report_number("p99", p99);
    report_number("max", histogram_maximum(beside));
    report_number("ratio", alone_p99 > 0 ? p99 / alone_p99 : 0);
    report_number("sent_late_p99", histogram_percentile(lateness, 0.99));
    report_number("rate", (double)messages / clock_to_seconds(usage->wall));
    report_number("broker_ns", (double)usage->broker_cpu / (double)(messages > 0 ? messages : 1));
    report_end(load, usage, topology_missing(load));
}

void fairness_run(const struct options *given) {
    if (given->payload_length < PAYLOAD_TIMED_LENGTH) {
        fail("A fairness run needs a payload of at least %d bytes (--size).", PAYLOAD_TIMED_LENGTH);
    }
    if (given->qos > 0 || given->tls != 0 || given->publishers != 1 || given->subscribers != 1) {
        fail("A fairness run has pairs at QoS 0 and no TLS; leave --qos, --tls, --publishers and --subscribers out.");
    }
    // The quiet pair is the last group.
    struct options options = *given;
    options.groups++;
    struct load load;
    load_prepare(&load, &options);
    topology_build(&load);
    load.groups[given->groups].subscribers->kernel_times = true;
    topology_connect(&load);

    struct histogram *alone = allocate(1, sizeof *alone), *beside = allocate(1, sizeof *beside);
    struct schedule schedule = {.rate = options.rate, .first = given->groups, .groups = 1, .carries_sending_time = true,
                                .lateness = allocate(1, sizeof *schedule.lateness)};
    uint64_t messages;
    measure(&load, &schedule, alone, &messages);
    window_begin(&load, given->groups);
    struct usage usage = measure(&load, &schedule, beside, &messages);
    report(&load, alone, beside, schedule.lateness, messages, &usage);
    free(alone);
    free(beside);
    free(schedule.lateness);
    topology_close(&load);
}
