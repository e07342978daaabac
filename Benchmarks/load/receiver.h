// SPDX-License-Identifier: Apache-2.0
// What a mode without groups does with the packets of its clients. Every pointer may be NULL: the packet is then only
// counted, except for a message, which nobody asked for.

#pragma once

#include <stdbool.h>
#include <stdint.h>

struct load;
struct connection;

struct message {
    const uint8_t *topic_name, *payload;  // only during the call
    uint32_t topic_name_length, payload_length;
    int qos;
    bool retain;
};

struct receiver {
    void (*connected)(struct load *load, struct connection *connection, bool session_present);
    void (*subscribed)(struct load *load, struct connection *connection, uint32_t filters);
    void (*message)(struct load *load, struct connection *connection, const struct message *message);
    void (*left)(struct load *load, struct connection *connection);  // the broker closed after DISCONNECT
};
