// SPDX-License-Identifier: Apache-2.0
// What a client does with the packets it receives: counts messages, answers them, moves QoS 1 and 2 on.

#pragma once

#include "load.h"

// Handles every whole packet in `bytes` and returns how many bytes they were.
size_t session_receive(struct load *load, struct connection *connection, const uint8_t *bytes, size_t length);

void session_send_connect(struct load *load, struct connection *connection);
void session_send_subscribe(struct load *load, struct connection *connection);

// `count` filters one behind the other, each with its zero byte; `length` is that of all.
void session_send_subscribe_to(
    struct load *load, struct connection *connection, const char *topic_filters, size_t length, uint32_t count);

// One message outside of any ring, at QoS 0 as far as packet identifiers go; its payload begins with `number`.
void session_send_publish(
    struct load *load, struct connection *connection, const struct publish_shape *shape, uint32_t number);

// Says goodbye; the receiver's `left` follows when the broker has closed.
void session_send_disconnect(struct load *load, struct connection *connection);
