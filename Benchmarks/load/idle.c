// SPDX-License-Identifier: Apache-2.0
// Many clients that do nothing; see idle.h.

#include "idle.h"

#include "clock.h"
#include "handshake.h"
#include "report.h"
#include "topology.h"

void idle_run(const struct options *options) {
    struct load load;
    load_prepare_clients(&load, options, options->connections);
    // A topic of its own for each connection.
    for (uint32_t i = 0; i < options->connections; i++) load.connections[i].group = i;
    struct idle_result result = {.resident_before = options->broker > 0 ? resident_bytes(options->broker) : 0};

    struct usage before = usage_sample(options->broker);
    handshake_connect(&load, load.connections, options->connections);
    struct usage after = usage_sample(options->broker);
    result.connecting = usage_between(&before, &after);
    result.connect_seconds = clock_to_seconds(result.connecting.wall);

    uint64_t start = clock_now();
    handshake_subscribe(&load, load.connections, options->connections);
    result.subscribe_seconds = clock_to_seconds(clock_now() - start);

    // Brokers give memory back with a delay: look after the time asked for, while all connections stay up.
    for (uint64_t end = clock_now() + clock_from_seconds(options->seconds); clock_now() < end;) load_turn(&load, 50);
    if (options->broker > 0) result.resident_after = resident_bytes(options->broker);
    report_idle(&load, &result);
    topology_close(&load);
}
