// SPDX-License-Identifier: Apache-2.0
// Publishing within a credit window; see window.h.

#include "window.h"

#include "clock.h"
#include "failure.h"
#include "topology.h"

#include <inttypes.h>

enum { PATIENCE_SECONDS = 5, POLL_MILLISECONDS = 50 };

// What this publisher may have in flight at QoS 1 and 2: the window, or the broker's Receive Maximum. [MQTT-3.3.4-7]
static uint32_t inflight_limit(const struct load *load, const struct connection *publisher) {
    uint32_t window = load->options->window;
    return load->options->qos > 0 && publisher->receive_maximum < window ? publisher->receive_maximum : window;
}

static uint32_t publish_up_to(struct load *load, struct connection *publisher, uint64_t wanted) {
    if (load->options->qos > 0) {
        uint32_t limit = inflight_limit(load, publisher);
        uint64_t free = limit - (publisher->published - publisher->acknowledged);
        if (free < (limit + 1) / 2) return 0;
        if (free < wanted) wanted = free;
    }
    publisher->published += wanted;
    publisher->ring_limit += wanted * publisher->ring->packet_length;
    if (!publisher->writable_armed) connection_flush(load, publisher);
    return (uint32_t)wanted;
}

static void publish(struct load *load, struct group *group) {
    const struct options *options = load->options;
    uint64_t window = (uint64_t)options->window * options->publishers;
    uint64_t credit = window - (group->published - topology_delivered(load, group));
    if (credit < (window + 1) / 2 || group->offered <= group->published) return;
    if (credit > group->offered - group->published) credit = group->offered - group->published;
    uint64_t share = credit / options->publishers > 0 ? credit / options->publishers : 1;
    for (uint32_t i = 0; i < options->publishers && credit > 0; i++) {
        struct connection *publisher = &group->publishers[group->next_publisher];
        group->next_publisher = (group->next_publisher + 1) % options->publishers;
        uint32_t published = publish_up_to(load, publisher, share < credit ? share : credit);
        group->published += published;
        credit -= published;
    }
}

void window_begin(struct load *load, uint32_t count) {
    for (uint32_t g = 0; g < count; g++) window_offer(load, g, UINT64_MAX);
}

void window_offer(struct load *load, uint32_t group, uint64_t offered) {
    load->groups[group].offered = offered;
    load_touch(load, group);
    window_go_on(load);
}

void window_go_on(struct load *load) {
    for (uint32_t i = 0; i < load->touched_count; i++) {
        struct group *group = &load->groups[load->touched[i]];
        group->touched = false;
        publish(load, group);
    }
    load->touched_count = 0;
}

void window_run(struct load *load, uint64_t end) {
    uint64_t seen = load->received, deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    for (uint64_t now; (now = clock_now()) < end;) {
        load_turn(load, POLL_MILLISECONDS);
        window_go_on(load);
        if (load->received != seen) {
            seen = load->received;
            deadline = now + clock_from_seconds(PATIENCE_SECONDS);
        } else if (now > deadline) {
            fail("Deliveries stopped for %d s with %" PRId64 " messages missing.", PATIENCE_SECONDS,
                 topology_missing(load));
        }
    }
}

static uint64_t unacknowledged(const struct load *load) {
    if (load->options->qos == 0) return 0;
    uint64_t published = 0;
    for (uint32_t g = 0; g < load->options->groups; g++) published += load->groups[g].published;
    return published - load->acknowledged;
}

void window_drain(struct load *load) {
    uint64_t deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    while ((topology_missing(load) > 0 || unacknowledged(load) > 0) && clock_now() < deadline) {
        if (load_turn(load, POLL_MILLISECONDS)) deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    }
    load_settle(load);
    // Whoever publishes next begins of its own accord.
    for (uint32_t i = 0; i < load->touched_count; i++) load->groups[load->touched[i]].touched = false;
    load->touched_count = 0;
}
