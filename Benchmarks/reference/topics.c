// SPDX-License-Identifier: Apache-2.0
// Who has subscribed to which topic; see topics.h.
// Linear probing, at most half full; a slot has the hash, so that a miss touches nothing else.

#include "topics.h"

#include "bytes.h"
#include "failure.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

struct slot {
    uint64_t hash;
    struct topic *topic;  // NULL = free
};

static struct slot *slots;
static size_t mask;  // capacity - 1, of a power of two
static size_t topic_count;

struct topic *topics_find(const uint8_t *name, uint16_t length) {
    if (slots == NULL) return NULL;
    uint64_t wanted = hash(name, length);
    for (size_t i = wanted & mask;; i = (i + 1) & mask) {
        struct topic *topic = slots[i].topic;
        if (topic == NULL) return NULL;
        if (slots[i].hash == wanted && topic->length == length && equal(topic->name, name, length)) return topic;
    }
}

static void insert(struct topic *topic) {
    size_t i = topic->hash & mask;
    while (slots[i].topic != NULL) i = (i + 1) & mask;
    slots[i] = (struct slot){topic->hash, topic};
}

static void grow(void) {
    struct slot *old = slots;
    size_t old_capacity = old == NULL ? 0 : mask + 1, capacity = old == NULL ? FIRST_CAPACITY : 2 * old_capacity;
    slots = memset(allocate(capacity * sizeof *slots), 0, capacity * sizeof *slots);
    mask = capacity - 1;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].topic != NULL) insert(old[i].topic);
    }
    free(old);
}

static struct topic *new_topic(const uint8_t *name, uint16_t length) {
    if (slots == NULL || 2 * topic_count > mask) grow();
    struct topic *topic = memset(allocate(sizeof *topic + length + 8), 0, sizeof *topic);
    topic->hash = hash(name, length);
    topic->length = length;
    memcpy(topic->name, name, length);
    topic_count++;
    insert(topic);
    return topic;
}

// Frees the topic's slot and moves back those behind it that were pushed away from their own.
static void remove_topic(struct topic *topic) {
    size_t hole = topic->hash & mask;
    while (slots[hole].topic != topic) hole = (hole + 1) & mask;
    for (size_t i = (hole + 1) & mask; slots[i].topic != NULL; i = (i + 1) & mask) {
        size_t distance = (i - (slots[i].hash & mask)) & mask;
        if (distance < ((i - hole) & mask)) continue;
        slots[hole] = slots[i];
        hole = i;
    }
    slots[hole].topic = NULL;
    topic_count--;
    free(topic->subscribers);
    free(topic);
}

bool topics_subscribe(const uint8_t *name, uint16_t length, struct connection *connection, uint8_t qos,
                      struct topic **result) {
    struct topic *topic = topics_find(name, length);
    if (topic == NULL) topic = new_topic(name, length);
    *result = topic;
    for (uint32_t i = 0; i < topic->count; i++) {
        if (topic->subscribers[i].connection != connection) continue;
        topic->subscribers[i].qos = qos;
        return false;
    }
    if (topic->count == topic->capacity) {
        topic->capacity = topic->capacity == 0 ? 1 : 2 * topic->capacity;
        topic->subscribers = reallocate(topic->subscribers, topic->capacity * sizeof *topic->subscribers);
    }
    topic->subscribers[topic->count++] = (struct subscriber){connection, qos};
    return true;
}

void topics_unsubscribe(struct topic *topic, const struct connection *connection) {
    for (uint32_t i = 0; i < topic->count; i++) {
        if (topic->subscribers[i].connection != connection) continue;
        topic->subscribers[i] = topic->subscribers[--topic->count];
        break;
    }
    if (topic->count == 0) remove_topic(topic);
}
