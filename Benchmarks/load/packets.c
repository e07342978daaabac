// SPDX-License-Identifier: Apache-2.0
// MQTT Control Packets as bytes; see packets.h.

#include "packets.h"

#include <string.h>

static uint8_t *write_uint16(uint8_t *out, uint16_t value) {
    *out++ = (uint8_t)(value >> 8);
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *write_string(uint8_t *out, const char *string) {
    size_t length = strlen(string);
    out = write_uint16(out, (uint16_t)length);
    memcpy(out, string, length);
    return out + length;
}

static uint8_t *write_variable_byte_integer(uint8_t *out, size_t value) {
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

size_t encode_connect(uint8_t *out, int protocol_level, const char *client_identifier) {
    uint8_t body[HANDSHAKE_PACKET_CAPACITY];
    uint8_t *end = write_string(body, "MQTT");
    *end++ = (uint8_t)protocol_level;
    *end++ = 0x02;                            // Clean Start
    end = write_uint16(end, 0);               // Keep Alive off: a run is short, and pings would disturb it
    if (protocol_level == 5) *end++ = 0;      // no properties
    end = write_string(end, client_identifier);

    uint8_t *cursor = out;
    *cursor++ = 0x10;
    cursor = write_variable_byte_integer(cursor, (size_t)(end - body));
    memcpy(cursor, body, (size_t)(end - body));
    return (size_t)(cursor - out) + (size_t)(end - body);
}

size_t encode_subscribe(
    uint8_t *out, int protocol_level, uint16_t packet_identifier, const char *topic_filter, int qos) {
    size_t remaining = 2 + (protocol_level == 5 ? 1 : 0) + 2 + strlen(topic_filter) + 1;
    uint8_t *cursor = out;
    *cursor++ = 0x82;
    cursor = write_variable_byte_integer(cursor, remaining);
    cursor = write_uint16(cursor, packet_identifier);
    if (protocol_level == 5) *cursor++ = 0;
    cursor = write_string(cursor, topic_filter);
    *cursor++ = (uint8_t)qos;
    return (size_t)(cursor - out);
}

static size_t publish_remaining_length(const struct publish_shape *shape) {
    return 2 + strlen(shape->topic_name) + (shape->qos > 0 ? 2 : 0) + (shape->protocol_level == 5 ? 1 : 0)
        + shape->payload_length;
}

size_t publish_length(const struct publish_shape *shape) {
    uint8_t header[4];
    size_t remaining = publish_remaining_length(shape);
    return 1 + (size_t)(write_variable_byte_integer(header, remaining) - header) + remaining;
}

void encode_publish(uint8_t *out, const struct publish_shape *shape, uint16_t packet_identifier) {
    *out++ = (uint8_t)(0x30 | shape->qos << 1);
    out = write_variable_byte_integer(out, publish_remaining_length(shape));
    out = write_string(out, shape->topic_name);
    if (shape->qos > 0) out = write_uint16(out, packet_identifier);
    if (shape->protocol_level == 5) *out = 0;
}

// Length of a CONNACK property's value by its identifier; 0 means that it is not one. [MQTT table 2-4]
static size_t connack_property_length(uint8_t identifier, const uint8_t *value, size_t available) {
    switch (identifier) {
    case 0x24: case 0x25: case 0x28: case 0x29: case 0x2A: return 1;
    case 0x13: case 0x21: case 0x22: return 2;
    case 0x11: case 0x27: return 4;
    case 0x12: case 0x15: case 0x16: case 0x1A: case 0x1C: case 0x1F:
        return available < 2 ? 0 : 2 + (size_t)read_uint16(value);
    case 0x26: {
        if (available < 2) return 0;
        size_t name = 2 + (size_t)read_uint16(value);
        if (available < name + 2) return 0;
        return name + 2 + (size_t)read_uint16(value + name);
    }
    default: return 0;
    }
}

bool decode_receive_maximum(const uint8_t *body, size_t length, uint16_t *receive_maximum) {
    *receive_maximum = UINT16_MAX;
    if (length == 2) return true;
    uint32_t prefix, properties_length;
    // The property length is a Variable Byte Integer like the Remaining Length: step back one byte, as if over a type.
    if (decode_fixed_header(body + 1, length - 1, &prefix, &properties_length) != HEADER_COMPLETE) return false;
    const uint8_t *cursor = body + 1 + prefix;
    if (properties_length > length - 1 - prefix) return false;
    const uint8_t *end = cursor + properties_length;
    while (cursor < end) {
        uint8_t identifier = *cursor++;
        size_t value_length = connack_property_length(identifier, cursor, (size_t)(end - cursor));
        if (value_length == 0 || value_length > (size_t)(end - cursor)) return false;
        if (identifier == 0x21) *receive_maximum = read_uint16(cursor);
        cursor += value_length;
    }
    return true;
}
