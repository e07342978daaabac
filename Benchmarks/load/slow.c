// SPDX-License-Identifier: Apache-2.0
// Receivers that do not read; see slow.h.
// One publisher offers a fixed rate to the reading receivers, first alone, then beside those that do not read. It stays
// within the window of the reading ones, so that whatever these miss was lost by the broker.

#include "slow.h"

#include "clock.h"
#include "failure.h"
#include "handshake.h"
#include "report.h"
#include "topology.h"
#include "window.h"

enum { RECEIVE_BUFFER = 4096 };

struct pause {
    uint64_t delivery;  // when the newest came
    uint64_t longest;   // nanoseconds between two, or to the end
};

// Offers messages from now on for `seconds`; returns how many were delivered.
static uint64_t offer(struct load *load, double seconds, struct pause *pause) {
    uint64_t start = clock_now(), end = start + clock_from_seconds(seconds);
    uint64_t published = load->groups->published, received = load->received;
    for (uint64_t now; (now = clock_now()) < end;) {
        uint64_t already = load->received;
        window_offer(load, 0, published + (uint64_t)(clock_to_seconds(now - start) * load->options->rate));
        load_turn(load, 0);
        if (load->received != already) pause->delivery = now;
        else if (now - pause->delivery > pause->longest) pause->longest = now - pause->delivery;
    }
    return load->received - received;
}

static void connect_slow(struct load *load, struct connection *first, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) first[i].receive_buffer = RECEIVE_BUFFER;
    handshake_connect(load, first, count);
    handshake_subscribe(load, first, count);
    for (uint32_t i = 0; i < count; i++) connection_stop_reading(load, &first[i]);
}

static uint32_t count_ended(const struct connection *first, uint32_t count) {
    uint32_t ended = 0;
    for (uint32_t i = 0; i < count; i++) ended += connection_was_ended(&first[i]);
    return ended;
}

struct resident {
    uint64_t before, middle, after;
};

static void report_memory(const struct options *options, const struct resident *resident) {
    double receivers = options->slow, before = (double)resident->before, after = (double)resident->after;
    double peak = (double)resident_peak_bytes(options->broker);
    report_number("resident_before", before);
    report_number("resident_middle", (double)resident->middle);
    report_number("resident_after", after);
    report_number("resident_peak", peak);
    report_number("bytes", (peak - before) / receivers);
    report_number("bytes_late", (after - (double)resident->middle) / receivers);
}

void slow_run(const struct options *given) {
    struct options options = *given;
    options.groups = options.publishers = 1;
    struct load load;
    load_prepare(&load, &options);
    topology_build(&load);
    topology_connect(&load);
    struct connection *slow = load.connections + load.connection_count - options.slow;

    // A quarter of the time alone, all of it beside the others: their buffers have to fill up first.
    struct pause pause = {.delivery = clock_now()};
    offer(&load, options.warm_up, &pause);
    double alone = (double)offer(&load, options.seconds / 4, &pause) / (options.seconds / 4);
    window_drain(&load);
    if (alone == 0) fail("Nothing was delivered before there were receivers that do not read.");
    connect_slow(&load, slow, options.slow);

    struct resident resident = {.before = resident_bytes(options.broker)};
    struct usage before = usage_sample(options.broker);
    pause = (struct pause){.delivery = before.wall};
    double early = (double)offer(&load, options.seconds / 2, &pause);
    resident.middle = resident_bytes(options.broker);
    double late = (double)offer(&load, options.seconds / 2, &pause);
    struct usage after = usage_sample(options.broker), usage = usage_between(&before, &after);
    resident.after = resident_bytes(options.broker);
    uint32_t ended = count_ended(slow, options.slow);
    window_drain(&load);

    report_number("rate_alone", alone);
    report_number("rate", (early + late) / options.seconds);
    report_number("kept", 100 * (early + late) / (alone * options.seconds));
    report_number("kept_late", 100 * late / (alone * options.seconds / 2));
    report_number("longest_pause", (double)pause.longest / 1e6);
    report_memory(&options, &resident);
    report_number("ended", ended);
    report_number("broker_ns", (double)usage.broker_cpu / (early + late > 0 ? early + late : 1));
    report_end(&load, &usage, topology_missing(&load));
    topology_close(&load);
}
