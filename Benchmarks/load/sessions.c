// SPDX-License-Identifier: Apache-2.0
// Sessions that outlive their connections; see sessions.h.
// They are made and resumed by --concurrency clients at a time, so their number is not bound by that of open files.

#include "sessions.h"

#include "clock.h"
#include "failure.h"
#include "handshake.h"
#include "report.h"
#include "ring.h"
#include "session.h"
#include "topology.h"
#include "visits.h"

// As many as there are topic names of one length.
enum { EXPIRY_SECONDS = 3600, MOST_SESSIONS = 100000 };

static void subscribe(struct load *load, struct connection *connection, bool session_present) {
    if (session_present) load->disorder++;
    session_send_subscribe(load, connection);
}

static void go(struct load *load, struct connection *connection, uint32_t filters) {
    (void)filters;
    session_send_disconnect(load, connection);
}

static const struct receiver maker = {.connected = subscribe, .subscribed = go, .left = visits_end};

// The queue of session s holds the messages s, s + sessions, s + 2 * sessions and so on, in this order. [MQTT-4.6.0-6]
static void receive(struct load *load, struct connection *connection, const struct message *message) {
    const struct options *options = load->options;
    uint64_t wanted = connection->number + (connection->received - 1) * options->connections;
    uint32_t number;
    bool right = message->payload_length == options->payload_length && message->qos == 1;
    if (right) memcpy(&number, message->payload, sizeof number);
    if (!right || number != wanted || connection->received > options->messages) load->disorder++;
    if (connection->received == options->messages) session_send_disconnect(load, connection);
}

static void expect_session(struct load *load, struct connection *connection, bool session_present) {
    if (session_present) return;
    // Nothing will come: what was queued is missing.
    load->disorder++;
    session_send_disconnect(load, connection);
}

static const struct receiver resumer = {.connected = expect_session, .message = receive, .left = visits_end};

static void name_topic(char *out, uint32_t number, const void *context) {
    const struct options *options = context;
    load_topic_name(out, number % options->connections);
}

static void make_sessions(struct visits *visits, const struct options *options) {
    visits->load.receiver = &maker;
    visits_run(visits, 0, 1, options->connections, UINT64_MAX);
    if (visits->ended != options->connections) {
        fail("%llu of %u sessions were made, then nothing came from the broker any more.",
             (unsigned long long)visits->ended, options->connections);
    }
}

static struct usage fill_queues(const struct options *options) {
    struct load load;
    load_prepare_clients(&load, options, 1);
    struct connection *publisher = load.connections;
    // Not the client identifier of a session.
    publisher->number = options->connections;
    handshake_connect(&load, publisher, 1);
    struct publish_shape shape = {
        .protocol_level = options->protocol_level, .qos = 1, .payload_length = options->payload_length,
    };
    struct ring ring;
    uint32_t count = options->connections * options->messages;
    ring_build(&ring, shape, count, name_topic, options);
    publisher->ring = &ring;
    uint32_t window = publisher->receive_maximum < options->window ? publisher->receive_maximum : options->window;
    struct usage before = usage_sample(options->broker);
    ring_publish(&load, publisher, count, UINT64_MAX, window, &load.acknowledged);
    struct usage after = usage_sample(options->broker);
    if (load.acknowledged != count || load.refused > 0) {
        fail("The broker took %llu of %u messages for sessions without a connection.",
             (unsigned long long)(load.acknowledged - load.refused), count);
    }
    ring_free(&ring);
    topology_close(&load);
    return usage_between(&before, &after);
}

static struct usage resume(struct visits *visits, const struct options *options) {
    visits->load.receiver = &resumer;
    struct usage before = usage_sample(options->broker);
    visits_run(visits, 0, options->connections / options->resumed, options->resumed, UINT64_MAX);
    struct usage after = usage_sample(options->broker);
    return usage_between(&before, &after);
}

void sessions_run(const struct options *options) {
    if (options->payload_length < sizeof(uint32_t)) fail("A sessions run needs a payload of at least 4 bytes (--size).");
    if (options->qos != 1) fail("Messages are queued for sessions at QoS 1: give --qos 1.");
    if (options->connections > MOST_SESSIONS) fail("There are topics for %d sessions (--connections).", MOST_SESSIONS);
    if (options->resumed > options->connections) fail("No more sessions than there are can be resumed (--resumed).");
    struct visits visits;
    visits_prepare(&visits, options, NULL);
    visits.load.session_expiry = EXPIRY_SECONDS;
    double sessions = options->connections, queued = sessions * options->messages;
    double resumed = options->resumed, delivered = resumed * options->messages;

    double fresh = (double)resident_bytes(options->broker);
    struct usage before = usage_sample(options->broker);
    make_sessions(&visits, options);
    struct usage after = usage_sample(options->broker), making = usage_between(&before, &after);
    double with_sessions = (double)resident_bytes(options->broker);
    struct usage filling = fill_queues(options);
    double with_queues = (double)resident_bytes(options->broker);
    struct usage resuming = resume(&visits, options);

    report_number("make_rate", sessions / clock_to_seconds(making.wall));
    report_number("make_ns", (double)making.broker_cpu / sessions);
    report_number("bytes_session", (with_sessions - fresh) / sessions);
    report_number("queue_rate", queued / clock_to_seconds(filling.wall));
    report_number("queue_ns", (double)filling.broker_cpu / queued);
    report_number("bytes_message", (with_queues - with_sessions) / queued);
    report_number("rate", resumed / clock_to_seconds(resuming.wall));
    report_number("broker_ns", (double)resuming.broker_cpu / resumed);
    struct usage usage = usage_sum(&making, &filling);
    usage = usage_sum(&usage, &resuming);
    report_end(&visits.load, &usage, (int64_t)delivered - (int64_t)visits.load.received);
    visits_free(&visits);
}
