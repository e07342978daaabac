// SPDX-License-Identifier: Apache-2.0
// Packets of a publisher encoded beforehand, each on a topic of its own, and their sending within a window.

#pragma once

#include "load.h"
#include "packets.h"

#include <string.h>

typedef void topic_namer(char *out, uint32_t index, const void *context);

// `shape` says how each packet looks; its topic name is set from `name_topic`. All packets must become equally long.
void ring_build(
    struct ring *ring, struct publish_shape shape, uint32_t packets, topic_namer *name_topic, const void *context);
void ring_free(struct ring *ring);

// Sends `count` messages, or until `deadline`, never more than `window` ahead of *done, which counts them as they are
// acknowledged or received. Then awaits the rest. Returns how many were sent; `*done` may have remained behind.
uint64_t ring_publish(
    struct load *load, struct connection *publisher, uint64_t count, uint64_t deadline, uint32_t window,
    const uint64_t *done);

// Of the n-th message since the start. [MQTT-2.2.1-3]
static inline uint16_t ring_packet_identifier(const struct ring *ring, uint64_t number) {
    return (uint16_t)(number % ring->packets % UINT16_MAX + 1);
}

// The payload begins with `number`, as far as there is room for it.
static inline void fill_payload(uint8_t *payload, size_t length, uint32_t number) {
    memset(payload, 'x', length);
    if (length >= sizeof number) memcpy(payload, &number, sizeof number);
}
