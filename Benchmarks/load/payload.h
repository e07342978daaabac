// SPDX-License-Identifier: Apache-2.0
// What the payload of a message says about it, in the machine's byte order, as far as the payload is long enough.
// Whoever publishes and whoever receives is the same process.

#pragma once

enum {
    PAYLOAD_INDEX = 0,      // uint32_t: place in the publisher's ring
    PAYLOAD_PUBLISHER = 4,  // uint32_t: number of the publisher in its group
    PAYLOAD_ORDER_LENGTH = 8,
    PAYLOAD_TIME = 8,       // uint64_t: when it was due, or sent; 0 in messages that are not timed
    PAYLOAD_TIMED_LENGTH = 16,
};
