// SPDX-License-Identifier: Apache-2.0
// WebSocket under a connection of the load, the client's side: the upgrade, masked frames out, plain frames in (RFC 6455).
// Frames need not match packets on the way in; on the way out each packet is one frame.

#pragma once

#include "connection.h"

enum { WEBSOCKET_HEADER_CAPACITY = 14 };

struct websocket {
    bool upgraded;
    bool ignored;        // the frame under way is a ping or a pong
    uint8_t header[10];  // a frame's header that was cut off at the end of a read
    uint8_t header_length;
    uint64_t remaining;  // bytes of the frame under way that have not come yet
};

// Queues the upgrade; the path is /mqtt.
void websocket_open(struct connection *connection);

// The broker's answer to the upgrade. Returns how many bytes it had: 0 while it is not whole.
size_t websocket_upgrade(struct connection *connection, const uint8_t *bytes, size_t length);

// Takes the frames off what was read, in place, and returns how many bytes of MQTT are left.
size_t websocket_unframe(struct connection *connection, uint8_t *bytes, size_t length);

// A frame for `length` bytes: how long its header is, and the header written with the bytes after it masked.
uint32_t websocket_header_length(uint32_t length);
void websocket_seal(uint8_t *frame, uint32_t length);

// Masks (or unmasks) `count` bytes that begin `offset` bytes after the header of a sealed frame.
void websocket_mask(uint8_t *frame, uint32_t header, uint32_t offset, uint32_t count);
