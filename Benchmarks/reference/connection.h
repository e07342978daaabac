// SPDX-License-Identifier: Apache-2.0
// One client: its socket, what has come of a packet whose rest has not, what it has to be sent, what it subscribes to.

#pragma once

#include "output.h"

struct flight;
struct topic;

struct connection {
    struct output output;
    uint8_t protocol_level;  // 4 or 5; 0 before CONNECT
    bool touched;            // has output to write at the end of the turn
    bool doomed;             // ends with the turn: somebody up the stack may still hold its pointer
    uint8_t watched;         // events that epoll reports
    int descriptor;
    struct flight *flight;  // QoS 1 and 2; NULL = none so far
    struct connection *next_touched, *next_doomed;

    struct buffer held;  // the beginning of a packet
    uint32_t held_length;
    uint16_t receive_maximum;

    // A publisher that one of its receivers is too slow for is in that receiver's list and is not read.
    struct connection *waits_for, *first_waiter, *next_waiter;

    struct topic **subscriptions;
    uint32_t subscription_count, subscription_capacity;
};

// Answers and deliveries are appended here: `length` bytes that the caller fills, with slack behind them.
// The fast half of it is a comparison: whoever has room in a buffer is also waiting to be written.
uint8_t *connection_make_room(struct connection *connection, size_t length);

static inline uint8_t *connection_reserve(struct connection *connection, size_t length) {
    struct output *output = &connection->output;
    uint8_t *to = output->end;
    if (length > (size_t)(output->limit - to)) to = connection_make_room(connection, length);
    output->end = to + length;
    return to;
}

// Sends `length` bytes at `bytes` behind what is reserved, without copying them; they are in the block being read.
void connection_refer(struct connection *connection, const uint8_t *bytes, size_t length);

// The publisher being read is not read on until the receiver has taken what waits for it.
void connection_hold_back_publisher(struct connection *receiver);

void connection_open(int descriptor);
void connection_read(struct connection *connection);
void connection_write(struct connection *connection);
void connection_doom(struct connection *connection);

// What the end of a turn does: write whom the turn touched, close who is doomed.
void connections_end_turn(void);
