// SPDX-License-Identifier: Apache-2.0
// Reading the bytes of a packet; see packets.h.

#include "packets.h"

static void skip_value(struct reader *reader, uint32_t identifier) {
    switch (identifier) {
    case 0x01: case 0x17: case 0x19: case 0x24: case 0x25: case 0x28: case 0x29: case 0x2A: read8(reader); return;
    case 0x13: case 0x21: case 0x22: case 0x23: read16(reader); return;
    case 0x02: case 0x11: case 0x18: case 0x27: read_bytes(reader, 4); return;
    case 0x0B: read_variable(reader); return;
    case 0x03: case 0x08: case 0x09: case 0x12: case 0x15: case 0x16: case 0x1A: case 0x1C: case 0x1F:
        read_string(reader);
        return;
    case 0x26:
        read_string(reader);
        read_string(reader);
        return;
    default: reader->broken = true;
    }
}

void skip_properties(struct reader *reader, uint16_t *receive_maximum) {
    uint32_t length = read_variable(reader);
    const uint8_t *bytes = read_bytes(reader, length);
    if (bytes == NULL) return;
    struct reader properties = {bytes, bytes + length, false};
    while (reader_left(&properties) > 0 && !properties.broken) {
        uint32_t identifier = read_variable(&properties);
        if (identifier == 0x21 && receive_maximum != NULL) {
            *receive_maximum = read16(&properties);
            if (*receive_maximum == 0) properties.broken = true;
        } else {
            skip_value(&properties, identifier);
        }
    }
    reader->broken |= properties.broken;
}

// Bytes of the character at `bytes`, 0 if it is none: too long a form, a surrogate or beyond U+10FFFF. [MQTT-1.5.4-1]
static size_t character_length(const uint8_t *bytes, size_t available) {
    uint8_t first = bytes[0];
    if (first < 0x80) return 1;
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || length > available) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) return 0;
    }
    if ((first == 0xE0 && bytes[1] < 0xA0) || (first == 0xED && bytes[1] > 0x9F)) return 0;
    if ((first == 0xF0 && bytes[1] < 0x90) || (first == 0xF4 && bytes[1] > 0x8F)) return 0;
    return length;
}

bool is_topic_name(const uint8_t *name, size_t length) {
    for (size_t i = 0; i < length;) {
        size_t character = character_length(name + i, length - i);
        if (character == 0 || name[i] == 0 || name[i] == '+' || name[i] == '#') return false;
        i += character;
    }
    return length > 0;
}
