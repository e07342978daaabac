// SPDX-License-Identifier: Apache-2.0
// Many subscriptions; see subscriptions.h.
// Each client has --filters of them: half are exact, three tenths have a `+` in the middle, two tenths end in `#`. For
// each there is a topic that matches it and no other.

#include "subscriptions.h"

#include "clock.h"
#include "failure.h"
#include "handshake.h"
#include "report.h"
#include "ring.h"
#include "session.h"
#include "topology.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FILTERS_A_PACKET = 100,
    RANDOM_TOPICS = 1 << 18,  // published in turn: far more than any cache holds what it takes to look up
    MOST_CLIENTS = 10000, MOST_FILTERS = 100000,
};

// Messages for one client each, and what came of them.
struct stream {
    struct ring ring;
    uint32_t *owners;    // by place in the ring: the client that wants it
    uint32_t *received;  // by place in the ring
    uint64_t unexpected;
};

struct subscriptions {
    struct load load;    // first, so that the receiver finds the rest
    uint32_t *subscribed;  // filters, by client
    uint64_t granted;      // filters, by all
    struct stream *stream; // under way
};

static void name_topic(char *out, uint32_t client, uint32_t filter) {
    snprintf(out, TOPIC_NAME_CAPACITY, "site/%04u/device/%05u/state", client, filter);
}

static void name_filter(char *out, uint32_t client, uint32_t filter) {
    const char *shape = filter % 10 < 5 ? "site/%04u/device/%05u/state"
        : filter % 10 < 8               ? "site/%04u/+/%05u/state"
                                        : "site/%04u/device/%05u/#";
    snprintf(out, TOPIC_NAME_CAPACITY, shape, client, filter);
}

static void subscribe_more(struct load *load, struct connection *connection) {
    struct subscriptions *all = (struct subscriptions *)load;
    uint32_t first = all->subscribed[connection->number], count = load->options->filters - first;
    if (count > FILTERS_A_PACKET) count = FILTERS_A_PACKET;
    char filters[FILTERS_A_PACKET * TOPIC_NAME_CAPACITY], *end = filters;
    for (uint32_t i = 0; i < count; i++) {
        name_filter(end, connection->number, first + i);
        end += strlen(end) + 1;
    }
    session_send_subscribe_to(load, connection, filters, (size_t)(end - filters), count);
}

static void subscribed(struct load *load, struct connection *connection, uint32_t filters) {
    struct subscriptions *all = (struct subscriptions *)load;
    uint32_t *mine = &all->subscribed[connection->number];
    uint32_t rest = load->options->filters - *mine;
    if (filters != (rest < FILTERS_A_PACKET ? rest : FILTERS_A_PACKET)) {
        fail("A SUBACK came with %u reason codes, which is not the number of filters asked for.", filters);
    }
    *mine += filters;
    all->granted += filters;
    if (*mine < load->options->filters) subscribe_more(load, connection);
}

static void receive(struct load *load, struct connection *connection, const struct message *message) {
    struct stream *stream = ((struct subscriptions *)load)->stream;
    uint32_t place = stream->ring.packets;
    if (message->payload_length == load->options->payload_length) memcpy(&place, message->payload, sizeof place);
    if (place >= stream->ring.packets || stream->owners[place] != connection->number) {
        stream->unexpected++;
    } else {
        stream->received[place]++;
    }
}

static const struct receiver receiver = {.subscribed = subscribed, .message = receive};

static struct usage subscribe_all(struct subscriptions *all, uint64_t wanted) {
    struct load *load = &all->load;
    struct usage before = usage_sample(load->options->broker);
    for (uint32_t i = 0; i < load->options->connections; i++) subscribe_more(load, &load->connections[i]);
    load_await(load, &all->granted, wanted);
    struct usage after = usage_sample(load->options->broker);
    if (all->granted != wanted) {
        fail("%llu of %llu subscriptions were made, then nothing came from the broker any more.",
             (unsigned long long)all->granted, (unsigned long long)wanted);
    }
    return usage_between(&before, &after);
}

// Repeatable, so that each broker meets the same topics.
static uint32_t draw(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 32) * below >> 32);
}

struct choice {
    const uint32_t *clients, *filters;  // by place in the ring
};

static void name_chosen(char *out, uint32_t place, const void *context) {
    const struct choice *choice = context;
    name_topic(out, choice->clients[place], choice->filters[place]);
}

static void build_stream(struct stream *stream, const struct options *options, bool random) {
    uint64_t state = 1;
    uint32_t packets = random ? RANDOM_TOPICS : options->window;
    uint32_t *filters = allocate(packets, sizeof *filters);
    stream->owners = allocate(packets, sizeof *stream->owners);
    stream->received = allocate(packets, sizeof *stream->received);
    stream->unexpected = 0;
    for (uint32_t i = 0; random && i < packets; i++) {
        stream->owners[i] = draw(&state, options->connections);
        filters[i] = draw(&state, options->filters);
    }
    struct choice choice = {stream->owners, filters};
    struct publish_shape shape = {.protocol_level = options->protocol_level, .payload_length = options->payload_length};
    ring_build(&stream->ring, shape, packets, name_chosen, &choice);
    free(filters);
}

// Messages that are missing; what came too often or to the wrong client is disorder.
static int64_t check_stream(struct load *load, const struct stream *stream, uint64_t sent) {
    int64_t missing = 0;
    load->disorder += stream->unexpected;
    for (uint32_t i = 0; i < stream->ring.packets; i++) {
        uint64_t wanted = sent / stream->ring.packets + (i < sent % stream->ring.packets);
        missing += (int64_t)wanted - (int64_t)stream->received[i];
        if (stream->received[i] > wanted) load->disorder += stream->received[i] - wanted;
    }
    return missing;
}

struct figures {
    struct usage usage;
    uint64_t messages;
};

// Always the same topic, or random ones.
static struct figures publish(struct subscriptions *all, bool random, int64_t *missing) {
    struct load *load = &all->load;
    const struct options *options = load->options;
    struct connection *publisher = &load->connections[options->connections];
    struct stream stream;
    build_stream(&stream, options, random);
    all->stream = &stream;
    publisher->ring = &stream.ring;
    publisher->ring_sent = publisher->ring_limit = 0;
    uint64_t warm = ring_publish(load, publisher, UINT64_MAX, clock_now() + clock_from_seconds(options->warm_up),
                                 options->window, &load->received);
    uint64_t already = load->received;
    struct usage before = usage_sample(options->broker);
    uint64_t sent = ring_publish(load, publisher, UINT64_MAX, before.wall + clock_from_seconds(options->seconds),
                                 options->window, &load->received);
    struct usage after = usage_sample(options->broker);
    struct figures figures = {usage_between(&before, &after), load->received - already};
    load_settle(load);
    *missing += check_stream(load, &stream, warm + sent);
    publisher->ring = NULL;
    ring_free(&stream.ring);
    free(stream.owners);
    free(stream.received);
    return figures;
}

static void report_stream(const char *rate, const char *cost, const struct figures *figures) {
    double messages = figures->messages > 0 ? (double)figures->messages : 1;
    report_number(rate, (double)figures->messages / clock_to_seconds(figures->usage.wall));
    report_number(cost, (double)figures->usage.broker_cpu / messages);
}

void subscriptions_run(const struct options *options) {
    if (options->payload_length < sizeof(uint32_t)) fail("A subscriptions run needs a payload of 4 bytes (--size).");
    if (options->qos > 0) fail("A subscriptions run publishes at QoS 0 only; leave --qos out.");
    if (options->connections > MOST_CLIENTS || options->filters > MOST_FILTERS) {
        fail("There are filters for %d clients with %d each (--connections, --filters).", MOST_CLIENTS, MOST_FILTERS);
    }
    struct subscriptions all = {.subscribed = allocate(options->connections, sizeof *all.subscribed)};
    struct load *load = &all.load;
    load_prepare_clients(load, options, options->connections + 1);
    load->receiver = &receiver;
    handshake_connect(load, load->connections, load->connection_count);
    uint64_t wanted = (uint64_t)options->connections * options->filters;
    double count = (double)wanted, resident = (double)resident_bytes(options->broker);
    struct usage making = subscribe_all(&all, wanted);
    double grown = (double)resident_bytes(options->broker) - resident;
    int64_t missing = 0;
    struct figures hot = publish(&all, false, &missing);
    struct figures random = publish(&all, true, &missing);

    report_number("subscribes", count / clock_to_seconds(making.wall));
    report_number("subscribe_ns", (double)making.broker_cpu / count);
    report_number("bytes", grown / count);
    report_stream("hot_rate", "hot_ns", &hot);
    report_stream("rate", "broker_ns", &random);
    struct usage usage = usage_sum(&making, &hot.usage);
    usage = usage_sum(&usage, &random.usage);
    report_end(load, &usage, missing);
    free(all.subscribed);
    topology_close(load);
}
