// SPDX-License-Identifier: Apache-2.0
// Buffers that go from connection to connection: an idle connection has none, a busy one gets the one that was used
// last, which is still in the cache. Sizes are 1 KB and four times the one before, up to 4 MB; longer ones are not kept.

#pragma once

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *bytes;  // NULL = none
    size_t size;
};

// A buffer of at least `size` bytes.
struct buffer pool_take(size_t size);

void pool_give(struct buffer buffer);
