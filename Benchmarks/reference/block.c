// SPDX-License-Identifier: Apache-2.0
// The memory that sockets are read into; see block.h.

#include "block.h"

#include "bytes.h"
#include "pool.h"

enum { BLOCK_SIZE = 4 * 1024 * 1024 };

static struct block *current;

static struct block *new_block(void) {
    struct block *block = (struct block *)(void *)pool_take(BLOCK_SIZE).bytes;
    block->references = 1;
    block->used = 0;
    return block;
}

uint8_t *block_space(size_t held) {
    if (current == NULL) current = new_block();
    if (current->references == 1) current->used = 0;
    if (BLOCK_SIZE - sizeof *current - current->used < held + READ_LENGTH + SLACK) {
        block_release(current);
        current = new_block();
    }
    return current->bytes + current->used;
}

struct block *block_refer(const uint8_t *end) {
    uint32_t used = (uint32_t)(end - current->bytes);
    if (used > current->used) current->used = used;
    current->references++;
    return current;
}

void block_release(struct block *block) {
    if (--block->references == 0) pool_give((struct buffer){(uint8_t *)block, BLOCK_SIZE});
}
