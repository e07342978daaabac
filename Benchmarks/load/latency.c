// SPDX-License-Identifier: Apache-2.0
// Latency at a fixed rate; see latency.h.
// The schedule is fixed beforehand and the due time travels in the payload: a broker (or a generator) that stalls makes
// every message due meanwhile late, instead of quietly lowering the rate (coordinated omission).
// The generator does not sleep here, so that its own waking up is no part of the figures.

#include "latency.h"

#include "clock.h"
#include "failure.h"
#include "report.h"
#include "topology.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_SECONDS = 2 };

struct schedule {
    uint64_t start, end;
    uint64_t sent;
    struct histogram *lateness;  // of the generator itself
};

static uint64_t due_time(const struct options *options, const struct schedule *schedule) {
    return schedule->start + schedule->sent * 1000000000u / options->rate;
}

static void publish(struct load *load, struct schedule *schedule, uint64_t due) {
    const struct options *options = load->options;
    struct group *group = &load->groups[schedule->sent % options->groups];
    struct connection *publisher = &group->publishers[group->next_publisher];
    group->next_publisher = (group->next_publisher + 1) % options->publishers;
    char topic_name[TOPIC_NAME_CAPACITY];
    load_topic_name(topic_name, publisher->group);
    struct publish_shape shape = {options->protocol_level, options->qos, topic_name, options->payload_length, false};
    uint32_t length = (uint32_t)publish_length(&shape);
    uint8_t *packet = connection_reserve(publisher, length);
    memset(packet, 0, length);
    encode_publish(packet, &shape, (uint16_t)(publisher->published % UINT16_MAX + 1));
    memcpy(packet + length - options->payload_length, &due, sizeof due);
    publisher->control_end += length;
    publisher->published++;
    group->published++;
    schedule->sent++;
    if (!publisher->writable_armed) connection_flush(load, publisher);
    if (due >= load->latency_from) histogram_add(schedule->lateness, clock_now() - due);
}

static void publish_due(struct load *load, struct schedule *schedule) {
    uint64_t now = clock_now();
    for (uint64_t due; (due = due_time(load->options, schedule)) <= now && due < schedule->end;) {
        publish(load, schedule, due);
    }
}

void latency_run(const struct options *options) {
    if (options->payload_length < sizeof(uint64_t)) fail("A latency run needs a payload of at least 8 bytes (--size).");
    if (options->qos > 0) fail("A latency run publishes at QoS 0 only; leave --qos out.");
    struct load load;
    load_prepare(&load, options);
    topology_build(&load);
    load.latency = allocate(1, sizeof *load.latency);
    struct schedule schedule = {.start = clock_now(), .lateness = allocate(1, sizeof *schedule.lateness)};
    load.latency_from = schedule.start + clock_from_seconds(options->warm_up);
    load.latency_until = schedule.end = load.latency_from + clock_from_seconds(options->seconds);

    struct usage before = {0};
    for (uint64_t now; (now = clock_now()) < schedule.end;) {
        if (before.wall == 0 && now >= load.latency_from) before = usage_sample(options->broker);
        publish_due(&load, &schedule);
        load_turn(&load, 0);
    }
    // What came due while the last turn lasted is sent all the same.
    publish_due(&load, &schedule);
    struct usage after = usage_sample(options->broker);
    uint64_t deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    while (topology_missing(&load) > 0 && clock_now() < deadline) load_turn(&load, 0);

    struct usage usage = usage_between(&before, &after);
    report_latency(&load, &usage, schedule.lateness, topology_missing(&load));
    free(load.latency);
    free(schedule.lateness);
    topology_close(&load);
}
