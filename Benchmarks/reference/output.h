// SPDX-License-Identifier: Apache-2.0
// What a connection has to send: the output of a turn in one buffer, written once at the turn's end, or when it passes
// FLUSH_LENGTH. Long payloads are referred to where they were read and sent beside the buffer, without a copy.

#pragma once

#include "bytes.h"
#include "pool.h"

#include <stdbool.h>

enum { FLUSH_LENGTH = 128 * 1024, HIGH_WATER = 1024 * 1024, REFERENCE_LENGTH = 8 * 1024 };

struct block;

// A payload that is sent where the buffer is at `at`.
struct reference {
    size_t at;
    const uint8_t *bytes;
    size_t length;
    struct block *block;
};

struct references {
    struct reference *items;
    uint32_t first, count, capacity;
    size_t bytes;  // of all that are left
};

struct output {
    uint8_t *end;    // where the next byte goes
    uint8_t *limit;  // up to here nothing has to be considered
    uint8_t *start;  // the first byte that is not sent
    struct buffer buffer;
    struct references *references;  // NULL = none
    uint32_t wanted;                // size of the next buffer, by what the last one was used for
    bool blocked;                   // the socket took no more: wait for EPOLLOUT
};

enum output_result { OUTPUT_SENT, OUTPUT_BLOCKED, OUTPUT_BROKEN };

static inline size_t output_length(const struct output *output) {
    return (size_t)(output->end - output->start) + (output->references == NULL ? 0 : output->references->bytes);
}

// A buffer with room for `length` more bytes.
void output_grow(struct output *output, size_t length);

// Sends that `length` bytes at `bytes`, in the block that is read into, follow what is in the buffer now.
void output_refer(struct output *output, const uint8_t *bytes, size_t length);

// Writes what the socket takes. The buffer goes back when it is empty.
enum output_result output_send(struct output *output, int descriptor);

void output_discard(struct output *output);
