// SPDX-License-Identifier: Apache-2.0
// Messages that are due at fixed times; see schedule.h.

#include "schedule.h"

#include "clock.h"
#include "payload.h"
#include "websocket.h"

#include <string.h>

enum { TICKS_A_SECOND = 20000 };

static void set_time(const struct options *options, const struct ring *ring, uint8_t *frame, uint64_t time) {
    uint32_t place = ring->packet_length - options->payload_length + PAYLOAD_TIME;
    memcpy(frame + place, &time, sizeof time);
    if (ring->frame_header > 0) websocket_mask(frame, ring->frame_header, place - ring->frame_header, sizeof time);
}

static void publish(struct load *load, struct schedule *schedule, uint32_t count, uint64_t due) {
    struct group *group = &load->groups[schedule->first + schedule->sent / count % schedule->groups];
    struct connection *publisher = &group->publishers[group->next_publisher];
    group->next_publisher = (group->next_publisher + 1) % load->options->publishers;
    const struct ring *ring = publisher->ring;
    uint8_t *frame = connection_reserve(publisher, count * ring->packet_length);
    uint64_t now = clock_now();
    for (uint32_t i = 0; i < count; i++, frame += ring->packet_length) {
        memcpy(frame, ring->bytes + publisher->published++ % ring->packets * ring->packet_length, ring->packet_length);
        set_time(load->options, ring, frame, schedule->carries_sending_time ? now : due);
    }
    publisher->control_end += count * ring->packet_length;
    group->published += count;
    schedule->sent += count;
    if (due >= schedule->due_from) histogram_add(schedule->lateness, now - due);
    if (!publisher->writable_armed) connection_flush(load, publisher);
}

void schedule_publish(struct load *load, struct schedule *schedule) {
    uint32_t count = (schedule->rate + TICKS_A_SECOND - 1) / TICKS_A_SECOND;
    uint64_t now = clock_now();
    for (;;) {
        uint64_t due = schedule->start + (uint64_t)((double)schedule->sent * 1e9 / schedule->rate);
        if (due > now || due >= schedule->end) return;
        publish(load, schedule, count, due);
    }
}
