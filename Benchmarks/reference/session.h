// SPDX-License-Identifier: Apache-2.0
// What becomes of the packets that a client sends.

#pragma once

#include "connection.h"

// Handles every whole packet in `bytes` (with slack behind them); returns how many bytes these were. A packet that is
// not what MQTT says dooms the connection.
size_t session_receive(struct connection *connection, const uint8_t *bytes, size_t length);
