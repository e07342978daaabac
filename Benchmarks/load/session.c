// SPDX-License-Identifier: Apache-2.0
// What a client does with the packets it receives; see session.h.
// This is the generator's hot path: whatever its size, a PUBLISH costs its fixed header, a comparison, a few counters.

#include "session.h"

#include "clock.h"
#include "failure.h"
#include "packets.h"
#include "ring.h"
#include "payload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void acknowledge(struct connection *connection, uint8_t first_byte, uint16_t packet_identifier) {
    encode_acknowledgement(connection_begin_packet(connection, ACKNOWLEDGEMENT_LENGTH), first_byte, packet_identifier);
    connection_end_packet(connection, ACKNOWLEDGEMENT_LENGTH);
}

static void record_latency(struct load *load, const uint8_t *payload) {
    uint64_t time;
    memcpy(&time, payload + PAYLOAD_TIME, sizeof time);
    if (time < load->latency_from || time >= load->latency_until) return;
    histogram_add(load->latency, load->arrival > time ? load->arrival - time : 0);
}

// A message for one subscriber only: nobody had it before, and what this subscriber gets is in order.
static void check_once(struct load *load, struct group *group, struct connection *connection, uint32_t index) {
    uint32_t packets = group->rings->packets;
    uint64_t number = group->settled + (index + packets - group->settled % packets) % packets;
    if (number >= group->published || group->taken[index]) {
        load->disorder++;
        return;
    }
    if (number < connection->next) load->disorder++;
    connection->next = number + 1;
    group->taken[index] = true;
    for (uint64_t i; group->taken[i = group->settled % packets]; group->settled++) group->taken[i] = false;
}

// The messages of each publisher must come in the order of its ring. [MQTT-4.6.0-6]
static void check_order(struct load *load, struct connection *connection, const uint8_t *payload) {
    const struct options *options = load->options;
    struct group *group = &load->groups[connection->group];
    uint32_t index, publisher;
    memcpy(&index, payload + PAYLOAD_INDEX, sizeof index);
    memcpy(&publisher, payload + PAYLOAD_PUBLISHER, sizeof publisher);
    if (publisher >= options->publishers || index >= group->rings->packets) {
        fail("A message came that nobody published; is the topic load/%05u in use elsewhere?", connection->group);
    }
    if (group->taken != NULL) {
        check_once(load, group, connection, index);
        return;
    }
    if (index != connection->expected[publisher]) load->disorder++;
    connection->expected[publisher] = index + 1 == group->rings->packets ? 0 : index + 1;
}

// Without groups a message is the mode's own affair.
static void hand_over(
    struct load *load, struct connection *connection, const uint8_t *packet, uint32_t header, uint32_t remaining) {
    struct message message;
    uint16_t identifier;
    if (load->receiver == NULL || load->receiver->message == NULL) fail("A message came that was not asked for.");
    if (!decode_publish(packet, header, remaining, load->options->protocol_level, &message, &identifier)) {
        fail("A PUBLISH came that cannot be read.");
    }
    connection->received++;
    load->received++;
    load->receiver->message(load, connection, &message);
    if (message.qos > 0) acknowledge(connection, message.qos == 1 ? FIRST_BYTE_PUBACK : FIRST_BYTE_PUBREC, identifier);
}

static void receive_publish(
    struct load *load, struct connection *connection, const uint8_t *packet, uint32_t header, uint32_t remaining) {
    const struct options *options = load->options;
    int qos = packet[0] >> 1 & 3;
    if (remaining < options->payload_length + 2) fail("A message came that was not asked for.");
    const uint8_t *payload = packet + header + remaining - options->payload_length;
    if (load->latency != NULL) record_latency(load, payload);
    if (options->payload_length >= PAYLOAD_ORDER_LENGTH) check_order(load, connection, payload);
    connection->received++;
    load->received++;
    if (qos == 0) return;
    const uint8_t *identifier = packet + header + 2 + read_uint16(packet + header);
    if (identifier + 2 > payload) fail("A PUBLISH came without a packet identifier.");
    acknowledge(connection, qos == 1 ? FIRST_BYTE_PUBACK : FIRST_BYTE_PUBREC, read_uint16(identifier));
}

// PUBACK and PUBCOMP end a message; brokers send them in the order of the messages. [MQTT-4.6.0-2]
static void finish_message(struct load *load, struct connection *connection, uint16_t packet_identifier) {
    if (connection->ring == NULL) fail("An acknowledgement came for a client that publishes nothing.");
    if (packet_identifier != ring_packet_identifier(connection->ring, connection->acknowledged)) load->disorder++;
    connection->acknowledged++;
    load->acknowledged++;
}

static void receive_connack(struct load *load, struct connection *connection, const uint8_t *body, uint32_t length) {
    if (length < 2 || body[1] != 0) {
        fail("The broker refused a connection with reason code 0x%02X; allow anonymous clients from here.",
             length < 2 ? 0 : body[1]);
    }
    if (!decode_receive_maximum(body, length, &connection->receive_maximum)) {
        fail("The properties of a CONNACK cannot be read.");
    }
    load->connacks++;
    if (load->receiver != NULL && load->receiver->connected != NULL) {
        load->receiver->connected(load, connection, body[0] & 1);
    }
}

static void receive_suback(struct load *load, struct connection *connection, const uint8_t *body, uint32_t length) {
    uint32_t filters;
    const uint8_t *codes = decode_suback(body, length, load->options->protocol_level, &filters);
    if (codes == NULL) fail("A SUBACK came that cannot be read.");
    for (uint32_t i = 0; i < filters; i++) {
        if (codes[i] == load->options->qos) continue;
        fail("The broker answered a subscription at QoS %d with 0x%02X; allow it to anonymous clients.",
             load->options->qos, codes[i]);
    }
    load->subacks++;
    if (load->receiver != NULL && load->receiver->subscribed != NULL) {
        load->receiver->subscribed(load, connection, filters);
    }
}

static void receive_other(
    struct load *load, struct connection *connection, const uint8_t *packet, uint32_t header, uint32_t remaining) {
    const uint8_t *body = packet + header;
    enum packet_type type = (enum packet_type)(packet[0] >> 4);
    if (type == PACKET_DISCONNECT) {
        fail("The broker sent DISCONNECT with reason code 0x%02X; its log may say why.", remaining > 0 ? body[0] : 0);
    }
    if (remaining < 2) fail("A packet of type %d came that is too short.", type);
    uint16_t identifier = read_uint16(body);
    bool refused = remaining > 2 && body[2] >= 0x80;
    switch (type) {
    case PACKET_CONNACK: receive_connack(load, connection, body, remaining); return;
    case PACKET_SUBACK: receive_suback(load, connection, body, remaining); return;
    case PACKET_PUBACK:
    case PACKET_PUBCOMP:
        load->refused += refused;
        finish_message(load, connection, identifier);
        return;
    case PACKET_PUBREC:
        load->refused += refused;
        // A refused message ends with its PUBREC. [MQTT-4.3.3-4]
        if (refused) finish_message(load, connection, identifier);
        else acknowledge(connection, FIRST_BYTE_PUBREL, identifier);
        return;
    case PACKET_PUBREL: acknowledge(connection, FIRST_BYTE_PUBCOMP, identifier); return;
    default: fail("A packet of type %d came that no client expects.", type);
    }
}

size_t session_receive(struct load *load, struct connection *connection, const uint8_t *bytes, size_t length) {
    size_t offset = 0;
    uint32_t header, remaining;
    for (;;) {
        const uint8_t *packet = bytes + offset;
        enum header_result result = decode_fixed_header(packet, length - offset, &header, &remaining);
        if (result == HEADER_MALFORMED) fail("A Remaining Length of more than four bytes came.");
        if (result == HEADER_INCOMPLETE || length - offset - header < remaining) break;
        if (packet[0] >> 4 == PACKET_PUBLISH) {
            (load->groups != NULL ? receive_publish : hand_over)(load, connection, packet, header, remaining);
        } else {
            receive_other(load, connection, packet, header, remaining);
        }
        offset += header + remaining;
    }
    if (offset > 0 && load->groups != NULL) load_touch(load, connection->group);
    return offset;
}

void session_send_connect(struct load *load, struct connection *connection) {
    char client_identifier[64];
    snprintf(client_identifier, sizeof client_identifier, "load-%d-%u", (int)getpid(), (unsigned)connection->number);
    const struct options *options = load->options;
    struct connect_shape shape = {
        .protocol_level = options->protocol_level, .client_identifier = client_identifier,
        .session_expiry = load->session_expiry, .username = options->username, .password = options->password,
    };
    uint8_t *packet = connection_begin_packet(connection, HANDSHAKE_PACKET_CAPACITY);
    connection_end_packet(connection, (uint32_t)encode_connect(packet, &shape));
    connection_flush(load, connection);
}

void session_send_subscribe(struct load *load, struct connection *connection) {
    char topic_filter[TOPIC_NAME_CAPACITY];
    size_t prefix = 0;
    if (load->options->shared) prefix = (size_t)sprintf(topic_filter, "$share/load/");
    load_topic_name(topic_filter + prefix, connection->group);
    session_send_subscribe_to(load, connection, topic_filter, strlen(topic_filter) + 1, 1);
}

void session_send_subscribe_to(
    struct load *load, struct connection *connection, const char *topic_filters, size_t length, uint32_t count) {
    uint8_t *packet = connection_begin_packet(connection, (uint32_t)subscribe_capacity(length, count));
    connection_end_packet(connection, (uint32_t)encode_subscribe(packet, load->options->protocol_level, 1, topic_filters,
                                                                 count, load->options->qos));
    connection_flush(load, connection);
}

void session_send_publish(
    struct load *load, struct connection *connection, const struct publish_shape *shape, uint32_t number) {
    uint32_t length = (uint32_t)publish_length(shape);
    uint8_t *packet = connection_begin_packet(connection, length);
    encode_publish(packet, shape, 1);
    fill_payload(packet + length - shape->payload_length, shape->payload_length, number);
    connection_end_packet(connection, length);
    connection_flush(load, connection);
}

void session_send_disconnect(struct load *load, struct connection *connection) {
    static const uint8_t disconnect[] = {0xE0, 0};
    memcpy(connection_begin_packet(connection, sizeof disconnect), disconnect, sizeof disconnect);
    connection_end_packet(connection, sizeof disconnect);
    connection->leaving = true;
    connection_flush(load, connection);
}
