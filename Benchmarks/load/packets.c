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

size_t encode_connect(uint8_t *out, const struct connect_shape *shape) {
    uint8_t body[HANDSHAKE_PACKET_CAPACITY];
    uint8_t *end = write_string(body, "MQTT");
    *end++ = (uint8_t)shape->protocol_level;
    // Clean Start, and which credentials follow. [MQTT-3.1.2.3]
    *end++ = (uint8_t)((shape->session_expiry == 0 ? 0x02 : 0) | (shape->username != NULL ? 0x80 : 0)
        | (shape->password != NULL ? 0x40 : 0));
    end = write_uint16(end, 0);               // Keep Alive off: a run is short, and pings would disturb it
    if (shape->protocol_level == 5) {
        *end++ = shape->session_expiry == 0 ? 0 : 5;
        if (shape->session_expiry > 0) {
            *end++ = 0x11;  // Session Expiry Interval
            end = write_uint16(write_uint16(end, (uint16_t)(shape->session_expiry >> 16)), (uint16_t)shape->session_expiry);
        }
    }
    end = write_string(end, shape->client_identifier);
    if (shape->username != NULL) end = write_string(end, shape->username);
    if (shape->password != NULL) end = write_string(end, shape->password);

    uint8_t *cursor = out;
    *cursor++ = 0x10;
    cursor = write_variable_byte_integer(cursor, (size_t)(end - body));
    memcpy(cursor, body, (size_t)(end - body));
    return (size_t)(cursor - out) + (size_t)(end - body);
}

size_t subscribe_capacity(size_t filters_length, uint32_t count) { return 8 + filters_length + 2 * (size_t)count; }

size_t encode_subscribe(
    uint8_t *out, int protocol_level, uint16_t packet_identifier, const char *topic_filters, uint32_t count, int qos) {
    const char *end = topic_filters;
    for (uint32_t i = 0; i < count; i++) end += strlen(end) + 1;
    // Each filter has two bytes of length and its options; the zero byte is not sent.
    size_t remaining = 2 + (protocol_level == 5 ? 1 : 0) + (size_t)(end - topic_filters) + 2 * (size_t)count;
    uint8_t *cursor = out;
    *cursor++ = 0x82;
    cursor = write_variable_byte_integer(cursor, remaining);
    cursor = write_uint16(cursor, packet_identifier);
    if (protocol_level == 5) *cursor++ = 0;
    for (const char *filter = topic_filters; filter < end; filter += strlen(filter) + 1) {
        cursor = write_string(cursor, filter);
        *cursor++ = (uint8_t)qos;
    }
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
    *out++ = (uint8_t)(0x30 | shape->qos << 1 | shape->retain);
    out = write_variable_byte_integer(out, publish_remaining_length(shape));
    out = write_string(out, shape->topic_name);
    if (shape->qos > 0) out = write_uint16(out, packet_identifier);
    if (shape->protocol_level == 5) *out = 0;
}

// Steps over properties: returns what follows them, or NULL when they do not end before `end`.
static const uint8_t *after_properties(const uint8_t *cursor, const uint8_t *end) {
    uint32_t prefix, length;
    // The property length is a Variable Byte Integer like the Remaining Length: step back one byte, as if over a type.
    if (decode_fixed_header(cursor - 1, (size_t)(end - cursor) + 1, &prefix, &length) != HEADER_COMPLETE) return NULL;
    cursor += prefix - 1;
    return length > (size_t)(end - cursor) ? NULL : cursor + length;
}

bool decode_publish(
    const uint8_t *packet, uint32_t header_length, uint32_t remaining_length, int protocol_level,
    struct message *message, uint16_t *packet_identifier) {
    const uint8_t *cursor = packet + header_length, *end = cursor + remaining_length;
    *message = (struct message){.qos = packet[0] >> 1 & 3, .retain = packet[0] & 1};
    uint32_t fixed = message->qos > 0 ? 4 : 2;
    if (remaining_length < fixed || remaining_length - fixed < read_uint16(cursor)) return false;
    message->topic_name_length = read_uint16(cursor);
    message->topic_name = cursor + 2;
    cursor += 2 + message->topic_name_length;
    if (message->qos > 0) {
        *packet_identifier = read_uint16(cursor);
        cursor += 2;
    }
    if (protocol_level == 5 && (cursor = after_properties(cursor, end)) == NULL) return false;
    message->payload = cursor;
    message->payload_length = (uint32_t)(end - cursor);
    return true;
}

const uint8_t *decode_suback(const uint8_t *body, uint32_t length, int protocol_level, uint32_t *count) {
    const uint8_t *codes = length < 3 ? NULL : body + 2;
    if (codes != NULL && protocol_level == 5) codes = after_properties(codes, body + length);
    *count = codes == NULL ? 0 : (uint32_t)(body + length - codes);
    return *count == 0 ? NULL : codes;
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
