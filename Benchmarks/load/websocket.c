// SPDX-License-Identifier: Apache-2.0
// WebSocket under a connection of the load; see websocket.h.

#include "websocket.h"

#include "failure.h"

#include <string.h>

enum { FINAL_BINARY_FRAME = 0x82, MASKED = 0x80, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10 };

// The key of RFC 6455's own example: the answer to it is known, and no two connections need different ones.
static const char request[] =
    "GET /mqtt HTTP/1.1\r\n"
    "Host: localhost\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n"
    "\r\n";
static const char accepted[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

void websocket_open(struct connection *connection) {
    connection->websocket = allocate(1, sizeof *connection->websocket);
    uint32_t length = sizeof request - 1;
    memcpy(connection_reserve(connection, length), request, length);
    connection->control_end += length;
}

size_t websocket_upgrade(struct connection *connection, const uint8_t *bytes, size_t length) {
    static const char status[] = "HTTP/1.1 101 ";
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    size_t head = (size_t)(end - bytes) + 4;
    if (head < sizeof status || memcmp(bytes, status, sizeof status - 1) != 0
        || memmem(bytes, head, accepted, sizeof accepted - 1) == NULL) {
        fail("The broker did not upgrade to WebSocket: \"%.*s\". Is this a WebSocket listener with the path /mqtt?",
             (int)strcspn((const char *)bytes, "\r"), (const char *)bytes);
    }
    if (head < length) fail("Bytes came after the upgrade to WebSocket before a CONNECT was sent.");
    connection->websocket->upgraded = true;
    return head;
}

static uint64_t read_length(const uint8_t *bytes, uint32_t count) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) value = value << 8 | bytes[i];
    return value;
}

// A whole header: frames from a server are not masked.
static void begin_frame(struct websocket *websocket, const uint8_t *header) {
    uint8_t opcode = header[0] & 0x0F, length = header[1];
    if (opcode == OPCODE_CLOSE) fail("The broker closed a WebSocket; its log may say why.");
    if (length >= MASKED) fail("The broker masked a frame, which only clients do.");
    // A run is shorter than anybody's patience for a pong.
    websocket->ignored = opcode == OPCODE_PING || opcode == OPCODE_PONG;
    websocket->remaining = length < 126 ? length : read_length(header + 2, length == 126 ? 2 : 8);
}

// Returns how many of the bytes belong to the header; it is kept while it is not whole.
static size_t take_header(struct websocket *websocket, const uint8_t *bytes, size_t length) {
    size_t taken = 0;
    for (;;) {
        uint32_t have = websocket->header_length;
        uint32_t wanted = have < 2 || websocket->header[1] < 126 ? 2 : websocket->header[1] == 126 ? 4 : 10;
        if (have == wanted) break;
        if (taken == length) return taken;
        websocket->header[websocket->header_length++] = bytes[taken++];
    }
    begin_frame(websocket, websocket->header);
    websocket->header_length = 0;
    return taken;
}

size_t websocket_unframe(struct connection *connection, uint8_t *bytes, size_t length) {
    struct websocket *websocket = connection->websocket;
    size_t from = 0, to = 0;
    while (from < length) {
        if (websocket->remaining == 0) {
            from += take_header(websocket, bytes + from, length - from);
            continue;
        }
        size_t count = length - from < websocket->remaining ? length - from : websocket->remaining;
        if (!websocket->ignored) {
            memmove(bytes + to, bytes + from, count);
            to += count;
        }
        from += count;
        websocket->remaining -= count;
    }
    return to;
}

uint32_t websocket_header_length(uint32_t length) { return length < 126 ? 6 : length <= UINT16_MAX ? 8 : 14; }

// Masking keys need not be secret here, only different from frame to frame, as they are from a client.
static uint32_t next_key(void) {
    static uint32_t state = 0x9E3779B9;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void websocket_seal(uint8_t *frame, uint32_t length) {
    uint32_t header = websocket_header_length(length), counted = header - 6;
    frame[0] = FINAL_BINARY_FRAME;
    frame[1] = MASKED | (uint8_t)(counted == 0 ? length : counted == 2 ? 126 : 127);
    for (uint32_t i = 0; i < counted; i++) {
        uint32_t shift = 8 * (counted - 1 - i);
        frame[2 + i] = shift < 32 ? (uint8_t)(length >> shift) : 0;
    }
    uint32_t key = next_key();
    memcpy(frame + header - sizeof key, &key, sizeof key);
    websocket_mask(frame, header, 0, length);
}

void websocket_mask(uint8_t *frame, uint32_t header, uint32_t offset, uint32_t count) {
    const uint8_t *key = frame + header - 4;
    for (uint32_t i = offset; i < offset + count; i++) frame[header + i] ^= key[i & 3];
}
