// SPDX-License-Identifier: Apache-2.0
// Who has subscribed to which topic: one flat table of exact topic filters, looked up once a message.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

struct subscriber {
    struct connection *connection;
    uint8_t qos;
};

struct topic {
    uint64_t hash;
    struct subscriber *subscribers;
    uint32_t count, capacity;
    uint16_t length;
    uint8_t name[];
};

// The topic of this name (at least one byte, with slack behind it), or NULL if nobody subscribes to it.
struct topic *topics_find(const uint8_t *name, uint16_t length);

// Returns true if the connection had not subscribed to it before; else its QoS is what it asks for now.
bool topics_subscribe(const uint8_t *name, uint16_t length, struct connection *connection, uint8_t qos,
                      struct topic **topic);

void topics_unsubscribe(struct topic *topic, const struct connection *connection);
