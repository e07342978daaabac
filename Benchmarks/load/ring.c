// SPDX-License-Identifier: Apache-2.0
// Packets of a publisher encoded beforehand; see ring.h.

#include "ring.h"

#include "clock.h"
#include "failure.h"

#include <stdlib.h>

enum { PATIENCE_SECONDS = 5, POLL_MILLISECONDS = 50 };

void ring_build(
    struct ring *ring, struct publish_shape shape, uint32_t packets, topic_namer *name_topic, const void *context) {
    char topic_name[TOPIC_NAME_CAPACITY];
    shape.topic_name = topic_name;
    name_topic(topic_name, 0, context);
    *ring = (struct ring){.packets = packets, .packet_length = (uint32_t)publish_length(&shape)};
    ring->length = (uint64_t)packets * ring->packet_length;
    ring->bytes = allocate(packets, ring->packet_length);
    for (uint32_t i = 0; i < packets; i++) {
        uint8_t *packet = ring->bytes + (uint64_t)i * ring->packet_length;
        name_topic(topic_name, i, context);
        if (publish_length(&shape) != ring->packet_length) fail("The topic %s is not as long as the first.", topic_name);
        encode_publish(packet, &shape, ring_packet_identifier(ring, i));
        fill_payload(packet + ring->packet_length - shape.payload_length, shape.payload_length, i);
    }
}

void ring_free(struct ring *ring) { free(ring->bytes); }

uint64_t ring_publish(
    struct load *load, struct connection *publisher, uint64_t count, uint64_t deadline, uint32_t window,
    const uint64_t *done) {
    if (load->options->websocket) fail("These packets have no frames around them; leave --ws out.");
    uint64_t already = *done, sent = 0, seen = 0, patience = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    for (uint64_t now; (now = clock_now()) < patience;) {
        bool more = sent < count && now < deadline;
        if (!more && *done - already >= sent) break;
        uint64_t free = window - (sent - (*done - already));
        // Half of the window at least, so that messages travel in batches and the other half is under way meanwhile.
        if (more && free >= (window + 1) / 2) {
            if (free > count - sent) free = count - sent;
            sent += free;
            publisher->published += free;
            publisher->ring_limit += free * publisher->ring->packet_length;
            if (!publisher->writable_armed) connection_flush(load, publisher);
        }
        load_turn(load, POLL_MILLISECONDS);
        if (*done - already != seen) {
            seen = *done - already;
            patience = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
        }
    }
    return sent;
}
