// SPDX-License-Identifier: Apache-2.0
// What becomes of the packets that a client sends; see session.h.

#include "session.h"

#include "block.h"
#include "flight.h"
#include "handshake.h"
#include "packets.h"
#include "publish.h"

// The Remaining Length of a packet and where it ends; NULL if more bytes must come to know it. [MQTT-2.1.4]
static const uint8_t *read_remaining_length(const uint8_t *bytes, size_t length, uint32_t *remaining, bool *malformed) {
    uint32_t value = 0;
    for (unsigned i = 1; i < length && i <= 4; i++) {
        value |= (uint32_t)(bytes[i] & 0x7F) << 7 * (i - 1);
        if (bytes[i] < 0x80) {
            *remaining = value;
            return bytes + i + 1;
        }
    }
    *malformed = length > 4;
    return NULL;
}

// Flags that a packet other than PUBLISH must have. [MQTT-2.1.3-1]
static bool flags_are_right(uint8_t first_byte) {
    unsigned type = first_byte >> 4;
    bool two = type == PACKET_PUBREL || type == PACKET_SUBSCRIBE || type == PACKET_UNSUBSCRIBE;
    return (first_byte & 0x0F) == (two ? 2 : 0);
}

// Returns false if the connection has to end.
static bool handle_other(struct connection *connection, uint8_t first_byte, struct reader *reader) {
    if (!flags_are_right(first_byte)) return false;
    enum packet_type type = (enum packet_type)(first_byte >> 4);
    if (type == PACKET_CONNECT) return connection->protocol_level == 0 && handshake_connect(connection, reader);
    if (connection->protocol_level == 0) return false;
    switch (type) {
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP: return flight_acknowledged(connection, type, reader);
    case PACKET_SUBSCRIBE: return handshake_subscribe(connection, reader);
    case PACKET_UNSUBSCRIBE: return handshake_unsubscribe(connection, reader);
    case PACKET_PINGREQ:
        store16(connection_reserve(connection, 2), PACKET_PINGRESP << 12);
        return reader_left(reader) == 0;
    default: return false;  // DISCONNECT, and what a client does not send
    }
}

size_t session_receive(struct connection *connection, const uint8_t *bytes, size_t length) {
    size_t offset = 0;
    while (offset < length) {
        const uint8_t *packet = bytes + offset, *body;
        uint32_t remaining;
        bool right = true, malformed = false;
        body = read_remaining_length(packet, length - offset, &remaining, &malformed);
        if (malformed || (body != NULL && remaining > PACKET_LENGTH_LIMIT)) {
            right = false;
        } else if (body == NULL || remaining > (size_t)(bytes + length - body)) {
            return offset;
        } else if (packet[0] >> 4 == PACKET_PUBLISH) {
            right = publish_receive(connection, packet, body, body + remaining);
        } else {
            struct reader reader = {body, body + remaining, false};
            right = handle_other(connection, packet[0], &reader);
        }
        if (!right) {
            connection_doom(connection);
            return length;
        }
        offset = (size_t)(body - bytes) + remaining;
    }
    return offset;
}
