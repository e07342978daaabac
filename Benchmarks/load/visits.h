// SPDX-License-Identifier: Apache-2.0
// Clients that come, do something and go, --concurrency of them at a time: when one has gone, the next comes in its
// place. What they do is up to the mode's receiver.

#pragma once

#include "load.h"

struct visits {
    struct load load;             // first, so that a receiver finds its visits
    uint64_t begun, ended;
    struct connection **gone;     // in this turn
    uint32_t gone_count;
};

void visits_prepare(struct visits *visits, const struct options *options, const struct receiver *receiver);
void visits_free(struct visits *visits);

// `count` clients, numbered `first`, `first` + `step`, …; none begins after `deadline`. Awaits the end of each that has
// begun, unless nothing moves any more: `begun` and `ended` then differ.
void visits_run(struct visits *visits, uint32_t first, uint32_t step, uint64_t count, uint64_t deadline);

// For receivers: closes the client's connection when the turn is over.
void visits_end(struct load *load, struct connection *connection);
