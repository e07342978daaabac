// SPDX-License-Identifier: Apache-2.0
// CONNECT, SUBSCRIBE and UNSUBSCRIBE and their answers. Each returns false if the connection has to end.

#pragma once

#include "connection.h"
#include "packets.h"

bool handshake_connect(struct connection *connection, struct reader *reader);
bool handshake_subscribe(struct connection *connection, struct reader *reader);
bool handshake_unsubscribe(struct connection *connection, struct reader *reader);
