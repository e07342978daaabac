// SPDX-License-Identifier: Apache-2.0
// CONNECT, SUBSCRIBE and UNSUBSCRIBE; see handshake.h.

#include "handshake.h"

#include "block.h"
#include "failure.h"
#include "flight.h"
#include "topics.h"

enum { WILL = 0x04, PASSWORD = 0x40, USER_NAME = 0x80, REFUSED = 0x80 };

// What this broker does not have is said once, to clients of MQTT 5. [MQTT-3.2.2.3]
static const uint8_t connack5[] = {
    0x20, 19, 0, 0, 16,
    0x21, INFLIGHT_LIMIT >> 8, INFLIGHT_LIMIT & 0xFF,    // Receive Maximum
    0x27, 0, PACKET_LENGTH_LIMIT >> 16, 0, 0,            // Maximum Packet Size
    0x25, 0, 0x28, 0, 0x29, 0, 0x2A, 0,                  // no retained messages, wildcards, identifiers, shared groups
};

bool handshake_connect(struct connection *connection, struct reader *reader) {
    struct reader name = read_string(reader);
    uint8_t level = read8(reader), flags = read8(reader);
    if (reader->broken || reader_left(&name) != 4 || memcmp(name.next, "MQTT", 4) != 0) return false;
    if ((level != 4 && level != 5) || (flags & 1) != 0) return false;
    read16(reader);  // Keep Alive: nobody is timed here
    connection->receive_maximum = INFLIGHT_LIMIT;
    if (level == 5) skip_properties(reader, &connection->receive_maximum);
    read_string(reader);  // Client Identifier
    if (flags & WILL) {
        if (level == 5) skip_properties(reader, NULL);
        read_string(reader);
        read_string(reader);
    }
    if (flags & USER_NAME) read_string(reader);
    if (flags & PASSWORD) read_string(reader);
    if (reader->broken || reader_left(reader) > 0) return false;
    connection->protocol_level = level;
    if (level == 5) {
        memcpy(connection_reserve(connection, sizeof connack5), connack5, sizeof connack5);
    } else {
        memcpy(connection_reserve(connection, 4), (uint8_t[]){0x20, 2, 0, 0}, 4);
    }
    return true;
}

static void add_subscription(struct connection *connection, struct topic *topic) {
    if (connection->subscription_count == connection->subscription_capacity) {
        uint32_t capacity = connection->subscription_capacity == 0 ? 1 : 2 * connection->subscription_capacity;
        connection->subscriptions = reallocate(connection->subscriptions, capacity * sizeof *connection->subscriptions);
        connection->subscription_capacity = capacity;
    }
    connection->subscriptions[connection->subscription_count++] = topic;
}

// The reason code of one Topic Filter.
static uint8_t subscribe(struct connection *connection, struct reader filter, uint8_t qos) {
    size_t length = reader_left(&filter);
    if (!is_topic_name(filter.next, length)) return REFUSED;
    struct topic *topic;
    if (topics_subscribe(filter.next, (uint16_t)length, connection, qos, &topic)) add_subscription(connection, topic);
    if (qos > 0) flight_begin(connection);
    return qos;
}

// SUBACK and UNSUBACK without their reason codes: returns where these go.
static uint8_t *answer(struct connection *connection, enum packet_type type, uint16_t identifier, uint32_t codes) {
    bool five = connection->protocol_level == 5;
    uint32_t remaining = 2 + five + codes;
    uint8_t header[8], *end = header;
    *end++ = (uint8_t)(type << 4);
    end = store16(write_variable(end, remaining), identifier);
    if (five) *end++ = 0;
    size_t length = (size_t)(end - header);
    uint8_t *out = connection_reserve(connection, length + codes);
    memcpy(out, header, length);
    return out + length;
}

// Counts Topic Filters, each with `options` bytes behind it; 0 if the packet is malformed.
static uint32_t count_filters(struct reader reader, size_t options) {
    uint32_t count = 0;
    while (reader_left(&reader) > 0 && !reader.broken) {
        struct reader filter = read_string(&reader);
        const uint8_t *option = read_bytes(&reader, options);
        if (reader_left(&filter) == 0 || (options > 0 && option != NULL && (*option & 3) == 3)) return 0;
        count++;
    }
    return reader.broken ? 0 : count;
}

bool handshake_subscribe(struct connection *connection, struct reader *reader) {
    uint16_t identifier = read16(reader);
    if (connection->protocol_level == 5) skip_properties(reader, NULL);
    uint32_t count = count_filters(*reader, 1);
    if (reader->broken || identifier == 0 || count == 0) return false;
    uint8_t *code = answer(connection, PACKET_SUBACK, identifier, count);
    while (reader_left(reader) > 0) {
        struct reader filter = read_string(reader);
        *code++ = subscribe(connection, filter, read8(reader) & 3);
    }
    return true;
}

static bool unsubscribe(struct connection *connection, struct reader filter) {
    struct topic *topic = topics_find(filter.next, (uint16_t)reader_left(&filter));
    for (uint32_t i = 0; topic != NULL && i < connection->subscription_count; i++) {
        if (connection->subscriptions[i] != topic) continue;
        connection->subscriptions[i] = connection->subscriptions[--connection->subscription_count];
        topics_unsubscribe(topic, connection);
        return true;
    }
    return false;
}

bool handshake_unsubscribe(struct connection *connection, struct reader *reader) {
    uint16_t identifier = read16(reader);
    bool five = connection->protocol_level == 5;
    if (five) skip_properties(reader, NULL);
    uint32_t count = count_filters(*reader, 0);
    if (reader->broken || identifier == 0 || count == 0) return false;
    uint8_t *code = answer(connection, PACKET_UNSUBACK, identifier, five ? count : 0);
    while (reader_left(reader) > 0) {
        bool existed = unsubscribe(connection, read_string(reader));
        if (five) *code++ = existed ? 0x00 : 0x11;
    }
    return true;
}
