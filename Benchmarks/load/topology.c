// SPDX-License-Identifier: Apache-2.0
// Who publishes what to whom; see topology.h.

#include "topology.h"

#include "failure.h"
#include "handshake.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void build_ring(const struct options *options, struct ring *ring, uint32_t number) {
    char topic_name[TOPIC_NAME_CAPACITY];
    load_topic_name(topic_name, number);
    struct publish_shape shape = {options->protocol_level, options->qos, topic_name, options->payload_length, false};
    ring->packets = options->window;
    ring->packet_length = (uint32_t)publish_length(&shape);
    ring->length = (uint64_t)ring->packets * ring->packet_length;
    ring->bytes = allocate(ring->packets, ring->packet_length);
    for (uint32_t i = 0; i < ring->packets; i++) {
        uint8_t *packet = ring->bytes + (uint64_t)i * ring->packet_length;
        encode_publish(packet, &shape, (uint16_t)(i + 1));
        uint8_t *payload = packet + ring->packet_length - options->payload_length;
        memset(payload, 'x', options->payload_length);
        if (options->payload_length >= sizeof i) memcpy(payload, &i, sizeof i);
    }
}

void topology_build(struct load *load) {
    const struct options *options = load->options;
    load->groups = allocate(options->groups, sizeof *load->groups);
    load->touched = allocate(options->groups, sizeof *load->touched);
    struct connection *first_publisher = load->connections + load->subscriber_count;
    for (uint32_t g = 0; g < options->groups; g++) {
        struct group *group = &load->groups[g];
        build_ring(options, &group->ring, g);
        group->subscribers = load->connections + (size_t)g * options->subscribers;
        group->publishers = first_publisher + (size_t)g * options->publishers;
        for (uint32_t i = 0; i < options->subscribers; i++) group->subscribers[i].group = g;
        for (uint32_t i = 0; i < options->publishers; i++) {
            group->publishers[i].group = g;
            group->publishers[i].ring = &group->ring;
        }
    }
    handshake_connect(load, load->connections, load->subscriber_count);
    handshake_subscribe(load, load->connections, load->subscriber_count);
    handshake_connect(load, first_publisher, load->connection_count - load->subscriber_count);
}

void topology_close(struct load *load) {
    for (uint32_t i = 0; i < load->connection_count; i++) connection_close(&load->connections[i]);
    for (uint32_t g = 0; load->groups != NULL && g < load->options->groups; g++) free(load->groups[g].ring.bytes);
    free(load->groups);
    free(load->touched);
    free(load->connections);
    free(load->input);
    freeaddrinfo(load->address);
    close(load->epoll);
}

uint64_t topology_delivered(const struct load *load, const struct group *group) {
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < load->options->subscribers; i++) {
        if (group->subscribers[i].received < least) least = group->subscribers[i].received;
    }
    return least;
}

int64_t topology_missing(const struct load *load) {
    uint64_t wanted = 0;
    for (uint32_t g = 0; g < load->options->groups; g++) {
        wanted += load->groups[g].published * load->options->subscribers;
    }
    return (int64_t)(wanted - load->received);
}
