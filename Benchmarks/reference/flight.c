// SPDX-License-Identifier: Apache-2.0
// QoS 1 and 2 of one connection; see flight.h.

#include "flight.h"

#include "failure.h"

#include <stdlib.h>

enum state { STATE_FREE, STATE_PUBACK, STATE_PUBREC, STATE_PUBCOMP };

// A PUBLISH that waits for the window; its bytes follow.
struct waiting {
    uint32_t length, identifier_at;
};

struct flight {
    uint16_t window, count, next;       // identifiers are 1 to `window`, `next` is tried first
    uint8_t states[INFLIGHT_LIMIT + 1];  // what each waits for
    uint8_t *queue;
    size_t queue_start, queue_end, queue_capacity;
    uint64_t *received;  // QoS 2 identifiers that wait for PUBREL, one bit each
    uint16_t received_count;
};

void flight_begin(struct connection *connection) {
    if (connection->flight != NULL) return;
    struct flight *flight = memset(allocate(sizeof *flight), 0, sizeof *flight);
    flight->window = connection->receive_maximum < INFLIGHT_LIMIT ? connection->receive_maximum : INFLIGHT_LIMIT;
    flight->next = 1;
    connection->flight = flight;
}

void flight_end(struct flight *flight) {
    if (flight == NULL) return;
    free(flight->queue);
    free(flight->received);
    free(flight);
}

bool flight_is_behind(const struct flight *flight) {
    return flight != NULL && flight->queue_end - flight->queue_start >= QUEUE_HIGH_WATER;
}

// There is one as long as fewer than `window` are in flight.
static uint16_t take_identifier(struct flight *flight, enum state state) {
    uint16_t identifier = flight->next;
    while (flight->states[identifier] != STATE_FREE) identifier = identifier == flight->window ? 1 : identifier + 1;
    flight->next = identifier == flight->window ? 1 : identifier + 1;
    flight->states[identifier] = (uint8_t)state;
    flight->count++;
    return identifier;
}

static void send_now(struct connection *receiver, const uint8_t *head, size_t length, size_t identifier_at) {
    enum state state = (head[0] >> 1 & 3) == 1 ? STATE_PUBACK : STATE_PUBREC;
    uint8_t *out = connection_reserve(receiver, length);
    copy(out, head, length);
    store16(out + identifier_at, take_identifier(receiver->flight, state));
}

static void enqueue(struct flight *flight, const uint8_t *head, size_t length, size_t identifier_at,
                    const uint8_t *payload, size_t payload_length) {
    struct waiting waiting = {(uint32_t)(length + payload_length), (uint32_t)identifier_at};
    size_t needed = sizeof waiting + waiting.length;
    if (flight->queue_capacity - flight->queue_end < needed + SLACK) {
        size_t left = flight->queue_end - flight->queue_start;
        if (left > 0) memmove(flight->queue, flight->queue + flight->queue_start, left);
        flight->queue_start = 0;
        flight->queue_end = left;
        if (flight->queue_capacity < 2 * (left + needed + SLACK)) {
            flight->queue_capacity = 2 * (left + needed + SLACK);
            flight->queue = reallocate(flight->queue, flight->queue_capacity);
        }
    }
    uint8_t *out = flight->queue + flight->queue_end;
    memcpy(out, &waiting, sizeof waiting);
    memcpy(out + sizeof waiting, head, length);
    if (payload_length > 0) memcpy(out + sizeof waiting + length, payload, payload_length);
    flight->queue_end += needed;
}

void flight_send(struct connection *receiver, const uint8_t *head, size_t length, size_t identifier_at,
                 const uint8_t *payload, size_t payload_length) {
    struct flight *flight = receiver->flight;
    if (flight->count == flight->window) {
        enqueue(flight, head, length, identifier_at, payload, payload_length);
        if (flight_is_behind(flight)) connection_hold_back_publisher(receiver);
        return;
    }
    send_now(receiver, head, length, identifier_at);
    if (payload_length > 0) connection_refer(receiver, payload, payload_length);
}

static void send_waiting(struct connection *receiver) {
    struct flight *flight = receiver->flight;
    while (flight->queue_start < flight->queue_end && flight->count < flight->window) {
        struct waiting waiting;
        memcpy(&waiting, flight->queue + flight->queue_start, sizeof waiting);
        const uint8_t *bytes = flight->queue + flight->queue_start + sizeof waiting;
        flight->queue_start += sizeof waiting + waiting.length;
        send_now(receiver, bytes, waiting.length, waiting.identifier_at);
    }
}

bool flight_received(struct connection *publisher, uint16_t identifier, bool *is_new) {
    flight_begin(publisher);
    struct flight *flight = publisher->flight;
    if (flight->received == NULL) flight->received = memset(allocate(65536 / 8), 0, 65536 / 8);
    uint64_t bit = (uint64_t)1 << identifier % 64;
    *is_new = (flight->received[identifier / 64] & bit) == 0;
    flight->received[identifier / 64] |= bit;
    flight->received_count += *is_new;
    return flight->received_count <= INFLIGHT_LIMIT;
}

static void answer(struct connection *connection, uint8_t first_byte, uint16_t identifier) {
    uint8_t *out = connection_reserve(connection, 4);
    out[0] = first_byte;
    out[1] = 2;
    store16(out + 2, identifier);
}

static void release(struct connection *connection, uint16_t identifier) {
    uint64_t *received = connection->flight == NULL ? NULL : connection->flight->received;
    uint64_t bit = (uint64_t)1 << identifier % 64;
    if (received != NULL && (received[identifier / 64] & bit) != 0) {
        received[identifier / 64] &= ~bit;
        connection->flight->received_count--;
    }
    // Also of one that is not known: PUBCOMP is the end of the matter for both sides. [MQTT-4.3.3-11]
    answer(connection, PACKET_PUBCOMP << 4, identifier);
}

bool flight_acknowledged(struct connection *connection, enum packet_type type, struct reader *reader) {
    uint16_t identifier = read16(reader);
    uint8_t reason = 0;
    if (connection->protocol_level == 5 && reader_left(reader) > 0) {
        reason = read8(reader);
        if (reader_left(reader) > 0) skip_properties(reader, NULL);
    }
    if (reader->broken || reader_left(reader) > 0 || identifier == 0) return false;
    if (type == PACKET_PUBREL) {
        release(connection, identifier);
        return true;
    }
    struct flight *flight = connection->flight;
    enum state expected = type == PACKET_PUBACK ? STATE_PUBACK : type == PACKET_PUBREC ? STATE_PUBREC : STATE_PUBCOMP;
    if (flight == NULL || identifier > flight->window || flight->states[identifier] != expected) return false;
    if (type == PACKET_PUBREC && reason < 0x80) {
        flight->states[identifier] = STATE_PUBCOMP;
        answer(connection, PACKET_PUBREL << 4 | 2, identifier);
        return true;
    }
    flight->states[identifier] = STATE_FREE;
    flight->count--;
    if (flight->queue_start < flight->queue_end) send_waiting(connection);
    return true;
}
