// SPDX-License-Identifier: Apache-2.0
// Clients that come and go; see churn.h.

#include "churn.h"

#include "clock.h"
#include "failure.h"
#include "report.h"
#include "session.h"
#include "visits.h"

#include <string.h>

static void subscribe(struct load *load, struct connection *connection, bool session_present) {
    if (session_present) load->disorder++;
    session_send_subscribe(load, connection);
}

static void publish(struct load *load, struct connection *connection, uint32_t filters) {
    (void)filters;
    char topic_name[TOPIC_NAME_CAPACITY];
    load_topic_name(topic_name, connection->group);
    struct publish_shape shape = {
        .protocol_level = load->options->protocol_level, .topic_name = topic_name,
        .payload_length = load->options->payload_length,
    };
    session_send_publish(load, connection, &shape, connection->number);
}

static void go(struct load *load, struct connection *connection, const struct message *message) {
    uint32_t number = connection->number + 1;
    if (message->payload_length == load->options->payload_length) memcpy(&number, message->payload, sizeof number);
    if (number != connection->number || connection->leaving) load->disorder++;
    if (connection->leaving) return;
    if (connection->number % 2 == 0) {
        session_send_disconnect(load, connection);
    } else {
        connection->leaving = true;
        visits_end(load, connection);
    }
}

static const struct receiver receiver = {.connected = subscribe, .subscribed = publish, .message = go, .left = visits_end};

void churn_run(const struct options *options) {
    if (options->payload_length < sizeof(uint32_t)) fail("A churn run needs a payload of at least 4 bytes (--size).");
    if (options->qos > 0) fail("A churn run publishes at QoS 0 only; leave --qos out.");
    struct visits visits;
    visits_prepare(&visits, options, &receiver);
    visits_run(&visits, 0, 1, UINT32_MAX, clock_now() + clock_from_seconds(options->warm_up));

    uint64_t already = visits.ended;
    double resident = (double)resident_bytes(options->broker);
    struct usage before = usage_sample(options->broker);
    visits_run(&visits, (uint32_t)visits.begun, 1, UINT32_MAX, before.wall + clock_from_seconds(options->seconds));
    struct usage after = usage_sample(options->broker), usage = usage_between(&before, &after);
    uint64_t visitors = visits.ended - already;
    double count = visitors > 0 ? (double)visitors : 1;

    report_number("clients", (double)visitors);
    report_number("rate", (double)visitors / clock_to_seconds(usage.wall));
    report_number("broker_ns", (double)usage.broker_cpu / count);
    report_number("load_ns", (double)usage.load_cpu / count);
    report_number("bytes", ((double)resident_bytes(options->broker) - resident) / count);
    report_end(&visits.load, &usage, (int64_t)(visits.begun - visits.ended));
    visits_free(&visits);
}
