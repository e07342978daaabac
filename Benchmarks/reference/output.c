// SPDX-License-Identifier: Apache-2.0
// What a connection has to send; see output.h.

#include "output.h"

#include "block.h"
#include "failure.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { PIECES_A_WRITE = 128 };

// Output that waits for its socket is not asked about every FLUSH_LENGTH, but when its buffer is full.
static void set_limit(struct output *output) {
    size_t room = output->buffer.size - SLACK;
    output->limit = output->buffer.bytes + (room > FLUSH_LENGTH && !output->blocked ? FLUSH_LENGTH : room);
}

// What is sent already is not taken along.
static void move(struct output *output, size_t size) {
    struct buffer old = output->buffer;
    struct references *references = output->references;
    size_t length = (size_t)(output->end - output->start), sent = (size_t)(output->start - old.bytes);
    output->buffer = pool_take(size);
    if (length > 0) memcpy(output->buffer.bytes, output->start, length);
    pool_give(old);
    output->start = output->buffer.bytes;
    output->end = output->start + length;
    if (references == NULL) return;
    references->count -= references->first;
    memmove(references->items, references->items + references->first, references->count * sizeof *references->items);
    references->first = 0;
    for (uint32_t i = 0; i < references->count; i++) references->items[i].at -= sent;
}

void output_grow(struct output *output, size_t length) {
    size_t needed = (size_t)(output->end - output->start) + length + SLACK;
    if ((size_t)(output->end - output->buffer.bytes) + length + SLACK > output->buffer.size) {
        move(output, needed < output->wanted ? output->wanted : 2 * needed);
    }
    set_limit(output);
    if (output->limit < output->end + length) output->limit = output->buffer.bytes + output->buffer.size - SLACK;
}

void output_refer(struct output *output, const uint8_t *bytes, size_t length) {
    struct references *references = output->references;
    if (references == NULL) references = output->references = memset(allocate(sizeof *references), 0, sizeof *references);
    if (references->count == references->capacity) {
        references->capacity = references->capacity == 0 ? 16 : 2 * references->capacity;
        references->items = reallocate(references->items, references->capacity * sizeof *references->items);
    }
    references->items[references->count++] = (struct reference){
        .at = (size_t)(output->end - output->buffer.bytes), .bytes = bytes, .length = length,
        .block = block_refer(bytes + length)};
    references->bytes += length;
}

static void drop_references(struct output *output) {
    struct references *references = output->references;
    if (references == NULL) return;
    while (references->first < references->count) block_release(references->items[references->first++].block);
    free(references->items);
    free(references);
    output->references = NULL;
}

// The buffer is empty. The next one is as long as what this one was used for.
static void give_back(struct output *output) {
    size_t used = (size_t)(output->end - output->buffer.bytes) + SLACK;
    output->wanted = used > 2 * FLUSH_LENGTH ? 2 * FLUSH_LENGTH : (uint32_t)used;
    pool_give(output->buffer);
    output->buffer = (struct buffer){NULL, 0};
    output->start = output->end = output->limit = NULL;
}

// Buffer and references as pieces, as many as fit into a write; their length is added to `length`.
static size_t pieces(const struct output *output, struct iovec *out, size_t *length) {
    const struct references *references = output->references;
    uint8_t *from = output->start;
    size_t count = 0;
    uint32_t i = references->first;
    for (; i < references->count && count + 2 < PIECES_A_WRITE; i++) {
        uint8_t *to = output->buffer.bytes + references->items[i].at;
        if (to > from) out[count++] = (struct iovec){from, (size_t)(to - from)};
        out[count++] = (struct iovec){(void *)references->items[i].bytes, references->items[i].length};
        from = to;
    }
    if (i == references->count && output->end > from) {
        out[count++] = (struct iovec){from, (size_t)(output->end - from)};
    }
    for (size_t piece = 0; piece < count; piece++) *length += out[piece].iov_len;
    return count;
}

// Takes what was sent from the front of buffer and references.
static void consume(struct output *output, size_t sent) {
    struct references *references = output->references;
    while (references != NULL && references->first < references->count) {
        struct reference *next = &references->items[references->first];
        size_t before = (size_t)(output->buffer.bytes + next->at - output->start);
        if (sent < before) break;
        output->start += before;
        sent -= before;
        size_t taken = sent < next->length ? sent : next->length;
        next->bytes += taken;
        next->length -= taken;
        references->bytes -= taken;
        sent -= taken;
        if (next->length > 0) return;
        block_release(next->block);
        references->first++;
    }
    output->start += sent;
}

// Sends what fits into one write, and says how much that would be.
static ssize_t write_some(const struct output *output, int descriptor, size_t *length) {
    if (output->references == NULL) {
        *length = (size_t)(output->end - output->start);
        return send(descriptor, output->start, *length, MSG_NOSIGNAL);
    }
    struct iovec vector[PIECES_A_WRITE];
    *length = 0;
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = pieces(output, vector, length)};
    return sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

enum output_result output_send(struct output *output, int descriptor) {
    output->blocked = false;
    while (output_length(output) > 0) {
        size_t length;
        ssize_t sent = write_some(output, descriptor, &length);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return OUTPUT_BROKEN;
        if (sent > 0) consume(output, (size_t)sent);
        // A socket that took a part is full.
        if (sent < (ssize_t)length) {
            output->blocked = true;
            set_limit(output);
            return OUTPUT_BLOCKED;
        }
    }
    drop_references(output);
    give_back(output);
    return OUTPUT_SENT;
}

void output_discard(struct output *output) {
    drop_references(output);
    give_back(output);
}
