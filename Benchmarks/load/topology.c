// SPDX-License-Identifier: Apache-2.0
// Who publishes what to whom; see topology.h.

#include "topology.h"

#include "failure.h"
#include "handshake.h"
#include "payload.h"
#include "websocket.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void mark_payload(uint8_t *payload, uint32_t length, uint32_t index, uint32_t publisher) {
    memset(payload, 'x', length);
    if (length >= PAYLOAD_ORDER_LENGTH) {
        memcpy(payload + PAYLOAD_INDEX, &index, sizeof index);
        memcpy(payload + PAYLOAD_PUBLISHER, &publisher, sizeof publisher);
    }
    if (length >= PAYLOAD_TIMED_LENGTH) memset(payload + PAYLOAD_TIME, 0, sizeof(uint64_t));
}

static void build_ring(const struct options *options, struct ring *ring, uint32_t group, uint32_t publisher) {
    char topic_name[TOPIC_NAME_CAPACITY];
    load_topic_name(topic_name, group);
    struct publish_shape shape = {options->protocol_level, options->qos, topic_name, options->payload_length, false};
    uint32_t length = (uint32_t)publish_length(&shape);
    ring->packets = options->window;
    ring->frame_header = options->websocket ? websocket_header_length(length) : 0;
    ring->packet_length = ring->frame_header + length;
    ring->length = (uint64_t)ring->packets * ring->packet_length;
    ring->bytes = allocate(ring->packets, ring->packet_length);
    for (uint32_t i = 0; i < ring->packets; i++) {
        uint8_t *frame = ring->bytes + (uint64_t)i * ring->packet_length;
        encode_publish(frame + ring->frame_header, &shape, (uint16_t)(i + 1));
        mark_payload(frame + ring->packet_length - options->payload_length, options->payload_length, i, publisher);
        if (options->websocket) websocket_seal(frame, length);
    }
}

static void build_group(struct load *load, uint32_t number) {
    const struct options *options = load->options;
    struct group *group = &load->groups[number];
    group->subscribers = load->connections + (size_t)number * options->subscribers;
    group->publishers = load->connections + load->subscriber_count + (size_t)number * options->publishers;
    group->rings = allocate(options->publishers, sizeof *group->rings);
    if (options->shared) group->taken = allocate(options->window, sizeof *group->taken);
    for (uint32_t i = 0; i < options->subscribers; i++) {
        group->subscribers[i].group = number;
        group->subscribers[i].expected = allocate(options->publishers, sizeof *group->subscribers[i].expected);
    }
    for (uint32_t i = 0; i < options->publishers; i++) {
        build_ring(options, &group->rings[i], number, i);
        group->publishers[i].group = number;
        group->publishers[i].ring = &group->rings[i];
    }
}

void topology_build(struct load *load) {
    const struct options *options = load->options;
    load->groups = allocate(options->groups, sizeof *load->groups);
    load->touched = allocate(options->groups, sizeof *load->touched);
    for (uint32_t g = 0; g < options->groups; g++) build_group(load, g);
}

void topology_connect(struct load *load) {
    const struct options *options = load->options;
    handshake_connect(load, load->connections, load->subscriber_count);
    handshake_subscribe(load, load->connections, load->subscriber_count);
    handshake_connect(load, load->connections + load->subscriber_count, options->groups * options->publishers);
}

void topology_close(struct load *load) {
    for (uint32_t i = 0; i < load->connection_count; i++) connection_close(&load->connections[i]);
    for (uint32_t g = 0; load->groups != NULL && g < load->options->groups; g++) {
        struct group *group = &load->groups[g];
        for (uint32_t i = 0; i < load->options->publishers; i++) free(group->rings[i].bytes);
        free(group->rings);
        free(group->taken);
    }
    free(load->groups);
    free(load->touched);
    free(load->connections);
    free(load->input);
    freeaddrinfo(load->address);
    close(load->epoll);
}

uint64_t topology_delivered(const struct load *load, const struct group *group) {
    if (group->taken != NULL) return group->settled;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < load->options->subscribers; i++) {
        if (group->subscribers[i].received < least) least = group->subscribers[i].received;
    }
    return least;
}

int64_t topology_missing(const struct load *load) {
    uint32_t copies = load->options->shared ? 1 : load->options->subscribers;
    uint64_t wanted = 0;
    for (uint32_t g = 0; g < load->options->groups; g++) wanted += load->groups[g].published * copies;
    return (int64_t)(wanted - load->received);
}
