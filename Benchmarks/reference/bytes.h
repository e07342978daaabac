// SPDX-License-Identifier: Apache-2.0
// Big-endian numbers, short copies and the hash of a name.
// Copies and hashes of short strings take whole words: SLACK bytes behind whatever is read or written belong to the
// same allocation, and what they hold does not matter.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SLACK = 64 };

static inline uint16_t load16(const uint8_t *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }

static inline uint8_t *store16(uint8_t *out, uint16_t value) {
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return out + 2;
}

static inline uint64_t load_word(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

// Like memcpy, but both sides have slack.
static inline void copy(uint8_t *restrict to, const uint8_t *restrict from, size_t length) {
    if (length <= 32) {
        memcpy(to, from, 32);
    } else if (length <= SLACK) {
        memcpy(to, from, SLACK);
    } else {
        memcpy(to, from, length);
    }
}

// The last word of a name, of which `count` bytes belong to it (1 to 8), the first of them lowest.
static inline uint64_t load_tail(const uint8_t *bytes, size_t count) {
    return load_word(bytes) & (UINT64_MAX >> (64 - 8 * count));
}

static inline uint64_t mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Of a name of at least one byte, with slack behind it.
static inline uint64_t hash(const uint8_t *name, size_t length) {
    uint64_t value = length ^ 0x9E3779B97F4A7C15u;
    for (; length > 8; name += 8, length -= 8) value = mix(value ^ load_word(name), 0xD6E8FEB86659FD93u);
    return mix(value ^ load_tail(name, length), 0xCA9B0C7EBA1DA115u);
}

// Of two names of the same length, at least one byte, both with slack behind them.
static inline int equal(const uint8_t *a, const uint8_t *b, size_t length) {
    for (; length > 8; a += 8, b += 8, length -= 8) {
        if (load_word(a) != load_word(b)) return 0;
    }
    return load_tail(a, length) == load_tail(b, length);
}
