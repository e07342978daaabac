// SPDX-License-Identifier: Apache-2.0
// The memory that sockets are read into. All connections read into the same block, one after the other, always at its
// beginning, unless output still refers to a payload in it: then behind that, or into another block.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum { READ_LENGTH = 256 * 1024, PACKET_LENGTH_LIMIT = 1024 * 1024 };

struct block {
    uint32_t references;  // one for being the block that is read into, one for each payload that output refers to
    uint32_t used;        // bytes that a reference may reach into
    uint8_t bytes[];
};

// Room for `held` bytes and a read of READ_LENGTH, with slack, in the block that is read into now.
uint8_t *block_space(size_t held);

// The block that `block_space` gave last, with one more reference; `end` is behind what is referred to.
struct block *block_refer(const uint8_t *end);

void block_release(struct block *block);
