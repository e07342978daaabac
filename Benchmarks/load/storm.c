// SPDX-License-Identifier: Apache-2.0
// Everybody comes back at once; see storm.h.
// --concurrency bounds the connections without CONNACK, not the subscriptions: more would overrun the listener's backlog.

#include "storm.h"

#include "clock.h"
#include "handshake.h"
#include "report.h"
#include "session.h"
#include "topology.h"

struct storm {
    struct load load;     // first, so that the receiver finds the rest
    uint64_t subscribed;  // clients
};

static void subscribe(struct load *load, struct connection *connection, bool session_present) {
    if (session_present) load->disorder++;
    session_send_subscribe(load, connection);
}

static void count(struct load *load, struct connection *connection, uint32_t filters) {
    (void)filters;
    struct storm *storm = (struct storm *)load;
    if (connection->acknowledged++ > 0) load->disorder++;
    else storm->subscribed++;
}

static const struct receiver receiver = {.connected = subscribe, .subscribed = count};

void storm_run(const struct options *options) {
    struct storm storm = {.subscribed = 0};
    struct load *load = &storm.load;
    uint32_t clients = options->connections;
    load_prepare_clients(load, options, clients);
    load->receiver = &receiver;
    for (uint32_t i = 0; i < clients; i++) load->connections[i].group = i;

    struct usage before = usage_sample(options->broker);
    handshake_connect(load, load->connections, clients);
    load_await(load, &storm.subscribed, clients);
    struct usage after = usage_sample(options->broker), usage = usage_between(&before, &after);
    load_settle(load);

    report_number("clients", clients);
    report_number("rate", clients / clock_to_seconds(usage.wall));
    report_number("broker_ns", (double)usage.broker_cpu / clients);
    report_number("load_ns", (double)usage.load_cpu / clients);
    report_end(load, &usage, (int64_t)(clients - storm.subscribed));
    topology_close(load);
}
