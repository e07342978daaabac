// SPDX-License-Identifier: Apache-2.0
// What a client does with the packets it receives: counts messages, answers them, moves QoS 1 and 2 on.

#pragma once

#include "load.h"

// Handles every whole packet in `bytes` and returns how many bytes they were.
size_t session_receive(struct load *load, struct connection *connection, const uint8_t *bytes, size_t length);

void session_send_connect(struct load *load, struct connection *connection);
void session_send_subscribe(struct load *load, struct connection *connection);
