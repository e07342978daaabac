// SPDX-License-Identifier: Apache-2.0
// QoS 1 and 2 of one connection: which packet identifiers are in flight in which state, both ways, and what waits for
// the window to open. Nothing is sent twice, because no session outlives its connection; so no message is kept.

#pragma once

#include "connection.h"
#include "packets.h"

enum { INFLIGHT_LIMIT = 1000, QUEUE_HIGH_WATER = 256 * 1024 };

struct flight;

// Makes the connection ready to be sent QoS 1 and 2, or to send QoS 2.
void flight_begin(struct connection *connection);
void flight_end(struct flight *flight);

// Sends a PUBLISH as soon as the window allows: `length` bytes (with slack behind them) with the Packet Identifier to
// be filled in at `identifier_at`, then a payload that is not copied, if there is one.
void flight_send(struct connection *receiver, const uint8_t *head, size_t length, size_t identifier_at,
                 const uint8_t *payload, size_t payload_length);

// Whether so much waits for the window that publishers should wait too.
bool flight_is_behind(const struct flight *flight);

// A QoS 2 message came: false if more than the Receive Maximum are under way. `is_new` says whether it is delivered.
bool flight_received(struct connection *publisher, uint16_t identifier, bool *is_new);

// PUBACK, PUBREC, PUBREL and PUBCOMP. Returns false if the connection has to end.
bool flight_acknowledged(struct connection *connection, enum packet_type type, struct reader *reader);
