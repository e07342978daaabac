// SPDX-License-Identifier: Apache-2.0
// TLS under a connection of the load: OpenSSL on the connection's own socket. Certificates are not checked, as only the
// broker's work is of interest, and no session is resumed: every handshake is a whole one.

#pragma once

#include "connection.h"

#include <sys/types.h>

// Sets up TLS for every connection of the process; `version` is 12 or 13.
void secure_prepare(int version);
void secure_open(struct connection *connection);
void secure_close(struct connection *connection);

// As send(2) and recv(2): -1 with EAGAIN where the peer has to do something first.
ssize_t secure_send(struct connection *connection, const uint8_t *bytes, size_t length);
ssize_t secure_receive(struct connection *connection, uint8_t *bytes, size_t capacity);

// Whether the last call waits for bytes of the broker, so that room for sending does not help.
bool secure_wants_input(const struct connection *connection);

// Whether bytes were read from the socket that have not been received yet.
bool secure_has_more(const struct connection *connection);
