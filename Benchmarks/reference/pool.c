// SPDX-License-Identifier: Apache-2.0
// Buffers that go from connection to connection; see pool.h.

#include "pool.h"

#include "failure.h"

#include <stdlib.h>

enum { CLASSES = 7, SMALLEST = 1024, KEPT_BYTES = 32 * 1024 * 1024 };

// A free buffer holds the pointer to the next one.
static struct free_buffer {
    struct free_buffer *next;
} *free_buffers[CLASSES];

static size_t kept;

static unsigned class_of(size_t size) {
    unsigned class = 0;
    for (size_t fits = SMALLEST; fits < size; fits *= 4) class++;
    return class;
}

static size_t size_of(unsigned class) { return (size_t)SMALLEST << (2 * class); }

struct buffer pool_take(size_t size) {
    unsigned class = class_of(size);
    if (class >= CLASSES) return (struct buffer){allocate(size), size};
    struct free_buffer *first = free_buffers[class];
    size = size_of(class);
    if (first == NULL) return (struct buffer){allocate(size), size};
    free_buffers[class] = first->next;
    kept -= size;
    return (struct buffer){(uint8_t *)first, size};
}

void pool_give(struct buffer buffer) {
    if (buffer.bytes == NULL) return;
    unsigned class = class_of(buffer.size);
    if (class >= CLASSES || kept + buffer.size > KEPT_BYTES) {
        free(buffer.bytes);
        return;
    }
    struct free_buffer *first = (struct free_buffer *)(void *)buffer.bytes;
    first->next = free_buffers[class];
    free_buffers[class] = first;
    kept += buffer.size;
}
