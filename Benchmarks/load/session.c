// SPDX-License-Identifier: Apache-2.0
// What a client does with the packets it receives; see session.h.
// This is the generator's hot path: whatever its size, a PUBLISH costs its fixed header, a comparison, a few counters.

#include "session.h"

#include "clock.h"
#include "failure.h"
#include "packets.h"
#include "ring.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void acknowledge(struct connection *connection, uint8_t first_byte, uint16_t packet_identifier) {
    encode_acknowledgement(connection_reserve(connection, ACKNOWLEDGEMENT_LENGTH), first_byte, packet_identifier);
    connection->control_end += ACKNOWLEDGEMENT_LENGTH;
}

static void record_latency(struct load *load, const uint8_t *payload) {
    uint64_t due;
    memcpy(&due, payload, sizeof due);
    if (due >= load->latency_from && due < load->latency_until) histogram_add(load->latency, clock_now() - due);
}

// With one publisher a group, messages must come in the order of its ring. [MQTT-4.6.0-6]
static void check_order(struct load *load, struct connection *connection, const uint8_t *payload) {
    uint32_t index;
    memcpy(&index, payload, sizeof index);
    if (index != connection->expected) load->disorder++;
    connection->expected = index + 1 == load->groups[connection->group].ring.packets ? 0 : index + 1;
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
    if (load->latency != NULL) {
        record_latency(load, payload);
    } else if (options->publishers == 1 && options->payload_length >= sizeof(uint32_t)) {
        check_order(load, connection, payload);
    }
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
    snprintf(client_identifier, sizeof client_identifier, "load-%d-%u", (int)getpid(),
             (unsigned)connection->number);
    connection->control_end += (uint32_t)encode_connect(
        connection_reserve(connection, HANDSHAKE_PACKET_CAPACITY), load->options->protocol_level, client_identifier,
        load->session_expiry);
    connection_flush(load, connection);
}

void session_send_subscribe(struct load *load, struct connection *connection) {
    char topic_filter[TOPIC_NAME_CAPACITY];
    load_topic_name(topic_filter, connection->group);
    session_send_subscribe_to(load, connection, topic_filter, strlen(topic_filter) + 1, 1);
}

void session_send_subscribe_to(
    struct load *load, struct connection *connection, const char *topic_filters, size_t length, uint32_t count) {
    connection->control_end += (uint32_t)encode_subscribe(
        connection_reserve(connection, (uint32_t)subscribe_capacity(length, count)), load->options->protocol_level, 1,
        topic_filters, count, load->options->qos);
    connection_flush(load, connection);
}

void session_send_publish(
    struct load *load, struct connection *connection, const struct publish_shape *shape, uint32_t number) {
    uint32_t length = (uint32_t)publish_length(shape);
    uint8_t *packet = connection_reserve(connection, length);
    encode_publish(packet, shape, 1);
    fill_payload(packet + length - shape->payload_length, shape->payload_length, number);
    connection->control_end += length;
    connection_flush(load, connection);
}

void session_send_disconnect(struct load *load, struct connection *connection) {
    static const uint8_t disconnect[] = {0xE0, 0};
    memcpy(connection_reserve(connection, sizeof disconnect), disconnect, sizeof disconnect);
    connection->control_end += sizeof disconnect;
    connection->leaving = true;
    connection_flush(load, connection);
}
