// SPDX-License-Identifier: Apache-2.0
// Brings connections up: TCP and CONNECT first, subscriptions second, a bounded number under way at once.

#pragma once

#include "load.h"

// Opens one connection and sends its CONNECT.
void handshake_open(struct load *load, struct connection *connection);
void handshake_connect(struct load *load, struct connection *first, uint32_t count);
void handshake_subscribe(struct load *load, struct connection *first, uint32_t count);
