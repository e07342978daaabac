// SPDX-License-Identifier: Apache-2.0
// Retained messages; see retained.h. They are set at QoS 1, so that the broker says of each that it has it.

#include "retained.h"

#include "clock.h"
#include "failure.h"
#include "handshake.h"
#include "report.h"
#include "ring.h"
#include "session.h"
#include "topology.h"

#include <stdio.h>
#include <stdlib.h>

// Two levels that branch, as topics of devices do.
enum { TOPICS_A_BRANCH = 1000, MOST_TOPICS = 1000 * TOPICS_A_BRANCH };

struct retained {
    struct load load;  // first, so that the receiver finds the rest
    bool *seen;        // by number
    uint64_t distinct;
};

static void name_topic(char *out, uint32_t number, const void *context) {
    (void)context;
    snprintf(out, TOPIC_NAME_CAPACITY, "load/%03u/%03u", number / TOPICS_A_BRANCH, number % TOPICS_A_BRANCH);
}

static void receive(struct load *load, struct connection *connection, const struct message *message) {
    (void)connection;
    struct retained *retained = (struct retained *)load;
    uint32_t number = load->options->messages;
    if (message->payload_length == load->options->payload_length) memcpy(&number, message->payload, sizeof number);
    if (number >= load->options->messages || retained->seen[number] || !message->retain) {
        load->disorder++;
        return;
    }
    retained->seen[number] = true;
    retained->distinct++;
}

static const struct receiver receiver = {.message = receive};

// Returns what it cost; fails when the broker does not acknowledge them all.
static struct usage set_all(struct load *load, struct connection *publisher) {
    const struct options *options = load->options;
    struct publish_shape shape = {
        .protocol_level = options->protocol_level, .qos = 1, .payload_length = options->payload_length, .retain = true,
    };
    struct ring ring;
    ring_build(&ring, shape, options->messages, name_topic, NULL);
    publisher->ring = &ring;
    uint32_t window = publisher->receive_maximum < options->window ? publisher->receive_maximum : options->window;
    struct usage before = usage_sample(options->broker);
    ring_publish(load, publisher, options->messages, UINT64_MAX, window, &load->acknowledged);
    struct usage after = usage_sample(options->broker);
    if (load->acknowledged != options->messages) {
        fail("The broker acknowledged %llu of %u retained messages.", (unsigned long long)load->acknowledged,
             options->messages);
    }
    publisher->ring = NULL;
    ring_free(&ring);
    return usage_between(&before, &after);
}

static struct usage get_all(struct retained *retained, struct connection *subscriber) {
    static const char everything[] = "#";
    struct load *load = &retained->load;
    struct usage before = usage_sample(load->options->broker);
    session_send_subscribe_to(load, subscriber, everything, sizeof everything, 1);
    load_await(load, &retained->distinct, load->options->messages);
    struct usage after = usage_sample(load->options->broker);
    load_settle(load);
    return usage_between(&before, &after);
}

void retained_run(const struct options *options) {
    if (options->payload_length < sizeof(uint32_t)) fail("Retained messages need a payload of at least 4 bytes (--size).");
    if (options->qos > 1) fail("Retained messages are received at QoS 0 or 1 (--qos).");
    if (options->messages > MOST_TOPICS) fail("There are topics for %d retained messages (--messages).", MOST_TOPICS);
    struct retained retained = {.seen = allocate(options->messages, sizeof *retained.seen)};
    struct load *load = &retained.load;
    load_prepare_clients(load, options, 2);
    load->receiver = &receiver;
    handshake_connect(load, load->connections, 2);
    double count = options->messages, resident = (double)resident_bytes(options->broker);

    struct usage setting = set_all(load, &load->connections[0]);
    double grown = (double)resident_bytes(options->broker) - resident;
    struct usage getting = get_all(&retained, &load->connections[1]);

    report_number("set_rate", count / clock_to_seconds(setting.wall));
    report_number("set_ns", (double)setting.broker_cpu / count);
    report_number("rate", (double)retained.distinct / clock_to_seconds(getting.wall));
    report_number("broker_ns", (double)getting.broker_cpu / count);
    report_number("bytes", grown / count - options->payload_length);
    struct usage usage = usage_sum(&setting, &getting);
    report_end(load, &usage, (int64_t)(options->messages - retained.distinct));
    free(retained.seen);
    topology_close(load);
}
