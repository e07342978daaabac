// SPDX-License-Identifier: Apache-2.0
// MQTT Control Packets as bytes: what the load generator sends is encoded here, and the fixed header is decoded here.
// Only the packets a load needs; no validation of what a broker sends beyond what keeps the generator in step.

#pragma once

#include "receiver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_type {
    PACKET_CONNACK = 2,
    PACKET_PUBLISH = 3,
    PACKET_PUBACK = 4,
    PACKET_PUBREC = 5,
    PACKET_PUBREL = 6,
    PACKET_PUBCOMP = 7,
    PACKET_SUBACK = 9,
    PACKET_DISCONNECT = 14,
};

// First bytes of the acknowledgements; PUBREL has its reserved flags set. [MQTT-3.6.1-1]
enum { FIRST_BYTE_PUBACK = 0x40, FIRST_BYTE_PUBREC = 0x50, FIRST_BYTE_PUBREL = 0x62, FIRST_BYTE_PUBCOMP = 0x70 };

enum { ACKNOWLEDGEMENT_LENGTH = 4, TOPIC_NAME_CAPACITY = 128, HANDSHAKE_PACKET_CAPACITY = 256 };

// Of a user name and of a password, so that a CONNECT with both keeps to its capacity.
enum { CREDENTIAL_CAPACITY = 64 };

struct connect_shape {
    int protocol_level;
    const char *client_identifier;
    uint32_t session_expiry;  // 0: the session is new and ends with its connection
    const char *username;     // NULL = none
    const char *password;     // NULL = none
};

struct publish_shape {
    int protocol_level;
    int qos;
    const char *topic_name;
    size_t payload_length;
    bool retain;
};

size_t encode_connect(uint8_t *out, const struct connect_shape *shape);

// `count` filters one behind the other, each with its zero byte. The packet fits into subscribe_capacity() bytes for
// the length of all filters together.
size_t subscribe_capacity(size_t filters_length, uint32_t count);
size_t encode_subscribe(
    uint8_t *out, int protocol_level, uint16_t packet_identifier, const char *topic_filters, uint32_t count, int qos);
size_t publish_length(const struct publish_shape *shape);

// Writes a whole PUBLISH of publish_length() bytes; the payload, at its end, is left for the caller to fill.
void encode_publish(uint8_t *out, const struct publish_shape *shape, uint16_t packet_identifier);

// A PUBACK, PUBREC, PUBREL or PUBCOMP without reason code: the same four bytes in MQTT 3.1.1 and 5.
static inline void encode_acknowledgement(uint8_t *out, uint8_t first_byte, uint16_t packet_identifier) {
    out[0] = first_byte;
    out[1] = 2;
    out[2] = (uint8_t)(packet_identifier >> 8);
    out[3] = (uint8_t)packet_identifier;
}

static inline uint16_t read_uint16(const uint8_t *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }

enum header_result { HEADER_COMPLETE, HEADER_INCOMPLETE, HEADER_MALFORMED };

// The fixed header: its own length, and the Remaining Length after it. [MQTT-1.5.5-1]
static inline enum header_result decode_fixed_header(
    const uint8_t *bytes, size_t available, uint32_t *header_length, uint32_t *remaining_length) {
    if (available >= 2 && bytes[1] < 0x80) {
        *header_length = 2;
        *remaining_length = bytes[1];
        return HEADER_COMPLETE;
    }
    uint32_t value = 0;
    for (uint32_t i = 1; i <= 4; i++) {
        if (i >= available) return HEADER_INCOMPLETE;
        value |= (uint32_t)(bytes[i] & 0x7f) << (7 * (i - 1));
        if (bytes[i] < 0x80) {
            *header_length = i + 1;
            *remaining_length = value;
            return HEADER_COMPLETE;
        }
    }
    return HEADER_MALFORMED;
}

// A PUBLISH, whole in memory. Returns false when it cannot be read.
bool decode_publish(
    const uint8_t *packet, uint32_t header_length, uint32_t remaining_length, int protocol_level,
    struct message *message, uint16_t *packet_identifier);

// The reason codes of a SUBACK by its variable header and payload; NULL when it cannot be read.
const uint8_t *decode_suback(const uint8_t *body, uint32_t length, int protocol_level, uint32_t *count);

// The Receive Maximum of a CONNACK's properties; 65,535 when absent. [MQTT-3.2.2.3.3]
// `body` is what follows the fixed header. Returns false when the properties cannot be read.
bool decode_receive_maximum(const uint8_t *body, size_t length, uint16_t *receive_maximum);
