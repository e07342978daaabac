// SPDX-License-Identifier: Apache-2.0
// Saturation; see throughput.h.

#include "throughput.h"

#include "clock.h"
#include "report.h"
#include "topology.h"
#include "window.h"

void throughput_run(const struct options *options) {
    struct load load;
    load_prepare(&load, options);
    topology_build(&load);
    topology_connect(&load);
    window_begin(&load, options->groups);
    window_run(&load, clock_now() + clock_from_seconds(options->warm_up));

    uint64_t already = load.received;
    struct usage before = usage_sample(options->broker);
    window_run(&load, before.wall + clock_from_seconds(options->seconds));
    uint64_t messages = load.received - already;
    struct usage after = usage_sample(options->broker);

    window_drain(&load);
    struct usage usage = usage_between(&before, &after);
    report_throughput(&load, &usage, messages, topology_missing(&load));
    topology_close(&load);
}
