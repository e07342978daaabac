// SPDX-License-Identifier: Apache-2.0
// One client connection of the load: a non-blocking socket, what waits to be sent on it, and how far its session is.
// PUBLISH packets are not queued: they are sent straight from a ring of packets encoded beforehand.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The packets of one publisher, in sending order, encoded once. The n-th message is packet n modulo `packets`; its
// packet identifier is that index plus one, and its payload (payload.h) names index and publisher, so that a subscriber
// sees any gap. Over WebSocket each packet lies in a masked frame of its own.
struct ring {
    uint8_t *bytes;
    uint64_t length;
    uint32_t packet_length;  // with its frame
    uint32_t frame_header;   // bytes before the packet; 0 without WebSocket
    uint32_t packets;
};

struct connection {
    int fd;
    struct ssl_st *tls;          // NULL: plain
    struct websocket *websocket; // NULL: MQTT straight on TCP or TLS
    uint32_t number;             // the client's: its client identifier
    uint32_t group;
    bool leaving;                // the client goes; all that may come is the broker's close
    int receive_buffer;          // of the socket, in bytes; 0 = as the kernel likes
    bool kernel_times;           // takes the time of arrival from the kernel
    bool writable_armed;
    const struct ring *ring;     // NULL: this connection does not publish
    uint64_t ring_sent;          // bytes since the start, as if the ring were endless
    uint64_t ring_limit;         // how far it may send
    uint64_t published;          // messages committed to the ring
    uint64_t acknowledged;       // of those, by PUBACK or PUBCOMP
    uint64_t received;           // messages, as a subscriber
    uint32_t *expected;          // ring index of the next message, by publisher of the group
    uint64_t next;               // as a member of a shared subscription: no message before this one may come
    uint16_t receive_maximum;    // the broker's
    uint8_t *control;            // acknowledgements and handshake packets
    uint32_t control_start, control_end, control_capacity;
    uint8_t *carry;              // a packet cut off at the end of the last read
    uint32_t carry_length, carry_capacity;
};

struct load;

// Begins connecting; sending waits for it by itself.
void connection_open(struct load *load, struct connection *connection);
void connection_close(struct connection *connection);

// Room for `length` more bytes of control packets; the caller advances control_end.
uint8_t *connection_reserve(struct connection *connection, uint32_t length);

// Room for one MQTT packet of up to `capacity` bytes, and its end at its true length: that puts it into a frame where
// there is WebSocket.
uint8_t *connection_begin_packet(struct connection *connection, uint32_t capacity);
void connection_end_packet(struct connection *connection, uint32_t length);

// Sends what the socket takes, and waits for EPOLLOUT with the rest.
void connection_flush(struct load *load, struct connection *connection);

// Never reads again; the broker finds the socket full sooner or later.
void connection_stop_reading(struct load *load, struct connection *connection);

// Whether the broker has ended the connection, as far as the kernel knows.
bool connection_was_ended(const struct connection *connection);

// One read; hands whole packets to the session and keeps the cut-off rest.
void connection_read(struct load *load, struct connection *connection);
