// SPDX-License-Identifier: Apache-2.0
// Messages that are due at fixed times and carry a time: the one when each was due, so that a broker (or a generator)
// that stalls makes every message due meanwhile late, instead of quietly lowering the rate (coordinated omission).
// Beyond 20,000 messages a second, several of one publisher are due together, as it could not send them singly.

#pragma once

#include "load.h"

struct schedule {
    uint64_t start, end;
    uint64_t due_from;           // no message that is due earlier counts for `lateness`
    uint32_t rate;               // messages a second, over all groups
    uint32_t first, groups;      // whose turn it is in turn
    bool carries_sending_time;   // instead of the due time
    uint64_t sent;
    struct histogram *lateness;  // of the generator itself
};

// Publishes what is due by now. Call it in every turn, without sleeping in between.
void schedule_publish(struct load *load, struct schedule *schedule);
