// SPDX-License-Identifier: Apache-2.0
// Reading the bytes of a packet, never beyond its end.

#pragma once

#include "bytes.h"

#include <stdbool.h>

enum packet_type {
    PACKET_CONNECT = 1,
    PACKET_CONNACK,
    PACKET_PUBLISH,
    PACKET_PUBACK,
    PACKET_PUBREC,
    PACKET_PUBREL,
    PACKET_PUBCOMP,
    PACKET_SUBSCRIBE,
    PACKET_SUBACK,
    PACKET_UNSUBSCRIBE,
    PACKET_UNSUBACK,
    PACKET_PINGREQ,
    PACKET_PINGRESP,
    PACKET_DISCONNECT,
};

// What is left of a packet. Reading more than that yields zeros and sets `broken`.
struct reader {
    const uint8_t *next, *end;
    bool broken;
};

static inline size_t reader_left(const struct reader *reader) { return (size_t)(reader->end - reader->next); }

static inline const uint8_t *read_bytes(struct reader *reader, size_t length) {
    if (length > reader_left(reader)) {
        reader->broken = true;
        return NULL;
    }
    reader->next += length;
    return reader->next - length;
}

static inline uint8_t read8(struct reader *reader) {
    const uint8_t *bytes = read_bytes(reader, 1);
    return bytes == NULL ? 0 : *bytes;
}

static inline uint16_t read16(struct reader *reader) {
    const uint8_t *bytes = read_bytes(reader, 2);
    return bytes == NULL ? 0 : load16(bytes);
}

// A Variable Byte Integer. [MQTT-1.5.5]
static inline uint32_t read_variable(struct reader *reader) {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = read8(reader);
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    reader->broken = true;
    return 0;
}

// A UTF-8 Encoded String or Binary Data, not looked into.
static inline struct reader read_string(struct reader *reader) {
    uint16_t length = read16(reader);
    const uint8_t *bytes = read_bytes(reader, length);
    return bytes == NULL ? (struct reader){NULL, NULL, true} : (struct reader){bytes, bytes + length, false};
}

static inline uint8_t *write_variable(uint8_t *out, uint32_t value) {
    for (; value >= 0x80; value >>= 7) *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

// Properties of a packet of MQTT 5: skipped, except that a Receive Maximum is kept. [MQTT-2.2.2]
void skip_properties(struct reader *reader, uint16_t *receive_maximum);

// Whether a Topic Name or Topic Filter without wildcards is one: not empty, UTF-8 without NUL. [MQTT-4.7.3]
bool is_topic_name(const uint8_t *name, size_t length);
